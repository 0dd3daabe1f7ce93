// moz-tcp-socket/winter, and that its types and those of @cloudflare/workers-types stand for each other.

import type {
  SocketAddress as CloudflareAddress,
  SocketInfo as CloudflareInfo,
  SocketOptions as CloudflareOptions,
  TlsOptions as CloudflareTlsOptions,
} from '@cloudflare/workers-types'
import { expectTypeOf } from 'expect-type'

import type { NodeSocket, SocketAddress, SocketInfo, SocketOptions, TlsOptions } from 'moz-tcp-socket/winter'
import { Socket, SocketError, connect, withOptions } from 'moz-tcp-socket/winter'

declare const theirs: {
  address: CloudflareAddress
  info: CloudflareInfo
  options: CloudflareOptions
  tls: CloudflareTlsOptions
}
declare const ours: { address: SocketAddress; info: SocketInfo; tls: TlsOptions }

export const address: SocketAddress = theirs.address
export const back: CloudflareAddress = ours.address
export const info: SocketInfo = theirs.info
export const infoBack: CloudflareInfo = ours.info
export const options: SocketOptions = theirs.options
export const tls: TlsOptions = theirs.tls
export const tlsBack: CloudflareTlsOptions = ours.tls
export const full: CloudflareOptions = { allowHalfOpen: true } satisfies SocketOptions

// Sockets, whose streams are declared by each library anew, are compared in workers/.

declare const socket: Socket

expectTypeOf(connect('localhost:80')).toExtend<Socket>()
connect(
  { hostname: '::1', port: 80 },
  { secureTransport: 'starttls', allowHalfOpen: true, highWaterMark: 1n },
)
connect('localhost:80', { sni: 'name', alpn: ['h2'], signal: AbortSignal.timeout(1) })
withOptions({ ca: 'PEM', cert: new Uint8Array(), key: 'PEM', block: (host, port) => host === '' && port > 1 })
  .connect('localhost:80')
  .startTls({ expectedServerHostname: 'name' })

// @ts-expect-error there is no default port
connect({ hostname: 'localhost' })
// @ts-expect-error connect() makes sockets
export const made = new Socket()
// @ts-expect-error an option that there is not
withOptions({ rejectUnauthorised: false })

expectTypeOf(new SocketError('why')).toExtend<TypeError>()
expectTypeOf(socket.opened).resolves.toHaveProperty('alpn')
expectTypeOf(connect('localhost:80').startTls().unref()).toEqualTypeOf<NodeSocket>()
expectTypeOf(socket.close('reason')).toEqualTypeOf<Promise<void>>()
