/**
 * `connect()` of WinterTC's sockets draft and of Cloudflare Workers: a TCP or TLS connection as two streams.
 *
 * @see https://sockets-api.proposal.wintertc.org
 */

/** Where to connect to. */
export interface SocketAddress {
  /** A name, or an IP address with or without brackets. International names are converted. At most 255 characters. */
  hostname: string
  /** 1 to 65535. There is no default. */
  port: number
}

export interface SocketOptions {
  /**
   * `'off'`: plain TCP. `'on'`: TLS from the first byte. `'starttls'`: plain until `startTls()`. Another value throws a TypeError.
   *
   * @default 'off'
   */
  secureTransport?: string
  /**
   * Whether our side stays open when the peer has ended its own.
   *
   * @default false
   */
  allowHalfOpen?: boolean
  /** How many bytes `writable` takes before it asks to wait. Absent: one chunk. An integer from 0 on, else a TypeError. */
  highWaterMark?: number | bigint
  /** The name for SNI, which is also the one that is verified. Needs TLS, else a TypeError. */
  sni?: string
  /** Protocols to offer, each of 1 to 255 bytes. Needs TLS, else a TypeError. */
  alpn?: string[]
  /** Abandons the connection when it aborts: its reason is what everything fails with. Not in the draft. */
  signal?: AbortSignal
}

export interface TlsOptions {
  /** The name for SNI and for verification, in place of the host that was connected to. */
  expectedServerHostname?: string
}

export interface SocketInfo {
  /** The peer's `ip:port`, IPv6 in brackets. */
  remoteAddress?: string
  /** Ours. */
  localAddress?: string
  /** The protocol that was agreed upon, or `null`. */
  alpn?: string | null
}

/** A connection. `connect()` makes it; `new` throws a TypeError. These are the members that Workers have, too. */
export class Socket {
  private constructor()
  /** A byte stream of Uint8Arrays, each of a buffer of its own. Nothing is read that nobody asked for. Usable at once. */
  get readable(): ReadableStream
  /** Takes ArrayBuffers, views, and strings, as UTF-8. A write fulfils when the system has all of it. Usable at once. */
  get writable(): WritableStream
  /** Fulfils when the connection is established, with TLS after the handshake. Rejects with a SocketError. */
  get opened(): Promise<SocketInfo>
  /** Fulfils when both sides have ended, and after `close()`. Rejects with a SocketError where the connection failed. */
  get closed(): Promise<void>
  /** Whether `startTls()` took effect: another Socket has the connection. */
  get upgraded(): boolean
  get secureTransport(): 'on' | 'off' | 'starttls'
  /**
   * Sends what is queued, then ends. What arrives is dropped; reads that wait are done. While it connects, the attempt is abandoned, and
   * `opened` rejects with `reason`. Locks do not matter. Returns `closed`.
   */
  close(reason?: unknown): Promise<void>
  /**
   * Begins TLS on a socket with `secureTransport: 'starttls'`, behind what was written so far. The streams of this socket cannot be used
   * any more, and its `closed` fulfils.
   *
   * @throws SocketError where this is no such socket, it was called before, or the socket is closed
   */
  startTls(options?: TlsOptions): Socket
}

/** A Socket, and what only this package's have. */
export interface NodeSocket extends Socket {
  startTls(options?: TlsOptions): NodeSocket
  /** The process stays alive for it, which is so from the start. */
  ref(): this
  /** The process does not stay alive for it. */
  unref(): this
  /** `close()`, and no rejection. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Why a connection failed. `message` begins with `SocketError: `; `cause` is the system's Error, with `code`, `errno` and `syscall`. */
export class SocketError extends TypeError {
  constructor(message: string, options?: { cause?: unknown })
  readonly name: 'SocketError'
}

/**
 * Connects. Arguments that cannot be right throw a TypeError at once; everything else is told by `opened` and `closed`, of which neither
 * is ever an unhandled rejection.
 *
 * @param address `host:port`, with an IPv6 address in brackets, or an object
 */
export function connect(address: string | SocketAddress, options?: SocketOptions): NodeSocket

type Pem = string | ArrayBuffer | ArrayBufferView

/** What the draft has no options for. They are those of `TCPSocket` of `moz-tcp-socket`, where docs/api.md describes them. */
export interface ConnectDefaults {
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
  localAddress?: string
  localPort?: number
  /** Milliseconds until a connection has to be established; 0 is for ever. */
  connectTimeout?: number
  /** Milliseconds without a byte after which it fails; 0 is never. */
  timeout?: number
  keepAlive?: boolean
  keepAliveDelay?: number
  noDelay?: boolean
  signal?: AbortSignal
  /** Called with each host, as it was given, and port. Where it returns true nobody is connected to, and `opened` rejects. */
  block?: (host: string, port: number) => boolean
}

/**
 * An object whose `connect()` has these options besides its own.
 *
 * @throws TypeError where an option is not known, or its value is wrong
 */
export function withOptions(options: ConnectDefaults): { connect: typeof connect }
