/**
 * `node --import moz-tcp-socket/w3c/register app.js`: `TCPSocket`, `TCPServerSocket` and `UDPSocket` of `moz-tcp-socket/w3c` are globals, and
 * `tcpPermission`, `tcpServerPermission` and `udpPermission` are on `navigator`. What is there already stays, with a process warning.
 *
 * Types of the classes as globals are not declared here, because those of `moz-tcp-socket/register` have the same names.
 *
 * @module moz-tcp-socket/w3c/register
 */

import type * as api from '../w3c.js'

declare global {
  interface Navigator {
    readonly tcpPermission: typeof api.tcpPermission
    readonly tcpServerPermission: typeof api.tcpServerPermission
    readonly udpPermission: typeof api.udpPermission
  }

  // As `@types/node` declares its globals, so that it merges with what it and the `dom` library declare.
  var navigator: typeof globalThis extends { onmessage: any; navigator: infer T } ? T : Navigator
}
