/**
 * Direct Sockets of WICG: TCP, UDP and TCP servers as streams, as in Isolated Web Apps of Chrome; and TLS, which is an addition.
 *
 * The network's errors are DOMExceptions called NetworkError, whose `cause` is the system's Error with `code`, `errno` and `syscall`. Constructors
 * throw a TypeError for arguments that cannot be right, and NotAllowedError where `setPolicy` or Node's permission model does not allow sockets.
 *
 * @see https://wicg.github.io/direct-sockets/
 *
 * @module moz-tcp-socket/direct
 */

export type SocketDnsQueryType = 'ipv4' | 'ipv6'

export interface SocketOptions {
  /** Bytes that the kernel holds for a peer that does not take them, 1 to 4294967295; the system has limits of its own. */
  sendBufferSize?: number
  /** Bytes that the kernel holds that nobody has read, likewise. */
  receiveBufferSize?: number
}

export interface TCPSocketOptions extends SocketOptions {
  /**
   * Small chunks leave at once, without Nagle's algorithm.
   *
   * @default false
   */
  noDelay?: boolean
  /**
   * Milliseconds of silence after which the peer is probed, and from one probe to the next: 1000 to 4294967295, in whole seconds, of which 32767
   * are the most. Without it nobody is probed.
   */
  keepAliveDelay?: number
  /** Only addresses of this family are connected to. */
  dnsQueryType?: SocketDnsQueryType
}

/** What this package adds to the options of a client. */
export interface NodeTCPSocketOptions extends TCPSocketOptions {
  /** Gives the socket up at any time: its reason is what everything fails with. */
  signal?: AbortSignal
  /** The IP address of this machine to connect from. */
  localAddress?: string
  /** The port to connect from, 1 to 65535. */
  localPort?: number
}

export interface SocketOpenInfo {
  /** Of a connection: a byte stream, of which nothing is read that nobody asked for. Each chunk is a Uint8Array over a buffer of its own. */
  readable: ReadableStream
  /** Of a connection: takes ArrayBuffers and views. A write fulfils when the system has all of it; one at a time goes down. */
  writable: WritableStream
  /** An IP address, without brackets. A bound UDPSocket has none. */
  remoteAddress: string
  remotePort: number
  localAddress: string
  localPort: number
}

export type TCPSocketOpenInfo = SocketOpenInfo

/** What sockets of this package have beside what the specification says. */
export interface NodeMembers {
  /** The process stays alive for it, which is so from the start. */
  ref(): this
  /** The process does not stay alive for it. */
  unref(): this
  /** Closes it, whatever is locked. It never rejects. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A TCP connection. */
export interface TCPSocket {
  /** Fulfils when it is connected, and rejects with a NetworkError where it cannot be. */
  readonly opened: Promise<TCPSocketOpenInfo>
  /** Fulfils when both streams have ended, and after `close()`; rejects with what one of them failed by. Never an unhandled rejection. */
  readonly closed: Promise<void>
  /**
   * Drops what is queued, ends the connection, and returns `closed`. To send everything first, close the writable. It rejects with an
   * InvalidStateError before the socket is open, and while one of the streams is locked.
   */
  close(): Promise<void>
}

export declare const TCPSocket: {
  /**
   * @param remoteAddress a name or an IP address. One that cannot be looked up is a NetworkError of the promises
   * @param remotePort 1 to 65535; 0 is a NetworkError of the promises, what is no port a TypeError
   */
  new (remoteAddress: string, remotePort: number, options?: NodeTCPSocketOptions): TCPSocket & NodeMembers
  readonly prototype: TCPSocket & NodeMembers
}

export interface TCPServerSocketOptions {
  /** 1 to 65535. Without it, any free port. */
  localPort?: number
  /**
   * Connections that wait in the kernel until they are read, from 1 on.
   *
   * @default 511
   */
  backlog?: number
  /** Not for IPv4 as well. Only with the address `::`, else a TypeError. */
  ipv6Only?: boolean
}

export interface TCPServerSocketOpenInfo {
  /** Connections. One is accepted for each read; others wait in the backlog. */
  readable: ReadableStream
  localAddress: string
  localPort: number
}

/** A listener. */
export interface TCPServerSocket {
  /** Fulfils when it listens; rejects with a NetworkError where it cannot. */
  readonly opened: Promise<TCPServerSocketOpenInfo>
  /** Fulfils when it was closed; rejects where it failed. */
  readonly closed: Promise<void>
  /** Stops listening, and returns `closed`. Accepted sockets live on. It rejects with an InvalidStateError as that of TCPSocket does. */
  close(): Promise<void>
}

export declare const TCPServerSocket: {
  /** @param localAddress an IP address of this machine; `::` is all addresses of both families, `0.0.0.0` all of IPv4 */
  new (localAddress: string, options?: TCPServerSocketOptions): TCPServerSocket & NodeMembers
  readonly prototype: TCPServerSocket & NodeMembers
}

/** With `remoteAddress` and `remotePort` a socket has one peer; with `localAddress` it hears everybody. One of the two it has to be. */
export interface UDPSocketOptions extends SocketOptions {
  /** A name or an IP address. */
  remoteAddress?: string
  /** 1 to 65535; 0 is a NetworkError of the promises. */
  remotePort?: number
  /** An IP address of this machine. */
  localAddress?: string
  /** 1 to 65535. Without it, any free port. */
  localPort?: number
  /** Of the name of a peer. */
  dnsQueryType?: SocketDnsQueryType
  /** Not for IPv4 as well. Only with the local address `::`. */
  ipv6Only?: boolean
  /** Others may receive at the same place, if all of them say so. */
  multicastAllowAddressSharing?: boolean
  /**
   * How many networks a datagram to a group may pass through, 0 to 255.
   *
   * @default 1
   */
  multicastTimeToLive?: number
  /**
   * What it sends to a group comes to the members on this host, itself included.
   *
   * @default true
   */
  multicastLoopback?: boolean
}

/** A datagram. */
export interface UDPMessage {
  /** Received: a Uint8Array. To be sent: 1 to 65507 bytes over IPv4. */
  data?: ArrayBuffer | (ArrayBufferView & { readonly buffer: ArrayBuffer })
  /** The sender, or whom it is for; a socket with one peer has neither. */
  remoteAddress?: string
  remotePort?: number
  /** Of the name of whom it is for. */
  dnsQueryType?: SocketDnsQueryType
}

export interface UDPSocketOpenInfo extends SocketOpenInfo {
  multicastController?: MulticastController
}

/** Datagrams. `readable` gives UDPMessages, of which 32 wait here and more in the kernel; `writable` takes them. */
export interface UDPSocket {
  readonly opened: Promise<UDPSocketOpenInfo>
  readonly closed: Promise<void>
  /** As that of TCPSocket. */
  close(): Promise<void>
}

export declare const UDPSocket: {
  new (options: UDPSocketOptions): UDPSocket & NodeMembers
  readonly prototype: UDPSocket & NodeMembers
}

export interface MulticastGroupOptions {
  /** Only what this host sends to the group: an IP address of the same family. */
  sourceAddress?: string
}

/** The groups that a bound UDPSocket belongs to. Its methods reject with an InvalidStateError on one that has a peer, or is closed. */
export interface MulticastController {
  /** Joins a group, at the interface that the system chooses. A TypeError for what is no group; InvalidStateError to join twice. */
  joinGroup(ipAddress: string, options?: MulticastGroupOptions): Promise<void>
  /** Leaves it again: InvalidStateError where it was not joined like that. */
  leaveGroup(ipAddress: string, options?: MulticastGroupOptions): Promise<void>
  /** Strings, and `{ groupAddress, sourceAddress }` for what was joined with a source. */
  // oxlint-disable-next-line typescript/no-explicit-any -- so that it stands for that of @types/w3c-direct-sockets, and that for it
  readonly joinedGroups: readonly any[]
}

export declare const MulticastController: { readonly prototype: MulticastController }

type Pem = string | ArrayBuffer | ArrayBufferView

/** Options of TLS, which docs/api.md describes. A name that none of them has throws a TypeError. */
export interface TLSSocketOptions extends NodeTCPSocketOptions {
  /** Certificates that are trusted besides the system's. */
  ca?: Pem | Pem[]
  /** Only `ca` is trusted. */
  caOnly?: boolean
  crl?: Pem | Pem[]
  cert?: Pem
  key?: Pem
  pfx?: ArrayBuffer | ArrayBufferView
  passphrase?: string
  /** The name for SNI and for verification, in place of `remoteAddress`. */
  servername?: string
  /** Protocols to offer, the best first. */
  alpnProtocols?: string[]
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  fingerprint256?: string
  rejectUnauthorized?: boolean
}

export interface TLSSocketOpenInfo extends TCPSocketOpenInfo {
  /** The protocol that was agreed upon, or `null`. */
  alpn: string | null
}

/** A TCPSocket over TLS: open after the handshake, with the certificate verified. Not in the specification. */
export interface TLSSocket extends NodeMembers {
  readonly opened: Promise<TLSSocketOpenInfo>
  readonly closed: Promise<void>
  close(): Promise<void>
}

export declare const TLSSocket: {
  new (remoteAddress: string, remotePort: number, options?: TLSSocketOptions): TLSSocket
  readonly prototype: TLSSocket
}

export interface TLSServerSocketOptions extends TCPServerSocketOptions {
  cert?: Pem
  key?: Pem
  pfx?: ArrayBuffer | ArrayBufferView
  passphrase?: string
  alpnProtocols?: string[]
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Milliseconds that a client may take for its handshake, 1 to 600000; else it is dropped. */
  handshakeTimeout?: number
}

/** A TCPServerSocket whose connections are TLSSockets. One whose handshake fails is none of them. Not in the specification. */
export interface TLSServerSocket extends NodeMembers {
  readonly opened: Promise<TCPServerSocketOpenInfo>
  readonly closed: Promise<void>
  close(): Promise<void>
}

export declare const TLSServerSocket: {
  new (localAddress: string, options: TLSServerSocketOptions): TLSServerSocket
  readonly prototype: TLSServerSocket
}
