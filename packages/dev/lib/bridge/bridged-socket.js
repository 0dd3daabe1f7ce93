'use strict'

// The part of a page's socket that is in Node.js: carries out its orders, and tells it the engine's facts. What a fact means the facade in the page
// decides. Two windows bound what lies between them, each of WINDOW bytes: what came and the page has not taken (then the connection is not read,
// and TCP pushes back), and what the page sent and the system has not taken (the page keeps the rest to itself).

const engine = require('moz-tcp-socket/engine')

const { FACT, WINDOW } = require('./protocol.js')

const { EventKind } = engine.native

class BridgedSocket {
  #session
  #handle
  /** Names the native socket to the engine. */
  #nativeId
  #isConnected
  /** The page asked for TLS. From then on the engine delivers nothing that did not come through it. */
  #isSecure
  /** What the handshake led to was told. */
  #toldTls = false
  #isSuspendedByPage = false
  #isSuspended = false
  /** Bytes of `Data` that the page has not taken. */
  #untaken = 0
  /** Bytes of `Send`, and how many of them the page knows to be written. */
  #received = 0
  #toldWritten = 0

  /** `id` is the page's. It is an accepted one that is connected from the start. */
  constructor(session, id, handle, { isConnected, isSecure, peer }) {
    this.#session = session
    this.id = id
    this.#handle = handle
    this.#nativeId = handle.id
    this.#isConnected = isConnected
    this.#isSecure = isSecure
    /** For the panel. */
    this.peer = peer
    this.bytesRead = 0
    engine.attach(this.#nativeId, this)
    // Others may have filled the page's queue already.
    this.#read()
  }

  get handle() {
    return this.#handle
  }

  /** For the panel. */
  get state() {
    return `${this.#isConnected ? 'open' : 'connecting'}${this.#isSecure ? ', TLS' : ''}${this.#isSuspended ? ', not read' : ''}`
  }

  get bytesWritten() {
    return this.#toldWritten
  }

  get buffered() {
    return this.#received - this.#toldWritten
  }

  /** An event of the engine. */
  [engine.receive](kind, detail) {
    this.#tellTls()
    switch (kind) {
      case EventKind.Opened:
        this.#isConnected = true
        return this.#tell(FACT.Opened, this.connected())
      case EventKind.Data:
        return this.#onData(new Uint8Array(detail))
      case EventKind.Ended:
        return this.#tell(FACT.Ended)
      case EventKind.Drained:
        return this.report()
      case EventKind.Closed:
        this.report()
        this.#release()
        return this.#tell(FACT.Closed)
      case EventKind.Failed:
        this.#release()
        return this.#tell(FACT.Failed, detail)
    }
  }

  /** Where the connection begins and ends, and what TLS agreed on from its first byte. */
  connected() {
    const tls = this.#isSecure ? described(this.#handle) : null
    this.#toldTls = tls !== null
    return { ends: this.#handle.ends(), tls }
  }

  #onData(bytes) {
    this.bytesRead += bytes.length
    this.#untaken += bytes.length
    const content = new Uint8Array(bytes.length + 1)
    content[0] = this.#isSecure ? 1 : 0
    content.set(bytes, 1)
    this.#tell(FACT.Data, content)
    this.#read()
  }

  /** Reads the connection, or no more. */
  #read() {
    if (this.#handle === null) return
    const wanted = this.#isSuspendedByPage || this.#untaken >= WINDOW || this.#session.isFull
    if (wanted === this.#isSuspended) return
    this.#isSuspended = wanted
    if (wanted) this.#handle.suspend()
    else this.#handle.resume()
  }

  /** The page's queue is full, or is so no more. */
  queueChanged() {
    this.#read()
  }

  /** Throws where the page sends more than it may. */
  send(bytes) {
    if (this.#received - this.#toldWritten + bytes.length > WINDOW) {
      throw new Error(`socket ${this.id} sent more than ${WINDOW} bytes that are not written`)
    }
    this.#received += bytes.length
    this.#handle.stage(bytes, 0, bytes.length)
    const { flush } = engine.engineOutbound()
    if (flush(this.#nativeId, 0, 0, false) > 0) flush(this.#nativeId, 0, 0, true)
    this.report()
  }

  /** Tells how much is written, where that is news. Returns whether there may be more to tell soon. */
  report() {
    if (this.#handle === null) return false
    this.#tellTls()
    const { unwritten } = this.#handle
    const written = this.#received - unwritten
    if (written > this.#toldWritten) {
      this.#toldWritten = written
      this.#tell(FACT.Written, written)
    }
    const hasMore = unwritten > 0 || (this.#isSecure && !this.#toldTls)
    if (hasMore) this.#session.reportLater(this)
    return hasMore
  }

  suspend() {
    this.#isSuspendedByPage = true
    this.#read()
  }

  resume() {
    this.#isSuspendedByPage = false
    this.#read()
  }

  /** The page took `count` bytes. Throws where it never got them. */
  credit(count) {
    if (count > this.#untaken) throw new Error(`socket ${this.id} took ${count} bytes of ${this.#untaken}`)
    this.#untaken -= count
    this.#read()
  }

  upgrade(config) {
    this.#isSecure = true
    this.#handle.upgrade(config)
    this.#session.reportLater(this)
  }

  /** The page went away: what it sent still arrives. */
  abandon() {
    if (this.#handle === null) return
    if (this.#isConnected) this.#handle.close()
    else this.#handle.abort()
  }

  #tellTls() {
    if (!this.#isSecure || this.#toldTls || !this.#isConnected || this.#handle === null) return
    const tls = described(this.#handle)
    if (tls === null) return
    this.#toldTls = true
    this.#tell(FACT.Secured, tls)
  }

  #tell(kind, content) {
    this.#session.tell(kind, this.id, content)
  }

  #release() {
    const handle = this.#handle
    engine.detach(this.#nativeId)
    this.#session.closed(this, handle.tlsSession())
    this.#handle = null
    handle.release()
  }
}

/** What `socket.tls` is to tell, as JSON can say it; null before the handshake is done. */
function described(handle) {
  const details = engine.tlsDetails(handle)
  if (details === null) return null
  const { peerCertificate } = details
  return {
    ...details,
    peerCertificate: peerCertificate && {
      ...peerCertificate,
      raw: peerCertificate.raw.toString('base64'),
    },
  }
}

module.exports = { BridgedSocket }
