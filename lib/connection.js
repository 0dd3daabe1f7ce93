'use strict'

// The life of a TCPSocket's connection, from the first attempt to connect until `close`. The engine reports facts (bytes, the
// peer's end, all written, closed, failed); this file alone decides what they mean for `readyState` and which events fire.

const { ArrayBuffer, ArrayBufferPrototypeGetByteLength } = require('./builtins.js')
const { inThisRealm, payloadLength } = require('./bytes.js')
const { attach, closeAtOnce, detach, receive } = require('./channel.js')
const { Context } = require('./context.js')
const { channels } = require('./diagnostics.js')
const { errorEvent, wrongState } = require('./errors.js')
const { fire, retire } = require('./event-target.js')
const { TCPSocketEvent } = require('./events.js')
const { reportLater } = require('./exceptions.js')
const { EventKind } = require('./platform/native.js')
const { Outbox } = require('./outbox.js')

/** More than this many pending bytes, and `send` answers false. Reaching it makes a `drain` due (decision Q-01). */
const HIGH_WATER = 65536

class Connection {
  /** The TCPSocket, whose events fire. */
  #socket
  /** The native socket; `null` when it is closed. */
  #native
  /** Names `#native` to the engine. */
  #id
  #readyState
  /** What it sends; `null` before the first `send`, because many only receive, and when nothing can be sent any more. */
  #outbox = null
  #reading
  #tls
  /** Where handlers run. */
  #context
  /** Takes back what follows an AbortSignal. */
  #unfollow
  /** What `localAddress` and the like tell. `null` until somebody asks, or it is closed. */
  #endpoints = null
  #bytesRead = 0
  #bytesWritten = 0
  /** `drain` is due when nothing is pending. */
  #drainDue = false
  /** The peer will send no more; the socket closes when nothing is pending. */
  #peerEnded = false
  /** The application gave the connection up: that it fails as well is no news (decision Q-09). */
  #unwanted = false
  /** No event fires any more. */
  #isSilent = false
  /** See `keepHalfOpen`. */
  #halves = null
  /** The callbacks of `whenClosed`. */
  #awaiting = null

  /**
   * Of `socket`, over the native socket `handle`. `readyState` is what it begins with, `reading` and `tls` are those of the connection,
   * and `unfollow`, if given, takes back what follows an AbortSignal.
   */
  constructor(socket, handle, { readyState, reading, tls, unfollow }) {
    this.#socket = socket
    this.#native = handle
    this.#id = handle.id
    this.#readyState = readyState
    this.#reading = reading
    this.#tls = tls
    this.#context = new Context('TCPSOCKET', handle)
    this.#unfollow = unfollow
    attach(this.#id, this)
  }

  get readyState() {
    return this.#readyState
  }

  get isSecure() {
    return this.#tls.isSecure
  }

  get tlsDetails() {
    return this.#tls.details(this.#native)
  }

  get tlsSession() {
    return this.#tls.session(this.#native)
  }

  get endpoints() {
    if (this.#native !== null && this.#readyState !== 'connecting') this.#endpoints ??= this.#native.ends()
    return this.#endpoints
  }

  get bytesRead() {
    return this.#bytesRead
  }

  get bytesWritten() {
    return this.#bytesWritten
  }

  /** Bytes that were sent and are not yet handed to the operating system. */
  get pending() {
    return this.#outbox?.pending ?? 0
  }

  /** Sends a byte string, or a Uint8Array. Returns false where so much is pending that it is time to wait for `drain`. */
  send(payload) {
    if (this.#readyState !== 'open' || this.#halves?.isShutDown) throw wrongState('Socket not open.')
    const length = payloadLength(payload)
    this.#outbox ??= new Outbox(this.#native, this.#id)
    const pending = this.#outbox.write(payload, length)
    this.#bytesWritten += length
    if (pending >= HIGH_WATER && !this.#drainDue) {
      this.#drainDue = true
      this.#outbox.wantDrain()
    }
    this.#tellSent(payload, length, pending)
    return pending <= HIGH_WATER
  }

  upgradeToSecure(options) {
    if (!this.#canUpgrade()) return this.#tls.refuseLate(options)
    const config = this.#tls.upgradeConfig(options)
    // A getter of the options may have closed the socket meanwhile, or upgraded it.
    if (!this.#canUpgrade()) return
    this.#tls.upgraded()
    try {
      // Not written before the upgrade has begun: the peer's hello, which answers it, must not count as plaintext.
      this.#outbox?.stage()
      this.#native.upgrade(config)
    } catch (thrown) {
      // What follows must not leave in the clear.
      this.closeImmediately()
      throw thrown
    }
    this.#tell(channels.socketUpgrade)
  }

  #canUpgrade() {
    if (this.#readyState !== 'open') throw wrongState('Socket not open.')
    return !this.#tls.isSecure
  }

  /** How long connecting may take; 0 milliseconds mean for ever. Once it is connected that changes nothing. */
  setConnectTimeout(milliseconds) {
    if (this.#readyState === 'connecting') this.#native.setConnectTimeout(milliseconds)
  }

  close() {
    if (this.#readyState === 'open') {
      this.#readyState = 'closing'
      this.#outbox?.flush()
      this.#native.close()
      this.#tellClosing(false)
    } else {
      this.#stopConnecting()
    }
  }

  closeImmediately() {
    // What `close()` still waits to send is given up as well.
    if (this.#readyState === 'open' || (this.#readyState === 'closing' && !this.#unwanted)) {
      this.#readyState = 'closing'
      this.#drainDue = false
      this.#unwanted = true
      this.#outbox?.discard()
      this.#outbox = null
      this.#native.closeImmediately()
      this.#tellClosing(true)
    } else {
      this.#stopConnecting()
    }
  }

  #stopConnecting() {
    if (this.#readyState === 'connecting') {
      this.#readyState = 'closing'
      this.#unwanted = true
      this.#native.abort()
      this.#tellClosing(true)
    }
  }

  /** Its window is closed: nothing that happens from now on is for anybody. */
  [closeAtOnce]() {
    this.#isSilent = true
    this.closeImmediately()
  }

  /**
   * For what makes something else of the socket than Firefox OS had: from now on it does not close when the peer has ended. `peerEnded()` is
   * called then, `shutDown()` when what `shutdown` asked for is done, and `drained()` when all is written, if the engine was asked for that.
   */
  keepHalfOpen({ peerEnded, shutDown, drained }) {
    this.#halves = { peerEnded, shutDown, drained, isShutDown: false }
  }

  /** Neither has its peer ended, nor is it closed. */
  get canBeHalfOpen() {
    return !this.#peerEnded && this.#native !== null
  }

  /** Lets what was sent leave now, so that nothing overtakes it that is written behind the back of this class, which is told of it by `sent`. */
  flush() {
    this.#outbox?.flush()
  }

  sent(bytes, length) {
    this.#bytesWritten += length
    this.#tellSent(bytes, length, this.#native.unwritten)
  }

  /** After `keepHalfOpen`, on an open connection: sends what was accepted, then FIN. What comes is still delivered. */
  shutdown() {
    this.#halves.isShutDown = true
    this.#outbox?.flush()
    this.#native.shutdown()
  }

  /** As `closeImmediately`, but the peer learns of it by RST. */
  reset() {
    if (this.#readyState !== 'open') return this.closeImmediately()
    this.#native.reset()
    this.closeImmediately()
  }

  /** The native socket; `null` when it is closed. */
  get handle() {
    return this.#native
  }

  /** Whether the process stays alive for it. */
  keepAlive(keep) {
    this.#context.keepAlive(keep)
  }

  /** Calls `callback` when `close` was fired, also where that was long ago. */
  whenClosed(callback) {
    if (this.#native === null) return callback()
    this.#awaiting ??= []
    this.#awaiting[this.#awaiting.length] = callback
  }

  /** An event of the engine. */
  [receive](kind, detail) {
    this.#context.run(this.#receive, this, kind, detail)
  }

  #receive(kind, detail) {
    // It failed, and `close` comes next.
    if (this.#readyState === 'closed' && kind !== EventKind.Closed) return
    switch (kind) {
      case EventKind.Data:
        return this.#onData(detail)
      case EventKind.Opened:
        if (this.#readyState !== 'connecting') return
        this.#readyState = 'open'
        this.#tell(channels.socketOpen)
        // Here as below, a tool may have closed it that was only to watch.
        return this.#readyState === 'open' ? this.#fire('open') : undefined
      case EventKind.Drained:
        return this.#onDrained()
      case EventKind.Ended:
        this.#peerEnded = true
        this.#tell(channels.socketEnd)
        return this.#halves === null ? this.#closeWhenDrained() : this.#halfEnded('peerEnded')
      case EventKind.ShutDown:
        return this.#halfEnded('shutDown')
      case EventKind.Closed:
        return this.#tearDown()
      case EventKind.Failed:
        return this.#onFailed(detail)
    }
  }

  #onData(data) {
    if (this.#readyState !== 'open') return
    const byteLength = typeof data === 'string' ? data.length : ArrayBufferPrototypeGetByteLength(data)
    this.#bytesRead += byteLength
    // Memory comes from the main realm; in another one, such as a jsdom sandbox, the class must be its own.
    const foreign = typeof data !== 'string' && !(data instanceof ArrayBuffer)
    const own = foreign ? inThisRealm(data) : data
    if (channels.socketData.hasSubscribers) {
      channels.socketData.publish({ socket: this.#socket, data: own, byteLength })
      if (this.#readyState !== 'open') return
    }
    this.#fire('data', own)
  }

  /** The peer has ended, or our side. When both have, it is closed. */
  #halfEnded(side) {
    const halves = this.#halves
    halves[side]()
    halves[side] = null
    if (this.#readyState !== 'open' || halves.peerEnded !== null || halves.shutDown !== null) return
    this.#native.close()
    this.#tearDown()
  }

  #onDrained() {
    this.#halves?.drained()
    if (this.#outbox === null || this.#outbox.pending > 0) return
    this.#outbox.drained()
    if (this.#drainDue) {
      this.#drainDue = false
      this.#tell(channels.socketDrain)
      if (!this.#unwanted) this.#fire('drain')
      // Asked once more, the engine answers in a task of its own: `close` must not come in this one.
      if (this.#mustClose) this.#outbox.wantDrain()
    } else if (this.#mustClose) {
      this.#closeWhenDrained()
    }
  }

  /** The peer has ended, and nothing keeps it open. */
  get #mustClose() {
    return this.#peerEnded && this.#halves === null && this.#readyState === 'open'
  }

  /** The peer ended: what was accepted is still delivered, a drain that is due comes, then the socket closes. */
  #closeWhenDrained() {
    if (this.pending > 0 || this.#drainDue) {
      this.#outbox.wantDrain()
      return
    }
    this.#native.close()
    this.#tearDown()
  }

  /** `error`, and `close` in the next task. Until then the socket stays live: it has an event to come. */
  #onFailed(failure) {
    if (this.#unwanted) return this.#tearDown()
    this.#markClosed()
    const event = errorEvent(failure)
    if (channels.socketError.hasSubscribers) {
      channels.socketError.publish({ socket: this.#socket, error: event.data })
    }
    fire(this.#socket, 'error', event)
    try {
      this.#native.reportClosed()
    } catch (thrown) {
      reportLater(thrown)
      this.#tearDown()
    }
  }

  /** From here on nothing can be sent or received. */
  #markClosed() {
    this.#readyState = 'closed'
    this.#outbox?.discard()
    this.#outbox = null
    this.#tls.forgetOptions()
  }

  /** It is closed: gives the native socket back, but for what applications may still ask, and fires `close`. */
  #tearDown() {
    this.#markClosed()
    const handle = this.#native
    this.#native = null
    detach(this.#id)
    this.#reading.closed()
    this.#tls.keepSession(handle)
    handle.release()
    this.#context.closed()
    this.#tls.details(handle)
    this.#endpoints ??= handle.ends()
    this.#tell(channels.socketClose)
    this.#fire('close')
    this.#unfollow?.()
    this.#unfollow = null
    retire(this.#socket)
    const awaiting = this.#awaiting
    this.#awaiting = null
    for (let i = 0; i < (awaiting?.length ?? 0); i++) awaiting[i]()
  }

  /** Tells tools, if there are any. */
  #tell(channel) {
    if (channel.hasSubscribers) channel.publish({ socket: this.#socket })
  }

  #tellSent(data, byteLength, bufferedAmount) {
    if (!channels.socketSend.hasSubscribers) return
    channels.socketSend.publish({ socket: this.#socket, data, byteLength, bufferedAmount })
  }

  #tellClosing(immediately) {
    if (channels.socketClosing.hasSubscribers) {
      channels.socketClosing.publish({ socket: this.#socket, immediately })
    }
  }

  #fire(type, data = '') {
    if (!this.#isSilent) fire(this.#socket, type, new TCPSocketEvent(type, { data }))
  }
}

module.exports = { Connection }
