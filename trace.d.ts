/**
 * The trace that `NODE_DEBUG=moztcp` prints, for programs that want it elsewhere. docs/diagnostics.md shows what it looks like.
 *
 * @module moz-tcp-socket/trace
 */

import type { TCPServerSocket, TCPSocket, TCPSocketError } from './index.js'

/** Options of `traceSockets`. */
export interface TraceOptions {
  /** Shows the bytes, too: the first 65536 of each piece. Default: `false`, their number alone. */
  hex?: boolean | undefined
  /**
   * The sockets and servers to trace. Sockets that one of these servers accepts are added. Default: all of this thread.
   */
  only?: WeakSet<TCPSocket | TCPServerSocket> | undefined
}

/**
 * Calls `write` with each line of a trace of what sockets and servers do from now on, without a line end. Returns a function that ends
 * that. The lines are for people, and may change; for programs there are the channels of docs/diagnostics.md. Throws a TypeError where
 * an argument is wrong.
 */
export declare function traceSockets(write: (line: string) => void, options?: TraceOptions): () => void

/** The text that a trace has for the Error of an error event: its name, number, meaning and message, without control characters. */
export declare function describeError(error: TCPSocketError): string
