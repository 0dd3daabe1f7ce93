/**
 * Sockets of every face as streams of Node.js that pass for `net.Socket` in libraries. `docs/node-stream.md` describes how they behave.
 *
 * It needs `@types/node`.
 *
 * @module moz-tcp-socket/node-stream
 */

import type { Socket } from 'node:net'
import type { CipherNameAndProtocol, PeerCertificate } from 'node:tls'
import type { X509Certificate } from 'node:crypto'

/** A TCPSocket of Firefox OS, of this package or of another realm's copy of it. */
export interface FirefoxOsSocket {
  readonly readyState: string
  readonly binaryType: string
  send(data: ArrayBuffer, byteOffset?: number, byteLength?: number): boolean
  suspend(): void
  resume(): void
  close(): void
  closeImmediately(): void
  addEventListener(type: string, listener: (event: any) => void): void
}

/** A socket of the draft that `moz-tcp-socket/w3c/events` is. */
export interface EventsSocket {
  readonly readyState: string
  readonly bufferedAmount: number
  send(data: ArrayBuffer | ArrayBufferView): boolean
  suspend(): void
  resume(): void
  close(): void
  halfclose(): void
  addEventListener(type: string, listener: (event: any) => void): void
}

/** Two streams of the Web that carry bytes. */
export interface ByteStreams {
  readonly readable: { getReader(): unknown; readonly locked: boolean }
  readonly writable: { getWriter(): unknown; readonly locked: boolean }
}

/** A socket of streams: `connect()` of WinterTC, W3C's, or anything that has the two streams. */
export interface StreamsSocket extends ByteStreams {
  readonly opened?: PromiseLike<unknown>
  readonly closed?: PromiseLike<unknown>
  close?(): unknown
}

/** A socket whose streams are there when it is open, as in Direct Sockets. */
export interface OpenedSocket {
  readonly opened: PromiseLike<ByteStreams>
  readonly closed?: PromiseLike<unknown>
  close?(): unknown
}

export interface NodeStreamOptions {
  /**
   * Whether our side stays open when the peer has ended its own. It is what counts, whatever the socket below was told.
   *
   * @default false
   */
  allowHalfOpen?: boolean | undefined
  /** How many bytes are read ahead, and are written before `write` answers false. An integer from 0 on, else a TypeError.
   *
   * @default 65536
   */
  highWaterMark?: number | undefined
  /** Destroys the stream when it is aborted, with an AbortError. */
  signal?: AbortSignal | undefined
}

/**
 * A socket as a `stream.Duplex` with the members and the events of `net.Socket`; not `instanceof net.Socket`. A TLS connection has members of
 * `tls.TLSSocket` besides. `error` events carry Errors with `code`, `errno` and `syscall`; their `cause` is what the socket below failed with.
 */
export interface SocketStream extends Socket {
  /** Whether the connection has TLS. */
  readonly encrypted: boolean
  /**
   * Whether TLS has verified the peer: its chain and name, or its pinned certificate. `false` without TLS, where nothing is verified, on a
   * server, and where the socket below is of another realm.
   */
  readonly authorized: boolean
  /** A peer that is not as it should be is an `error` event. */
  readonly authorizationError: null
  /** What was agreed on by ALPN; `false` for nothing. */
  readonly alpnProtocol: string | false
  /** The name that was asked for by SNI; `false` for none. */
  readonly servername: string | false
  /** `'TLSv1.3'` and the like; `null` without TLS. */
  getProtocol(): string | null
  getCipher(): CipherNameAndProtocol | undefined
  /** As `tls.TLSSocket` tells it; `{}` where there is none. */
  getPeerCertificate(detailed?: boolean): PeerCertificate | Record<string, never>
  getPeerX509Certificate(): X509Certificate | undefined
  isSessionReused(): boolean
}

/**
 * A Duplex over `socket`, which may be opening or open, and belongs to the stream from here on. Throws a TypeError for what is no connection, and where
 * somebody has a lock on one of its streams.
 */
export declare function toNodeStream(
  socket: FirefoxOsSocket | EventsSocket | StreamsSocket | OpenedSocket,
  options?: NodeStreamOptions,
): SocketStream
