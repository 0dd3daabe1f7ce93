'use strict'

// How servers of both drafts listen: at once, and one connection is accepted for each that is asked for.

const { eventChannel } = require('../../channel.js')
const { toBacklog } = require('../../convert.js')
const { bindFailure } = require('../../errors.js')
const native = require('../../platform/native.js')
const { isNotLocal, notLocal } = require('./places.js')

/** What is listened at where nobody says where. */
const ANYWHERE = '0.0.0.0'

/**
 * `{ handle }`, a native listener, or `{ cause }`, the system's Error: of the options of a server. That no interface has the address is an
 * error of the caller, and thrown.
 */
function listenAt({ localAddress, localPort, addressReuse, tuning, config }) {
  const address = localAddress ?? ANYWHERE
  const port = localPort ?? 0
  // What it does not have must not be found on Object.prototype.
  const place = {
    __proto__: null,
    address,
    port,
    backlog: toBacklog(undefined),
    asStrings: false,
    ipv6Only: false,
    reusePort: false,
    reuseAddress: addressReuse,
    onDemand: true,
    tuning,
  }
  try {
    return { handle: new native.TCPServerSocket(eventChannel(), place, config), cause: undefined }
  } catch (thrown) {
    const cause = bindFailure(thrown, address, port)
    if (isNotLocal(cause)) throw notLocal(cause)
    return { handle: undefined, cause }
  }
}

module.exports = { listenAt }
