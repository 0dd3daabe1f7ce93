// An ECMAScript module that consumes the package: names and the default export, which is `module.exports`.

import { expectTypeOf } from 'expect-type'
import moz, { TCPServerSocket, TCPSocket, mozTCPSocket } from 'moz-tcp-socket'

expectTypeOf(moz.TCPSocket).toEqualTypeOf<typeof TCPSocket>()
expectTypeOf(moz.mozTCPSocket).toEqualTypeOf<typeof mozTCPSocket>()
expectTypeOf(new TCPServerSocket(0).localPort).toEqualTypeOf<number>()
// @ts-expect-error There is no other name.
expectTypeOf(moz.UDPSocket).toBeAny()
