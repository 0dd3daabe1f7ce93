// moz-tcp-socket/w3c and moz-tcp-socket/w3c/events.

import { expectTypeOf } from 'expect-type'

import { setPolicy } from 'moz-tcp-socket'
import type { PermissionState, RawSocketRequest, UDPMessage } from 'moz-tcp-socket/w3c'
import { TCPServerSocket, TCPSocket, UDPSocket, tcpPermission, udpPermission } from 'moz-tcp-socket/w3c'
import * as events from 'moz-tcp-socket/w3c/events'
import 'moz-tcp-socket/w3c/register'

const socket = new TCPSocket('127.0.0.1', 80, {
  localAddress: '127.0.0.1',
  noDelay: false,
  tcpKeepAliveOptions: 'sparse',
  tcpKeepAliveSparseIntvl: 30,
  useSecureTransport: true,
  ca: 'PEM',
  signal: AbortSignal.timeout(1),
})
expectTypeOf(socket.readyState).toEqualTypeOf<'opening' | 'open' | 'closing' | 'closed' | 'halfclosed'>()
expectTypeOf(socket.opened).toEqualTypeOf<Promise<void>>()
expectTypeOf(socket.localPort).toEqualTypeOf<number | null>()
expectTypeOf(socket.close()).toEqualTypeOf<Promise<void>>()
expectTypeOf(socket.writeable.write('text')).toEqualTypeOf<Promise<void>>()
expectTypeOf(socket.readable.getReader().read()).resolves.toExtend<{
  done: boolean
  value?: ArrayBuffer | undefined
}>()
new TCPSocket('127.0.0.1', 80, null).unref().halfClose()

// @ts-expect-error there is no default port
export const portless = new TCPSocket('127.0.0.1')
// @ts-expect-error a value that there is not
export const often = new TCPSocket('127.0.0.1', 80, { tcpKeepAliveOptions: 'often' })
// @ts-expect-error what is no chunk
socket.writeable.write(5)
// @ts-expect-error read-only
socket.readyState = 'open'

expectTypeOf(new TCPServerSocket().listen()).toEqualTypeOf<Promise<TCPSocket>>()

const udp = new UDPSocket({ localAddress: '0.0.0.0', loopback: true })
udp.joinMulticast('239.255.255.250')
expectTypeOf(udp.readable.getReader().read()).resolves.toExtend<{ value?: UDPMessage | undefined }>()
void udp.writeable.write({ data: new ArrayBuffer(1), remoteAddress: '127.0.0.1', remotePort: 9 })
// @ts-expect-error a message has data
void udp.writeable.write({ remotePort: 9 })

expectTypeOf(tcpPermission.hasPermission({ remotePort: 80 })).resolves.toEqualTypeOf<PermissionState>()
void udpPermission.requestPermission({ remotePort: 80, localPort: 80 })
// @ts-expect-error of servers
void tcpPermission.hasPermission({ localPort: 80 })

setPolicy({
  permissions: { 'raw-socket': ({ kind }: RawSocketRequest) => (kind === 'udp' ? 'denied' : 'granted') },
})

const client = new events.TCPSocket('127.0.0.1', 80)
client.onopen = function () {
  expectTypeOf(this.send(new Blob(['x']))).toEqualTypeOf<boolean>()
}
client.onerror = (event) => expectTypeOf(event.error.type).toExtend<string>()
new events.TCPServerSocket({ localPort: 80 }).onconnect = (event) => event.connectedSocket.halfclose()
new events.UDPSocket().onmessage = (event) => expectTypeOf(event.data).toEqualTypeOf<ArrayBuffer>()

expectTypeOf(navigator.tcpPermission.hasPermission()).resolves.toEqualTypeOf<PermissionState>()
void navigator.udpPermission.requestPermission({ localPort: 80 })
