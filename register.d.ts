/**
 * `import 'moz-tcp-socket/register'` puts the API where Firefox OS had it: the classes on the global object,
 * `mozTCPSocket` on `navigator`. What is there already is left alone.
 *
 * @module moz-tcp-socket/register
 */

import type * as api from './index.js'

declare global {
  interface Navigator {
    /** The way in of Firefox OS 1.x and 2.x. */
    readonly mozTCPSocket: api.MozTCPSocket
    /** What drafts called it. */
    readonly TCPSocket: api.MozTCPSocket
  }

  // As `@types/node` declares its globals, so that it merges with what it and the `dom` library declare.
  var navigator: typeof globalThis extends { onmessage: any; navigator: infer T } ? T : Navigator

  var TCPSocket: typeof api.TCPSocket
  var TCPServerSocket: typeof api.TCPServerSocket
  var TCPSocketEvent: typeof api.TCPSocketEvent
  var TCPSocketErrorEvent: typeof api.TCPSocketErrorEvent
  var TCPServerSocketEvent: typeof api.TCPServerSocketEvent
  var UDPSocket: typeof api.UDPSocket
  var UDPMessageEvent: typeof api.UDPMessageEvent

  type TCPSocket<B extends api.TCPSocketBinaryType = api.TCPSocketBinaryType> = api.TCPSocket<B>
  type TCPServerSocket<
    B extends api.TCPSocketBinaryType = api.TCPSocketBinaryType,
    Argument = api.TCPServerSocketEvent<B>,
  > = api.TCPServerSocket<B, Argument>
  type TCPSocketEvent<Data = any> = api.TCPSocketEvent<Data>
  type TCPSocketErrorEvent = api.TCPSocketErrorEvent
  type TCPServerSocketEvent<B extends api.TCPSocketBinaryType = api.TCPSocketBinaryType> =
    api.TCPServerSocketEvent<B>
  type UDPSocket = api.UDPSocket
  type UDPMessageEvent = api.UDPMessageEvent
}
