/**
 * `node --import moz-tcp-socket/direct/register app.js`: `TCPSocket`, `TCPServerSocket`, `UDPSocket` and `MulticastController` of
 * `moz-tcp-socket/direct` are globals. What is there already stays, with a process warning. Types of the globals come with
 * `@types/w3c-direct-sockets`.
 *
 * @module moz-tcp-socket/direct/register
 */
declare const registered: undefined
export = registered
