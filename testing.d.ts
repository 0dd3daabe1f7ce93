/**
 * `moz-tcp-socket/testing`: what helps to test programs that have sockets. For Node.js, with any test runner;
 * `docs/testing.md` shows it with Jest, Vitest, ava and node:test.
 *
 * Everything that is wrong with an argument throws a TypeError or a RangeError that names it.
 */

import type { TCPServerSocket, TCPSocket, TCPSocketErrorName, TCPSocketTls, UDPSocket } from './index.js'

// --- Mocks ---

/** What makes a spy of a function: `jest.fn`, `vi.fn`, `sinon.fake`. */
export type SpyFactory = (implementation: (...args: any[]) => any) => (...args: any[]) => any

/** What `createMock()` makes: all that `moz-tcp-socket` exports, without a network, and `mock` to drive it. */
export type MockModule = typeof import('./index.js') & { readonly mock: MockControl }

/**
 * Makes a mock of the whole package, for `jest.mock()` and `vi.mock()`. Its classes are the package's own, with all their
 * conversions, exceptions, states and order of events, over an engine that connects to nobody: nothing happens until the test
 * says so. Event classes are those of the package itself.
 *
 * `fn` makes the spies that the methods of each socket and server are (`send`, `close`, …). Default: functions that keep in
 * `calls` the arguments of each call.
 */
export declare function createMock(options?: { fn?: SpyFactory }): MockModule

/**
 * What drives a mock, as its `mock` property has it, with its type. Throws a TypeError for anything that does not come from
 * `createMock()`.
 */
export declare function mockOf(socket: TCPSocket): SocketControl
export declare function mockOf(server: TCPServerSocket): ServerControl
export declare function mockOf(socket: UDPSocket): UdpControl
export declare function mockOf(api: typeof import('./index.js')): MockControl

export interface MockControl {
  /** All sockets that were made, the oldest first: clients, and those that servers accepted. */
  readonly sockets: TCPSocket[]
  readonly servers: TCPServerSocket[]
  readonly lastSocket: TCPSocket | undefined
  readonly lastServer: TCPServerSocket | undefined
  /** Those that are bound, which is in the task after they were made. */
  readonly udpSockets: UDPSocket[]
  readonly lastUdpSocket: UDPSocket | undefined
  /** Forgets them all. It closes none. */
  reset(): void
}

/** The other side of a mock socket. Each method throws an Error in a state in which that cannot happen. */
export interface SocketControl {
  /** All that `send` accepted, as a byte string. */
  readonly sent: string
  /** The same. */
  readonly sentBytes: Uint8Array
  /** Forgets what was sent, and returns it. */
  takeSent(): string
  /** Whether `suspend()` is in effect. */
  readonly isSuspended: boolean
  /** `connectTimeout` and `timeout` as they are now, in milliseconds; 0 is any time. A mock never fails by them. */
  readonly timeouts: { readonly connect: number; readonly idle: number }
  /** The connection is there: `open` fires. Only while connecting. */
  open(options?: MockOpening): this
  /** These bytes come: `data` fires; while suspended, after `resume()`. A byte string has characters up to U+00FF. */
  data(data: string | ArrayBuffer | ArrayBufferView): this
  /** Also less than 64 KiB stays pending from now on, until `drain()`. */
  hold(): this
  /**
   * All that is pending is written. Resolves when `drain` has fired, where that was due. Less than 64 KiB is written at the end
   * of the turn by itself, unless there was `hold()`.
   */
  drain(): Promise<void>
  /**
   * The connection fails: `error` fires, and `close` in a task of its own. `message`, `code` (such as `'ECONNRESET'`) and
   * `reason` are those of `event.data`.
   */
  error(name: TCPSocketErrorName, options?: MockFailure): this
  /**
   * The peer ends: `close` fires as soon as nothing is pending. Where the application has closed already, that is complete now.
   * (It is so by itself in the next task, unless something is pending.)
   */
  close(): this
}

export interface MockOpening {
  localAddress?: string
  localPort?: number
  remoteAddress?: string
  remotePort?: number
  /** What `socket.tls` tells, once the socket is secure. */
  tls?: Partial<Omit<TCPSocketTls, 'peerCertificate'>>
}

export interface MockFailure {
  message?: string
  code?: string
  reason?: string
}

/** The network of a mock server. */
export interface ServerControl {
  /**
   * A client connects: `connect` fires. Returns the accepted socket. `host` and `port` are those of the client.
   * Default: `'127.0.0.1'`, and a port that was not used.
   */
  connect(options?: { host?: string; port?: number }): TCPSocket
  /** The listener fails: it is closed, and `error` fires. */
  error(name: TCPSocketErrorName, options?: MockFailure): this
}

/** The network of a mock UDPSocket. It has one when it is bound: after `await socket.opened`. */
export interface UdpControl {
  /** Each datagram that was sent. */
  readonly sent: { data: Uint8Array; remoteAddress: string; remotePort: number }[]
  /** The multicast groups that were joined, and not left again. */
  readonly groups: string[]
  /** A datagram comes: `message` fires. Default: from 127.0.0.1, port 9. */
  message(
    data: string | ArrayBuffer | ArrayBufferView,
    options?: { remoteAddress?: string; remotePort?: number },
  ): this
  /** It fails: it is closed, and `closed` rejects. */
  error(name: TCPSocketErrorName, options?: MockFailure): this
}

// --- A scripted peer ---

/** Bytes: a byte string, of characters up to U+00FF, or an ArrayBuffer or view. */
export type PeerBytes = string | ArrayBuffer | ArrayBufferView

/** Options of `tls.TLSSocket` of Node.js: `cert`, `key`, `ALPNProtocols`, `minVersion`, … */
export type PeerTlsOptions = Record<string, unknown>

export interface ScriptedPeerOptions {
  /** The IP address to listen at. Default: `'127.0.0.1'`. */
  host?: string
  /**
   * TLS from the first byte: `true`, or options beside the certificate for localhost that there is. These are also for
   * `starttls()`. Default: `false`.
   */
  tls?: boolean | PeerTlsOptions
  /** Milliseconds that the client may take for each thing that is expected: 0 to 2147483647. Default: 5000. */
  deadline?: number
}

/** Starts a server on the loopback, on a port that the system picks. Resolves when it listens. */
export declare function scriptedPeer(options?: ScriptedPeerOptions): Promise<ScriptedPeer>

/**
 * What to do on one connection, step by step. Steps run one after the other, from when the client has come on. They can be
 * added while earlier ones run.
 */
export interface PeerScript {
  /**
   * Sends bytes. Of a function, what that returns: it gets what the last `expect` took, which is the match where that had a
   * RegExp, and else a byte string.
   */
  reply(data: PeerBytes | ((taken: any) => PeerBytes)): this
  /**
   * The client must send exactly these bytes; or a line, up to LF, that matches a RegExp without its CR and LF. `within` are
   * milliseconds; default: the peer's `deadline`.
   */
  expect(expected: PeerBytes | RegExp, options?: { within?: number }): this
  /** The client must end the connection, and send nothing before. */
  expectEnd(options?: { within?: number }): this
  /** Secures the connection: waits for the client's handshake. */
  starttls(options?: PeerTlsOptions): this
  /** Reads and sends nothing for that many milliseconds of real time, also under fake timers; without a number, until `release()`. */
  stall(milliseconds?: number): this
  /** Ends the `stall()` that goes on; else the next one, before it begins. */
  release(): this
  /** From here on replies are sent at that pace, `chunk` bytes at a time; `null` is as fast as it goes. */
  slow(pace: Pace | null): this
  /**
   * The connection is cut when `after` (default: 0) further bytes of replies are sent: it ends there, in TLS without an end of
   * TLS; with `reset: true` it is reset. Steps behind that are done by that.
   */
  cut(options?: { after?: number; reset?: boolean }): this
  /** Resets the connection: `NetworkError` for the client. */
  reset(): this
  /** Ends the connection. */
  end(): this
}

/** The script of the first connection, and what is about all of them. */
export interface ScriptedPeer extends PeerScript {
  /** The same for as long as it lives, and after that. */
  readonly port: number
  /** The IP address. */
  readonly host: string
  /** The authority that signed the certificate for localhost, 127.0.0.1 and ::1, in PEM: for the option `ca` of clients. */
  readonly ca: string
  /** How many clients have come. */
  readonly connections: number
  /**
   * Resolves when all steps are done that there are when it is read. Rejects where a client deviates, does not come, or sends
   * more than was expected: with an Error whose `code` is `'ERR_SCRIPT_DEVIATION'`, and whose message has the transcript.
   */
  readonly done: Promise<void>
  /** What was said until now. */
  readonly transcript: Transcript
  /** The script of the client that comes as that one, from 1 on. */
  connection(number: number): PeerScript
  /** Ends everything, in the middle of whatever goes on. Resolves when nothing is left. Never rejects. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * What both sides said: `C:` the client, `S:` the peer, `--` what happened. Text is in lines, with ␍, ␊ and ␉ for CR, LF and
 * TAB; other bytes are in hexadecimal. Prints as its lines.
 */
export interface Transcript {
  readonly lines: readonly string[]
  toString(): string
  toJSON(): readonly string[]
}

export interface Pace {
  /** At least 1. */
  bytesPerSecond: number
  /** Bytes at a time. Default: those of 50 milliseconds. */
  chunk?: number
}

// --- A fault proxy ---

/** From the client to the server, or back. */
export type ProxyDirection = 'toServer' | 'toClient'

/** Default: both directions. */
export interface InDirection {
  direction?: ProxyDirection
}

export interface FaultProxyOptions {
  /** The port of the server: 1 to 65535. */
  to: number
  /** Where the server is. Default: `'127.0.0.1'`. */
  host?: string
  /** The IP address to listen at. Default: `'127.0.0.1'`. */
  listen?: string
}

/** Starts a proxy on a port that the system picks. Resolves when it listens. */
export declare function faultProxy(options: FaultProxyOptions): Promise<FaultProxy>

/** A proxy whose connections behave until a switch is used. Switches are for all connections, present and to come. */
export interface FaultProxy {
  /** The same for as long as it lives. */
  readonly port: number
  readonly host: string
  readonly counts: ProxyCounts
  /** Passes nothing on and reads nothing, so that whoever sends is slowed down. */
  stall(options?: InDirection): this
  /** Reads and loses everything, also that a side ended. New connections are accepted. */
  blackhole(options?: InDirection): this
  /** Takes back `stall`, `blackhole`, `slow` and `delay`. What was lost stays lost. */
  resume(options?: InDirection): this
  /** Passes on at that pace; `null` is as fast as it goes. */
  slow(pace: (Pace & InDirection) | null): this
  /** Passes on that many milliseconds later than it came: 0 to 2147483647. */
  delay(milliseconds: number, options?: InDirection): this
  /** Cuts each connection when `afterBytes` (default: 0) further bytes of that direction went through; with `reset: true` by a reset. */
  cut(options?: InDirection & { afterBytes?: number; reset?: boolean }): this
  /** Changes one byte of each connection, that which is `at` (default: 0) bytes from here. `mask` (1 to 255; default: 255) has the bits that change. */
  corrupt(options?: InDirection & { at?: number; mask?: number }): this
  /** Resets the connections that there are, on both sides. */
  reset(): this
  /** From now on new connections are refused. Those that there are stay. */
  refuse(): Promise<void>
  /** Takes new connections again, at the same port. Rejects where another program has taken that meanwhile. */
  accept(): Promise<void>
  /** Ends everything. Resolves when nothing is left. Never rejects. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface ProxyCounts {
  /** That there were. */
  readonly connections: number
  /** That there are. */
  readonly open: number
  /** Bytes that were passed on. */
  readonly toServer: number
  readonly toClient: number
  /** Bytes that were lost. */
  readonly dropped: number
}
