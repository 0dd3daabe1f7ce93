// moz-tcp-socket/direct, and that its types stand for those of programs that were typed after the specification's IDL, and those for its own.

import { expectTypeOf } from 'expect-type'

import type {
  MulticastController,
  TCPServerSocketOpenInfo,
  TCPServerSocketOptions,
  TCPSocketOpenInfo,
  TCPSocketOptions,
  TLSSocketOpenInfo,
  UDPMessage,
  UDPSocketOpenInfo,
  UDPSocketOptions,
} from 'moz-tcp-socket/direct'
import { TCPServerSocket, TCPSocket, TLSServerSocket, TLSSocket, UDPSocket } from 'moz-tcp-socket/direct'

/** The IDL, as TypeScript has it: dictionaries have optional members, streams are of any chunks. */
namespace Idl {
  export type Family = 'ipv4' | 'ipv6'
  export interface Socket<Info> {
    readonly opened: Promise<Info>
    readonly closed: Promise<void>
    close(): Promise<void>
  }
  export interface Buffers {
    sendBufferSize?: number
    receiveBufferSize?: number
  }
  export interface TcpOptions extends Buffers {
    noDelay?: boolean
    keepAliveDelay?: number
    dnsQueryType?: Family
  }
  export interface ServerOptions {
    localPort?: number
    backlog?: number
    ipv6Only?: boolean
  }
  export interface UdpOptions extends Buffers {
    remoteAddress?: string
    remotePort?: number
    localAddress?: string
    localPort?: number
    dnsQueryType?: Family
    ipv6Only?: boolean
    multicastAllowAddressSharing?: boolean
    multicastTimeToLive?: number
    multicastLoopback?: boolean
  }
  export interface Open {
    readable: ReadableStream
    writable: WritableStream
    remoteAddress: string
    remotePort: number
    localAddress: string
    localPort: number
  }
  export interface Listening {
    readable: ReadableStream
    localAddress: string
    localPort: number
  }
  export interface Groups {
    joinGroup(ipAddress: string): Promise<void>
    leaveGroup(ipAddress: string): Promise<void>
    readonly joinedGroups: readonly string[]
  }
  export interface UdpOpen extends Open {
    multicastController?: Groups
  }
  export interface Message {
    data?: ArrayBuffer | (ArrayBufferView & { readonly buffer: ArrayBuffer })
    remoteAddress?: string
    remotePort?: number
    dnsQueryType?: Family
  }
}

declare const theirs: {
  tcp: Idl.Socket<Idl.Open>
  server: Idl.Socket<Idl.Listening>
  udp: Idl.Socket<Idl.UdpOpen>
  tcpOptions: Idl.TcpOptions
  serverOptions: Idl.ServerOptions
  udpOptions: Idl.UdpOptions
  message: Idl.Message
  groups: Idl.Groups
}
declare const ours: {
  tcp: TCPSocket
  server: TCPServerSocket
  udp: UDPSocket
  tcpOptions: TCPSocketOptions
  serverOptions: TCPServerSocketOptions
  udpOptions: UDPSocketOptions
  message: UDPMessage
  groups: MulticastController
}

export const there: typeof theirs = ours
export const back: typeof ours = theirs
export const constructors: {
  tcp: new (remoteAddress: string, remotePort: number, options?: Idl.TcpOptions) => Idl.Socket<Idl.Open>
  server: new (localAddress: string, options?: Idl.ServerOptions) => Idl.Socket<Idl.Listening>
  udp: new (options: Idl.UdpOptions) => Idl.Socket<Idl.UdpOpen>
} = { tcp: TCPSocket, server: TCPServerSocket, udp: UDPSocket }

const socket = new TCPSocket('localhost', 80, { noDelay: true, signal: AbortSignal.timeout(1) })
expectTypeOf(socket.opened).toEqualTypeOf<Promise<TCPSocketOpenInfo>>()
expectTypeOf(socket.unref()).toExtend<TCPSocket>()
expectTypeOf(new TCPServerSocket('::').opened).toEqualTypeOf<Promise<TCPServerSocketOpenInfo>>()
expectTypeOf(new UDPSocket({ localAddress: '::' }).opened).toEqualTypeOf<Promise<UDPSocketOpenInfo>>()
expectTypeOf(new TLSSocket('localhost', 443, { ca: '', alpnProtocols: ['h2'] }).opened).toEqualTypeOf<
  Promise<TLSSocketOpenInfo>
>()
expectTypeOf(new TLSServerSocket('::', { cert: '', key: '' }).close()).toEqualTypeOf<Promise<void>>()

// @ts-expect-error: the port is missing
void new TCPSocket('localhost')
// @ts-expect-error: no family is called that
void new TCPSocket('localhost', 80, { dnsQueryType: 'both' })
// @ts-expect-error: a server needs a certificate, so it needs options
void new TLSServerSocket('::')
// @ts-expect-error: options of TLS are not for a TCPSocket
void new TCPSocket('localhost', 80, { ca: '' })
