/**
 * `node --import moz-tcp-socket/w3c/register app.js`: `TCPSocket`, `TCPServerSocket` and `UDPSocket` of `moz-tcp-socket/w3c` are globals, and
 * `tcpPermission`, `tcpServerPermission` and `udpPermission` are on `navigator`. What is there already stays, with a process warning.
 *
 * Types of the globals are not declared here, because those of `moz-tcp-socket/register` have the same names.
 *
 * @module moz-tcp-socket/w3c/register
 */
declare const registered: undefined
export = registered
