// What TypeScript knows about TCPServerSocket, and about the servers that `listen` makes, whose `onconnect` gets the
// socket itself.

import { expectTypeOf } from 'expect-type'
import {
  TCPServerSocket,
  TCPServerSocketEvent,
  TCPSocket,
  mozTCPSocket,
  type AcceptedTCPSocket,
  type TCPSocketErrorEvent,
} from 'moz-tcp-socket'

const server = new TCPServerSocket(0, { binaryType: 'arraybuffer', localAddress: '::1' }, 5)
expectTypeOf(server).toExtend<EventTarget>()
expectTypeOf(server).toExtend<TCPServerSocket>()
expectTypeOf(server.localPort).toEqualTypeOf<number>()
expectTypeOf(server.localAddress).toEqualTypeOf<string>()
server.onconnect = function (event) {
  expectTypeOf(this.localPort).toEqualTypeOf<number>()
  expectTypeOf(event).toEqualTypeOf<TCPServerSocketEvent<'arraybuffer'>>()
  expectTypeOf(event.socket).toEqualTypeOf<TCPSocket<'arraybuffer'>>()
  expectTypeOf(event.data).toEqualTypeOf<TCPSocket<'arraybuffer'>>()
}
server.onerror = (event) => expectTypeOf(event).toEqualTypeOf<TCPSocketErrorEvent>()
server.addEventListener('connect', ({ socket }) => {
  expectTypeOf(socket).toEqualTypeOf<TCPSocket<'arraybuffer'>>()
})
server.addEventListener('error', { handleEvent: ({ name }) => expectTypeOf(name).toExtend<string>() })
expectTypeOf(server.close).returns.toBeVoid()
expectTypeOf(server.ref().unref()).toEqualTypeOf(server)

// The first generation's way in.
const first = mozTCPSocket.listen('8080')
expectTypeOf(first).toEqualTypeOf<TCPServerSocket<'string', AcceptedTCPSocket<'string'>>>()
first.onconnect = (socket) => {
  expectTypeOf(socket).toExtend<TCPSocket<'string'>>()
  expectTypeOf(socket.socket).toEqualTypeOf<TCPSocket<'string'>>()
  socket.send('hello')
}
first.addEventListener('connect', (event) => {
  expectTypeOf(event).toEqualTypeOf<TCPServerSocketEvent<'string'>>()
})
expectTypeOf(TCPSocket.listen(-1, null, -1)).toEqualTypeOf(first)

// TLS.
void new TCPServerSocket(0, {
  useSecureTransport: true,
  cert: 'PEM',
  key: new Uint8Array(1),
  handshakeTimeout: 5000,
})
void new TCPServerSocket(0, { pfx: new ArrayBuffer(1), passphrase: 'secret', alpnProtocols: ['imap'] })
expectTypeOf(server.failedHandshakes).toBeNumber()
// @ts-expect-error For clients.
void new TCPServerSocket(0, { ca: 'PEM' })
// @ts-expect-error
void new TCPServerSocket()
// @ts-expect-error
server.localPort = 8080

const something: unknown = Math.random()
if (TCPServerSocket.isInstance(something)) expectTypeOf(something).toEqualTypeOf<TCPServerSocket>()
if (TCPServerSocketEvent.isInstance(something)) expectTypeOf(something.socket).toEqualTypeOf<TCPSocket>()

class Mine extends TCPServerSocket<'string'> {}
expectTypeOf(new Mine(0)).toExtend<TCPServerSocket<'string'>>()

// Options of TCP.
void new TCPServerSocket(0, {
  localAddress: '::',
  ipv6Only: true,
  reusePort: true,
  signal: new AbortController().signal,
  timeout: 60_000,
  keepAlive: true,
  keepAliveDelay: 30_000,
  noDelay: false,
})
// @ts-expect-error For clients.
void new TCPServerSocket(0, { connectTimeout: 1 })
// @ts-expect-error An argument of its own.
void new TCPServerSocket(0, { backlog: 5 })
