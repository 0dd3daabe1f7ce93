'use strict'

// What tools can watch: channels of node:diagnostics_channel on which sockets and servers tell what happens to them. docs/diagnostics.md
// describes each. Nothing is made for them while nobody listens: `if (channels.x.hasSubscribers)` comes before every message, and that is
// all that an event costs then. In a web page there is no such module, and nobody ever listens.

const { channel, traceIfAsked } = require('./platform/diagnostics.js')

const channels = {
  __proto__: null,
  /** `{ socket }`: the application made it, and it connects. */
  socketCreated: channel('moz-tcp-socket:socket:created'),
  /** `{ socket }` */
  socketOpen: channel('moz-tcp-socket:socket:open'),
  /** `{ socket, data, byteLength }` */
  socketData: channel('moz-tcp-socket:socket:data'),
  /** `{ socket, data, byteLength, bufferedAmount }` */
  socketSend: channel('moz-tcp-socket:socket:send'),
  /** `{ socket }` */
  socketDrain: channel('moz-tcp-socket:socket:drain'),
  /** `{ socket }`: `upgradeToSecure()` was called. */
  socketUpgrade: channel('moz-tcp-socket:socket:upgrade'),
  /** `{ socket }`: the peer will send no more. */
  socketEnd: channel('moz-tcp-socket:socket:end'),
  /** `{ socket, immediately }`: the application closes it. */
  socketClosing: channel('moz-tcp-socket:socket:closing'),
  /** `{ socket, error }` */
  socketError: channel('moz-tcp-socket:socket:error'),
  /** `{ socket }`: the last message about it. */
  socketClose: channel('moz-tcp-socket:socket:close'),
  /** `{ server }` */
  serverListen: channel('moz-tcp-socket:server:listen'),
  /** `{ server, socket }` */
  serverAccept: channel('moz-tcp-socket:server:accept'),
  /** `{ server, error }` */
  serverError: channel('moz-tcp-socket:server:error'),
  /** `{ server }` */
  serverClose: channel('moz-tcp-socket:server:close'),
}

traceIfAsked(channels)

module.exports = { channels }
