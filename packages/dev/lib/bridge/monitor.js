'use strict'

// What the panel shows: the sockets that are there, how much they carried, and what happened last. Panels are told a few times a second, and
// one that does not keep up misses something; so it costs sockets next to nothing.

const EVERY = 250
const MOST_EVENTS = 500
const MOST_WAITING = 1 << 20

class Monitor {
  /** The last events, the oldest first: `{ number, time, page, socket, event, detail }`. */
  #events = []
  #number = 0
  /** By WebSocket, the number of the last event that it has. */
  #watchers = new Map()
  #timer = null
  #sessions

  note(event) {
    this.#events.push({ number: ++this.#number, time: Date.now(), ...event })
    if (this.#events.length > MOST_EVENTS) this.#events.shift()
  }

  /** Tells `webSocket` from now on. */
  watch(webSocket, sessions) {
    this.#sessions = sessions
    this.#watchers.set(webSocket, 0)
    webSocket.on('close', () => this.#watchers.delete(webSocket))
    this.#timer ??= setInterval(() => this.#tellAll(), EVERY).unref()
    this.#tell(webSocket, 0)
  }

  #tellAll() {
    for (const [webSocket, seen] of this.#watchers) this.#tell(webSocket, seen)
    if (this.#watchers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #tell(webSocket, seen) {
    if (webSocket.bufferedAmount > MOST_WAITING) return
    this.#watchers.set(webSocket, this.#number)
    const events = this.#events.filter(({ number }) => number > seen)
    webSocket.send(JSON.stringify({ sockets: this.#snapshot(), events }))
  }

  #snapshot() {
    const all = []
    for (const { name, sockets, listeners } of this.#sessions()) {
      for (const { id, localAddress, localPort } of listeners) {
        all.push({
          page: name,
          id,
          state: 'listening',
          peer: `${localAddress} ${localPort}`,
          bytesRead: 0,
          bytesWritten: 0,
          buffered: 0,
        })
      }
      for (const { id, state, peer, bytesRead, bytesWritten, buffered } of sockets)
        all.push({ page: name, id, state, peer, bytesRead, bytesWritten, buffered })
    }
    return all
  }

  close() {
    clearInterval(this.#timer)
  }
}

module.exports = { Monitor }
