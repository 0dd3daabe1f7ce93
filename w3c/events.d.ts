/**
 * The W3C draft "Raw Socket API" of 2013, with events. What the options mean, and what constructors throw, is as in `moz-tcp-socket/w3c`.
 *
 * @see https://github.com/sysapps/tcp-udp-sockets
 *
 * @module moz-tcp-socket/w3c/events
 */

import type { ReadyState, TCPOptions, TCPReadyState, TCPServerOptions, UDPOptions } from '../w3c.js'

export { tcpPermission, tcpServerPermission, udpPermission } from '../w3c.js'

type Handler<Target, E> = ((this: Target, event: E) => unknown) | null

interface EventOptions {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
}

type SocketErrorType =
  | 'no_network_contact'
  | 'udp_error'
  | 'tcp_error'
  | 'tcp_peer_does_not_respond'
  | 'tcp_connection_not_accepted'
  | 'tcp_connection_lost'
  | 'received_data_error'
  | 'local_address_port_already_in_use'
  | 'send_buffer_full'
  | 'tcp_server_max_connections'
  | 'tcp_server_connection_not_accepted'

/** A NetworkError, whose `cause` is the system's Error. */
export interface SocketError extends Error {
  readonly type: SocketErrorType
  readonly cause: unknown
}

export class SocketErrorEvent extends Event {
  constructor(type: string, init?: EventOptions & { error?: SocketError | null })
  readonly error: SocketError
  /** Those of `error`. */
  readonly name: string
  readonly message: string
}

export class ConnectEvent extends Event {
  constructor(type: string, init?: EventOptions & { connectedSocket?: TCPSocket | null })
  readonly connectedSocket: TCPSocket
}

export class UDPMessageEvent extends Event {
  constructor(
    type: string,
    init?: EventOptions & { data?: ArrayBuffer | null; remoteAddress?: string; remotePort?: number },
  )
  readonly data: ArrayBuffer
  readonly remoteAddress: string
  readonly remotePort: number
}

/** Strings are UTF-8. */
export type SendData = string | Blob | ArrayBuffer | ArrayBufferView

/** A TCP connection. */
export class TCPSocket extends EventTarget {
  constructor(remoteAddress: string, remotePort: number, options?: TCPOptions | null)
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string | null
  readonly localPort: number | null
  readonly addressReuse: boolean
  readonly noDelay: boolean
  readonly readyState: TCPReadyState
  /** Bytes that were sent and that the system does not have yet. */
  readonly bufferedAmount: number
  onopen: Handler<this, Event>
  /** `data` is an ArrayBuffer. */
  ondata: Handler<this, MessageEvent>
  /** Everything is sent, after a `send()` that answered false. */
  ondrain: Handler<this, Event>
  /** Where it could not connect no `close` follows; where the connection was lost it does. */
  onerror: Handler<this, SocketErrorEvent>
  onclose: Handler<this, Event>
  /**
   * Answers false where more than 64 KiB are pending: it is time to wait for `drain`.
   *
   * @throws InvalidStateError where it is not open
   */
  send(data: SendData): boolean
  /** Sends what is pending, then ends. `close` follows. */
  close(): void
  /** Ends our side, behind what is pending. */
  halfclose(): void
  /** Nothing is read until `resume()`. Calls do not count. */
  suspend(): void
  resume(): void
  ref(): this
  unref(): this
}

/** A listener. */
export class TCPServerSocket extends EventTarget {
  constructor(options?: TCPServerOptions | null)
  readonly localAddress: string | null
  readonly localPort: number | null
  readonly addressReuse: boolean
  readonly readyState: ReadyState
  onopen: Handler<this, Event>
  /** A connection, which is open. Where nobody listens for it, it is closed. */
  onconnect: Handler<this, ConnectEvent>
  /** It has failed, and is closed. */
  onerror: Handler<this, SocketErrorEvent>
  /** A connection could not be served. */
  onconnecterror: Handler<this, SocketErrorEvent>
  /** Stops listening; the port is free when it returns. */
  close(): void
  /** No connection comes until `resume()`: they wait in the backlog. */
  suspend(): void
  resume(): void
  ref(): this
  unref(): this
}

/** Datagrams. */
export class UDPSocket extends EventTarget {
  constructor(options?: UDPOptions | null)
  readonly localAddress: string | null
  readonly localPort: number | null
  readonly remoteAddress: string | null
  readonly remotePort: number | null
  readonly addressReuse: boolean
  readonly loopback: boolean
  readonly bufferedAmount: number
  readonly readyState: ReadyState
  onopen: Handler<this, Event>
  onmessage: Handler<this, UDPMessageEvent>
  ondrain: Handler<this, Event>
  /** It could not be bound, or a datagram not be sent, and is closed. */
  onerror: Handler<this, SocketErrorEvent>
  /**
   * Sends a datagram: to the place given, else to that of the options. Answers false where more than 64 KiB are pending.
   *
   * @throws InvalidStateError where it is not open; InvalidAccessError where there is no destination; SecurityError where that is not allowed;
   * RangeError for more bytes than a datagram has
   */
  send(data: SendData, remoteAddress?: string | null, remotePort?: number | null): boolean
  close(): void
  /** Nothing is received until `resume()`: what comes waits in the kernel, as far as it has room. */
  suspend(): void
  resume(): void
  joinMulticast(multicastGroupAddress: string): void
  leaveMulticast(multicastGroupAddress: string): void
  ref(): this
  unref(): this
}
