/**
 * The W3C draft "TCP and UDP Socket API" of 2014 to 2016, formerly the Raw Sockets API: connections, servers and datagrams as streams.
 *
 * Errors are DOMExceptions. Those of the network are called NetworkError, and their `cause` is the system's Error with `code`, `errno` and
 * `syscall`. Constructors throw an InvalidAccessError for an address or a port that cannot be, a SecurityError where `setPolicy` or Node's
 * permission model does not allow it, and a TypeError for arguments of another kind. No promise is ever an unhandled rejection, unless it is that of a method.
 *
 * @see https://github.com/sysapps/tcp-udp-sockets
 *
 * @module moz-tcp-socket/w3c
 */

/** What sockets of this package have beside what the draft says. */
export interface NodeMembers {
  /** The process stays alive for it, which is so from the start. */
  ref(): this
  /** The process does not stay alive for it. */
  unref(): this
  /** `close()`. It never rejects. */
  [Symbol.asyncDispose](): Promise<void>
}

export type TCPReadyState = 'opening' | 'open' | 'closing' | 'closed' | 'halfclosed'
export type ReadyState = 'opening' | 'open' | 'closed'

type Pem = string | ArrayBuffer | ArrayBufferView

/** TLS, with `useSecureTransport: true`, else a TypeError. What each means, and what throws, is said at those of `moz-tcp-socket`. */
export interface TLSOptions {
  /** Certificates that are trusted besides the system's. */
  ca?: Pem | Pem[]
  /** Only `ca` is trusted. */
  caOnly?: boolean
  crl?: Pem | Pem[]
  cert?: Pem
  key?: Pem
  pfx?: ArrayBuffer | ArrayBufferView
  passphrase?: string
  servername?: string
  alpnProtocols?: string[]
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  fingerprint256?: string
  rejectUnauthorized?: boolean
}

export interface TCPOptions extends TLSOptions {
  /** The IP address of this machine to connect from. One that no interface has is an InvalidAccessError of the constructor. */
  localAddress?: string
  /** The port to connect from, 1 to 65535. */
  localPort?: number
  /**
   * Connections of `localPort` that have ended, or lead elsewhere, are not in the way.
   *
   * @default true
   */
  addressReuse?: boolean
  /**
   * Small chunks leave at once, without Nagle's algorithm.
   *
   * @default true
   */
  noDelay?: boolean
  /**
   * TLS from the first byte.
   *
   * @default false
   */
  useSecureTransport?: boolean
  /**
   * `'sparse'`: a silent peer is probed each `tcpKeepAliveSparseIntvl`. `'frequent-then-sparse'`: each 10 seconds, here for as long as it is
   * silent.
   *
   * @default 'off'
   */
  tcpKeepAliveOptions?: 'off' | 'frequent-then-sparse' | 'sparse'
  /**
   * Seconds, 1 to 32767.
   *
   * @default 600
   */
  tcpKeepAliveSparseIntvl?: number
  /** Gives the socket up at any time: its reason is what everything fails with. Not in the draft. */
  signal?: AbortSignal
}

/** The stream that is written to. A write fulfils when the system has all of it. */
export interface SocketWritableStream<Chunk> extends WritableStream<Chunk> {
  /** Writes without a writer, as in the Streams draft of 2014. Where somebody holds the lock it rejects with a TypeError. */
  write(chunk: Chunk): Promise<void>
}

/** A TCP connection. */
export class TCPSocket implements NodeMembers {
  /**
   * @param remoteAddress a name or an IP address, else an InvalidAccessError. A name that nobody has is a NetworkError of the promises
   * @param remotePort 1 to 65535; 0 is an InvalidAccessError, what is no port a TypeError
   */
  constructor(remoteAddress: string, remotePort: number, options?: TCPOptions | null)
  /** As given; of an accepted connection the peer's IP address. */
  readonly remoteAddress: string
  readonly remotePort: number
  /** As given, or `null`, until it is open; then where the connection begins. */
  readonly localAddress: string | null
  readonly localPort: number | null
  readonly addressReuse: boolean
  readonly noDelay: boolean
  /** `'halfclosed'`: our side has ended. That the peer's has, `readable` says, and it stays `'open'`. */
  readonly readyState: TCPReadyState
  /** Fulfils when it is connected. Rejects with a NetworkError, or with an AbortError where it was closed before. */
  readonly opened: Promise<void>
  /** Fulfils when both sides have ended, and after `close()`. Rejects where the connection failed, with what it failed by. */
  readonly closed: Promise<void>
  /** Chunks are ArrayBuffers, one of which is read ahead. Cancelling it is `close()`. Usable at once. */
  readonly readable: ReadableStream<ArrayBuffer>
  /** Takes ArrayBuffers, views, and strings, as UTF-8. Closing it is `halfClose()`; aborting it too, without what is queued. Usable at once. */
  readonly writeable: SocketWritableStream<ArrayBuffer | ArrayBufferView | string>
  /** The same as `writeable`. */
  readonly writable: SocketWritableStream<ArrayBuffer | ArrayBufferView | string>
  /**
   * Sends what is queued, then ends. What arrives is dropped; reads that wait are done. While it connects, that is abandoned, and nothing is
   * sent. Locks do not matter. Returns `closed`.
   */
  close(): Promise<void>
  /** Ends our side, behind what is queued. While it connects, as soon as it is connected. */
  halfClose(): void
  ref(): this
  unref(): this
  [Symbol.asyncDispose](): Promise<void>
}

export interface TCPServerOptions {
  /** The IP address of this machine to listen at. Without it, all of IPv4. One that no interface has is an InvalidAccessError. */
  localAddress?: string
  /** 1 to 65535. Without it, any free port. */
  localPort?: number
  /**
   * Old connections of the port are not in the way.
   *
   * @default true
   */
  addressReuse?: boolean
  /**
   * TLS from the first byte, which needs `cert` and `key`, or `pfx`. Connections whose handshake fails are dropped.
   *
   * @default false
   */
  useSecureTransport?: boolean
  cert?: Pem
  key?: Pem
  pfx?: ArrayBuffer | ArrayBufferView
  passphrase?: string
  alpnProtocols?: string[]
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Milliseconds that a client may take. */
  handshakeTimeout?: number
}

/** A listener. */
export class TCPServerSocket implements NodeMembers {
  constructor(options?: TCPServerOptions | null)
  /** As given, or `null`. */
  readonly localAddress: string | null
  /** As given, or `null`, until it is open; then the port. */
  readonly localPort: number | null
  readonly addressReuse: boolean
  readonly readyState: ReadyState
  /** Fulfils when it listens. Rejects with a NetworkError where it cannot, and with an AbortError where it was closed before. */
  readonly opened: Promise<void>
  /** Fulfils when it is closed. Rejects where it failed. */
  readonly closed: Promise<void>
  /**
   * The next connection, which is open. Others wait in the backlog. Rejects with an AbortError when the server is closed meanwhile, with an
   * InvalidStateError where it was closed before, and with a NetworkError where it failed.
   */
  listen(): Promise<TCPSocket>
  /** Stops listening; the port is free when it returns. Accepted sockets live on. Returns `closed`. */
  close(): Promise<void>
  ref(): this
  unref(): this
  [Symbol.asyncDispose](): Promise<void>
}

export interface UDPOptions {
  /** The IP address of this machine to receive at. Without it, all of IPv4, or of both where `remoteAddress` is one of IPv6. */
  localAddress?: string
  /** 1 to 65535. Without it, any free port. */
  localPort?: number
  /** Where datagrams go that do not say. The socket still receives from everybody. */
  remoteAddress?: string
  remotePort?: number
  /**
   * Others may receive at the same place, if all of them say so.
   *
   * @default true
   */
  addressReuse?: boolean
  /**
   * What is sent to a group comes to the members of this machine as well.
   *
   * @default false
   */
  loopback?: boolean
}

/** A datagram that came. */
export interface UDPMessage {
  data: ArrayBuffer
  remoteAddress: string
  remotePort: number
}

/** A datagram to be sent: to the place that it says, else to that of the options. */
export interface UDPMessageInit {
  data: ArrayBuffer | ArrayBufferView
  remoteAddress?: string | null
  remotePort?: number | null
}

/** Datagrams. */
export class UDPSocket implements NodeMembers {
  constructor(options?: UDPOptions | null)
  /** As given, or `null`, until it is open; then where it receives. */
  readonly localAddress: string | null
  readonly localPort: number | null
  readonly remoteAddress: string | null
  readonly remotePort: number | null
  readonly addressReuse: boolean
  readonly loopback: boolean
  readonly readyState: ReadyState
  /** Fulfils when it is bound. Rejects with a NetworkError where it cannot be, and with an AbortError where it was closed before. */
  readonly opened: Promise<void>
  /** Fulfils when it is closed. Rejects where it failed. */
  readonly closed: Promise<void>
  /** Up to 256 messages wait for a reader, more in the kernel as far as it has room; what comes then is lost. Cancelling it is `close()`. */
  readonly readable: ReadableStream<UDPMessage>
  /**
   * A write fulfils when the system has the datagram. It rejects with an InvalidAccessError where there is no destination, with a SecurityError
   * where that is not allowed, with a NetworkError where the system refuses it; and is the last then, as of any WritableStream.
   */
  readonly writeable: SocketWritableStream<UDPMessageInit>
  /** The same as `writeable`. */
  readonly writable: SocketWritableStream<UDPMessageInit>
  /**
   * Joins a group, when it is open. One that the system refuses is a NetworkError that closes the socket.
   *
   * @throws InvalidAccessError for what is no multicast address; InvalidStateError where it is closed
   */
  joinMulticast(multicastGroupAddress: string): void
  /** Leaves it again. */
  leaveMulticast(multicastGroupAddress: string): void
  /** Sends what is queued, and closes it. Returns `closed`. */
  close(): Promise<void>
  ref(): this
  unref(): this
  [Symbol.asyncDispose](): Promise<void>
}

export type PermissionState = 'granted' | 'denied' | 'prompt'

/** A member that is absent means any. */
export interface RemotePlace {
  remoteAddress?: string
  remotePort?: number
}

export interface LocalPlace {
  localAddress?: string
  localPort?: number
}

/** What asks whether, and that, a place may be used. The answer is that of `setPolicy`: see `RawSocketRequest`. */
export interface SocketPermission<Place> {
  /** Rejects with `undefined` where the policy fails to answer. */
  hasPermission(place?: Place | null): Promise<PermissionState>
  /** Fulfils where it is granted; else rejects with a SecurityError. */
  requestPermission(place?: Place | null): Promise<void>
}

/** `navigator.tcpPermission`, with `moz-tcp-socket/w3c/register`. */
export const tcpPermission: SocketPermission<RemotePlace>
export const tcpServerPermission: SocketPermission<LocalPlace>
export const udpPermission: SocketPermission<RemotePlace & LocalPlace>

/** What a function in place of `permissions['raw-socket']` of `setPolicy` is called with. It answers with a PermissionState, or a promise of one. */
export interface RawSocketRequest extends RemotePlace, LocalPlace {
  readonly kind: 'tcp' | 'tcp-server' | 'udp'
  /** `requestPermission()` asks: what is granted then is remembered, where the function answers `'prompt'` later. */
  readonly isRequest: boolean
}
