// A CommonJS consumer.

import { expectTypeOf } from 'expect-type'
import moz = require('moz-tcp-socket')
import { TCPSocket } from 'moz-tcp-socket'

expectTypeOf(moz.TCPSocket).toEqualTypeOf<typeof TCPSocket>()
expectTypeOf(new moz.TCPServerSocket(0).localPort).toEqualTypeOf<number>()
