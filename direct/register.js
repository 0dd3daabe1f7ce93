'use strict'

// `node --import moz-tcp-socket/direct/register app.js`: puts the classes of Direct Sockets on the global object, where Chrome has them.

const { MulticastController, TCPServerSocket, TCPSocket, UDPSocket } = require('../direct.js')

for (const [name, value] of Object.entries({ TCPSocket, TCPServerSocket, UDPSocket, MulticastController })) {
  if (globalThis[name] === undefined) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true })
  } else if (globalThis[name] !== value) {
    process.emitWarning(
      `${name}: is there already, and stays; moz-tcp-socket/direct/register has put no other in its place.`,
      {
        code: 'MOZ_TCP_SOCKET_REGISTERED',
      },
    )
  }
}
