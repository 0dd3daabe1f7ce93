'use strict'

// The rights of one application: what its manifest says, and the places that whoever runs it allows. Those of the process
// (policy.js) hold as well, so the stricter of the two decides. Decisions.

const { isListed } = require('./allow-list.js')
const { Error } = require('./builtins.js')
const { defineHidden } = require('./interface.js')
const { placeOf } = require('./places.js')
const { PROCESS_RIGHTS, checkListen, checkUse, checkUseUdp } = require('./policy.js')

class Rights {
  /** As `toPolicy` makes it of a manifest. */
  #policy
  /** Who the application is, for errors; undefined where nobody said. */
  #origin
  /** The AllowList of where it may connect to, and that of where it may listen; undefined for everywhere. */
  #connect
  #listen

  constructor({ policy, origin, connect, listen }) {
    this.#policy = policy
    this.#origin = origin
    this.#connect = connect
    this.#listen = listen
  }

  /** Throws where the application may not make sockets at all. */
  requirePermission() {
    PROCESS_RIGHTS.requirePermission()
    this.#check(() => checkUse(this.#policy))
  }

  /** The same for datagram sockets. */
  requireUdpPermission() {
    PROCESS_RIGHTS.requireUdpPermission()
    this.#check(() => checkUseUdp(this.#policy))
  }

  /** Throws where it may not connect to `port` of `host`, which is as `toHost` returns it. */
  requireConnect(host, port) {
    this.#requirePlace(this.#connect, 'connect', host, port)
  }

  /** Throws where no application of its type may listen on `port`. */
  requirePort(port) {
    PROCESS_RIGHTS.requirePort(port)
    this.#check(() => checkListen(this.#policy, port))
  }

  /** Throws where this one may not listen on `port` of the IP address. */
  requireListen(address, port) {
    this.#requirePlace(this.#listen, 'listen', address, port)
  }

  /** Throws where no datagram may be sent to `port` of `host`, which is as `toHost` returns it. */
  requireSend(host, port) {
    this.#requirePlace(this.#connect, 'send', host, port)
  }

  /** Throws where no datagrams may be received at `port` of the IP address. */
  requireBind(address, port) {
    this.#requirePlace(this.#listen, 'bind', address, port)
  }

  #requirePlace(list, what, host, port) {
    if (list === undefined || isListed(list, host, port)) return
    const who = this.#origin ?? 'the application'
    this.#check(() => {
      const error = new Error(`${what} ${placeOf(host, port)}: ${who} is not allowed that by its list`)
      // The web's name for it. As the name of an event it is a failure of TLS; this is never one.
      defineHidden(error, 'name', 'SecurityError')
      throw error
    })
  }

  /** Has what `check` throws say whose right is missing. */
  #check(check) {
    try {
      check()
    } catch (error) {
      if (this.#origin !== undefined) defineHidden(error, 'origin', this.#origin)
      throw error
    }
  }
}

module.exports = { Rights }
