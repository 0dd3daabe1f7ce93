'use strict'

// The part of a mock engine that is about datagrams: nothing is sent, and what comes a test says.

/** The class of native datagram sockets, of what a mock engine has: `Handle`, `nextPort()` and `onHandle(handle)`. */
function datagramsOf({ Handle, nextPort, onHandle }) {
  class MockDatagrams extends Handle {
    localAddress
    localPort
    /** `{ data, remoteAddress, remotePort }` of each that was sent. */
    sent = []
    /** Those that were joined, and not left again. */
    groups = new Set()
    dropped = 0
    #isSuspended = false
    #waiting = []

    constructor(_channel, { address, port }) {
      super()
      this.localAddress = address
      this.localPort = port === 0 ? nextPort() : port
      onHandle(this)
    }

    send(data, remoteAddress, remotePort) {
      this.sent.push({ data: Buffer.from(data), remoteAddress, remotePort })
    }

    /** A datagram comes. */
    arrive(data, remoteAddress, remotePort) {
      if (this.#isSuspended) this.#waiting.push([data, remoteAddress, remotePort])
      else this.report(this.kinds.Datagram, data, 0, data.byteLength, remotePort, remoteAddress)
    }

    join(group) {
      this.groups.add(group)
    }

    leave(group) {
      this.groups.delete(group)
    }

    suspend() {
      this.#isSuspended = true
    }

    resume() {
      this.#isSuspended = false
      for (const datagram of this.#waiting.splice(0)) this.arrive(...datagram)
    }

    close() {
      this.forget()
    }
  }

  // Those of faces that have streams have no mock: they must not look as if they had.
  for (const name of ['asStream', 'ends', 'want', 'wantMore', 'write']) {
    MockDatagrams.prototype[name] = () => {
      throw new Error(`${name}: the mock knows the sockets of Firefox OS alone`)
    }
  }
  return MockDatagrams
}

module.exports = { datagramsOf }
