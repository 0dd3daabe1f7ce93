'use strict'

// TCPServerSocket of the draft: `listen()` accepts one connection each time. Others wait in the backlog.

const { eventChannel } = require('../../channel.js')
const { toBacklog } = require('../../convert.js')
const { domException } = require('../../dom-exceptions.js')
const { bindFailure } = require('../../errors.js')
const native = require('../../platform/native.js')
const { deferred } = require('../../promises.js')
const { networkError } = require('../../streams/causes.js')
const { ListenerCore } = require('../../streams/listener.js')
const { requirePermission } = require('./permissions.js')
const { isNotLocal, notLocal } = require('./places.js')
const { closeAsynchronously, shape } = require('./shape.js')
const { toServerOptions } = require('./tcp-options.js')
const { makeAccepted } = require('./tcp-socket.js')

/** What is listened at where nobody says where. */
const ANYWHERE = '0.0.0.0'

class TCPServerSocket {
  #core
  #localAddress
  #localPort
  #addressReuse

  constructor(options = undefined) {
    const made = toServerOptions(options)
    const { localAddress, localPort, addressReuse, config } = made
    requirePermission('tcp-server', { localAddress, localPort }, 'TCPServerSocket')
    this.#localAddress = localAddress
    this.#localPort = localPort
    this.#addressReuse = addressReuse
    const listening = listen(made)
    const profile = {
      name: 'A TCPServerSocket',
      toInfo: (handle) => {
        this.#localPort = handle.localPort
      },
      toConnection: (handle) => makeAccepted(handle, config !== undefined),
      toError: networkError,
    }
    this.#core = new ListenerCore(listening, profile, () => {})
  }

  get localAddress() {
    return this.#localAddress
  }

  get localPort() {
    return this.#localPort
  }

  get addressReuse() {
    return this.#addressReuse
  }

  get readyState() {
    const { state } = this.#core
    return state === 'over' ? 'closed' : state
  }

  get opened() {
    return this.#core.opened
  }

  get closed() {
    return this.#core.closed
  }

  listen() {
    if (this.#core.state !== 'over') return this.#core.accept()
    const { promise, reject } = deferred()
    reject(domException('InvalidStateError', 'listen: the socket is closed'))
    return promise
  }

  close() {
    return this.#core.close(domException('AbortError', 'the socket was closed'))
  }

  ref() {
    this.#core.keepAlive(true)
    return this
  }

  unref() {
    this.#core.keepAlive(false)
    return this
  }
}

/**
 * Listens at once. Returns a function that gives the native listener, or throws why there is none. That no interface has the address is an
 * error of the caller, and thrown here.
 */
function listen({ localAddress, localPort, addressReuse, tuning, config }) {
  const address = localAddress ?? ANYWHERE
  const port = localPort ?? 0
  const place = {
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
  let handle
  try {
    handle = new native.TCPServerSocket(eventChannel(), place, config)
  } catch (thrown) {
    const cause = bindFailure(thrown, address, port)
    if (isNotLocal(cause)) throw notLocal(cause)
    return () => {
      throw domException('NetworkError', cause.message, cause)
    }
  }
  return () => handle
}

shape(
  TCPServerSocket,
  ['localAddress', 'localPort', 'addressReuse', 'readyState', 'opened', 'closed'],
  ['listen', 'close'],
)
closeAsynchronously(TCPServerSocket)

module.exports = { TCPServerSocket }
