'use strict'

// TCPServerSocket of the draft: `listen()` accepts one connection each time. Others wait in the backlog.

const { domException } = require('../../dom-exceptions.js')
const { deferred, nothing } = require('../../promises.js')
const { networkError } = require('../../streams/causes.js')
const { ListenerCore } = require('../../streams/listener.js')
const { listenAt } = require('./listening.js')
const { requirePermission } = require('./permissions.js')
const { closeAsynchronously, shape } = require('./shape.js')
const { toServerOptions } = require('./tcp-options.js')
const { refusal: refusalOf } = require('./profile.js')
const { makeAccepted } = require('./tcp-socket.js')

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
    const { handle, cause } = listenAt(made)
    const profile = {
      __proto__: null,
      name: 'A TCPServerSocket',
      toInfo: ({ localPort: port }) => {
        this.#localPort = port
      },
      toConnection: (accepted) => makeAccepted(accepted, config !== undefined),
      toError: networkError,
      refusal: () => refusalOf('closed'),
    }
    const listening = () => {
      if (handle === undefined) throw domException('NetworkError', cause.message, cause)
      return handle
    }
    this.#core = new ListenerCore(listening, profile, nothing)
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

shape(
  TCPServerSocket,
  ['localAddress', 'localPort', 'addressReuse', 'readyState', 'opened', 'closed'],
  ['listen', 'close'],
)
closeAsynchronously(TCPServerSocket)

module.exports = { TCPServerSocket }
