// What TypeScript knows after `import 'moz-tcp-socket/register'`: globals and `navigator`, as values and as types, with
// the dom library and without.

import { expectTypeOf } from 'expect-type'
import type * as api from 'moz-tcp-socket'
import 'moz-tcp-socket/register'

expectTypeOf(navigator.mozTCPSocket).toEqualTypeOf<api.MozTCPSocket>()
expectTypeOf(navigator.TCPSocket).toEqualTypeOf<api.MozTCPSocket>()
expectTypeOf(navigator.mozTCPSocket.open('localhost', 80)).toEqualTypeOf<api.TCPSocket<'string'>>()
expectTypeOf(globalThis.TCPSocket).toEqualTypeOf<typeof api.TCPSocket>()
expectTypeOf(globalThis.TCPServerSocket).toEqualTypeOf<typeof api.TCPServerSocket>()
expectTypeOf(TCPSocketEvent).toEqualTypeOf<typeof api.TCPSocketEvent>()
expectTypeOf(TCPSocketErrorEvent).toEqualTypeOf<typeof api.TCPSocketErrorEvent>()
expectTypeOf(TCPServerSocketEvent).toEqualTypeOf<typeof api.TCPServerSocketEvent>()

const socket: TCPSocket<'arraybuffer'> = new TCPSocket('localhost', 80, { binaryType: 'arraybuffer' })
socket.ondata = (event: TCPSocketEvent<ArrayBuffer>) => event.data.byteLength
const server: TCPServerSocket = new TCPServerSocket(0)
server.onconnect = (event: TCPServerSocketEvent) => event.socket.close()
