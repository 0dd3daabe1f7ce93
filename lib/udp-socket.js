'use strict'

// UDPSocket of Firefox OS 2.2 and KaiOS: datagrams, with multicast. It is bound in a task of its own, after the constructor has returned;
// `opened` and `closed` are promises, and there is one event, `message`. Gecko's dom/network/UDPSocket.cpp; docs/udp.md has what differs.

const {
  Blob,
  BlobPrototypeArrayBuffer,
  BlobPrototypeGetSize,
  ArrayBufferIsView,
  PromisePrototypeThen,
  ReflectConstruct,
  TypedArrayPrototypeGetBuffer,
} = require('./builtins.js')
const { copyOf, fromUtf8, payloadLength } = require('./bytes.js')
const { attach, closeAtOnce, detach, receive } = require('./channel.js')
const { Context } = require('./context.js')
const { sendInTurn } = require('./datagram-turn.js')
const { requireArguments, toText, toView } = require('./convert.js')
const { makeDisposable } = require('./dispose.js')
const { domException } = require('./dom-exceptions.js')
const { bindFailure, eventError } = require('./errors.js')
const { HandlerTarget, defineInterface, fire, retire } = require('./event-target.js')
const { UDPMessageEvent } = require('./events.js')
const { isObject } = require('./interface.js')
const native = require('./platform/native.js')
const { isAnyArrayBuffer } = require('./platform/types.js')
const { runSoon } = require('./platform/timers.js')
const { PROCESS_RIGHTS } = require('./policy.js')
const { deferred, handled, nothing } = require('./promises.js')
const { addressOf, bindUdp, requireLength } = require('./udp-binding.js')
const { toDestination, toGroup, toUdpOptions, toUdpPort } = require('./udp-options.js')

const { EventKind } = native

const EVENTS = { handlers: ['message'], answered: [] }

/** Passed to the constructor in place of options: makes a socket that `bindWith` has bound. */
const UNBOUND = Symbol('unbound')

/** Makes a socket of `Class` that may do what `rights` allow. */
let bindWith

class UDPSocket extends HandlerTarget {
  /** Of the application; `null` where everybody may send to everywhere. */
  #rights = null
  #options
  #readyState = 'opening'
  #opened = deferred()
  #closed = deferred()
  /** The native socket; `null` before it is bound, and when it is closed. */
  #native = null
  #context = null
  #keepsAlive = true
  #localAddress
  #localPort
  #remoteAddress
  #remotePort
  /** Calls of `joinMulticastGroup` and `leaveMulticastGroup` that wait until it is bound. */
  #commands = []
  /** The end of the sends that wait for a Blob to be read; `null` where none does. */
  #reading = null

  constructor(options) {
    super(EVENTS)
    handled(this.#opened.promise)
    handled(this.#closed.promise)
    if (options === UNBOUND) return
    PROCESS_RIGHTS.requireUdpPermission()
    this.#start(toUdpOptions(options))
  }

  #start(options) {
    this.#options = options
    const { localAddress, localPort, remoteAddress, remotePort } = options
    this.#localAddress = localAddress
    this.#localPort = localPort
    this.#remoteAddress = remoteAddress
    this.#remotePort = remotePort
    runSoon(() => this.#open())
  }

  get localAddress() {
    return this.#localAddress
  }

  get localPort() {
    return this.#localPort
  }

  get remoteAddress() {
    return this.#remoteAddress
  }

  get remotePort() {
    return this.#remotePort
  }

  get addressReuse() {
    return this.#options.addressReuse
  }

  get loopback() {
    return this.#options.loopback
  }

  get readyState() {
    return this.#readyState
  }

  get opened() {
    return this.#opened.promise
  }

  get closed() {
    return this.#closed.promise
  }

  /** Sends a datagram, or drops it: nothing tells which. Always answers true. */
  send(data, remoteAddress, remotePort) {
    requireArguments('UDPSocket.send', arguments.length, 1)
    if (this.#readyState !== 'open') throw this.#wrongState('send')
    const address = remoteAddress ?? this.#remoteAddress
    if (address === null) throw domException('InvalidAccessError', 'send: there is no remoteAddress')
    const port = remotePort ?? this.#remotePort
    if (port === null) throw domException('InvalidAccessError', 'send: there is no remotePort')
    const destination = { host: toDestination(address), port: toUdpPort(port, 'remotePort') }
    this.#rights?.requireSend(destination.host, destination.port)
    if (isBlob(data)) this.#sendBlob(data, destination)
    else this.#send(toDatagram(data), destination)
    return true
  }

  joinMulticastGroup(multicastGroupAddress) {
    this.#command('joinMulticastGroup', arguments.length, 'join', multicastGroupAddress)
  }

  leaveMulticastGroup(multicastGroupAddress) {
    this.#command('leaveMulticastGroup', arguments.length, 'leave', multicastGroupAddress)
  }

  close() {
    this.#close()
    return this.#closed.promise
  }

  ref() {
    this.#keepAlive(true)
    return this
  }

  unref() {
    this.#keepAlive(false)
    return this
  }

  #keepAlive(keep) {
    this.#keepsAlive = keep
    this.#context?.keepAlive(keep)
  }

  #wrongState(call) {
    return domException('InvalidStateError', `${call}: the socket is ${this.#readyState}`)
  }

  #open() {
    if (this.#readyState !== 'opening') return
    let handle
    try {
      handle = bindUdp(this.#options)
    } catch (cause) {
      this.#fail(cause)
      return
    }
    this.#native = handle
    this.#context = new Context('UDPSOCKET', handle)
    this.#keepAlive(this.#keepsAlive)
    attach(handle.id, {
      [receive]: (kind, a, b, c) => this.#receive(kind, a, b, c),
      [closeAtOnce]: () => this.#close(),
    })
    this.#localAddress = handle.localAddress
    this.#localPort = handle.localPort
    this.#readyState = 'open'
    for (let i = 0; i < this.#commands.length; i++) {
      const { method, group } = this.#commands[i]
      if (!this.#change(method, group)) return
    }
    this.#commands = []
    this.#opened.resolve()
  }

  /** An event of the engine. */
  #receive(kind, a, b, c) {
    const handle = kind === EventKind.Datagram ? this.#onDatagram : this.#onFailed
    this.#context.run(handle, this, a, b, c)
  }

  #onFailed(failure) {
    this.#fail(eventError(failure))
  }

  #onDatagram(data, remoteAddress, remotePort) {
    if (this.#readyState !== 'open') return
    const buffer = TypedArrayPrototypeGetBuffer(data)
    fire(this, 'message', new UDPMessageEvent('message', { data: buffer, remoteAddress, remotePort }))
  }

  #send(bytes, { host, port }) {
    const length = payloadLength(bytes)
    requireLength(length, this.#localAddress)
    if (this.#reading === null) sendInTurn(this.#native.id, bytes, host, port)
    // Behind a Blob, and the caller may change the memory meanwhile.
    else this.#sendBehind(copyOf(bytes), host, port)
  }

  #sendBehind(bytes, host, port) {
    this.#wait(PromisePrototypeThen(this.#reading, () => this.#sendNow(bytes, host, port)))
  }

  #sendBlob(blob, { host, port }) {
    requireLength(BlobPrototypeGetSize(blob), this.#localAddress)
    const read = BlobPrototypeArrayBuffer(blob)
    const before = this.#reading
    const sent = PromisePrototypeThen(read, (buffer) => {
      const send = () => this.#sendNow(toView('send', buffer), host, port)
      return before === null ? send() : PromisePrototypeThen(before, send)
    })
    this.#wait(sent)
  }

  #sendNow(bytes, host, port) {
    if (this.#native !== null) sendInTurn(this.#native.id, bytes, host, port)
  }

  /** Later sends wait for `sent`. A Blob that cannot be read is a datagram that is lost. */
  #wait(sent) {
    const settled = PromisePrototypeThen(sent, nothing, nothing)
    this.#reading = settled
    PromisePrototypeThen(settled, () => {
      if (this.#reading === settled) this.#reading = null
    })
  }

  #command(name, count, method, address) {
    requireArguments(`UDPSocket.${name}`, count, 1)
    const group = toGroup(address)
    if (this.#readyState === 'closed') throw this.#wrongState(name)
    if (this.#readyState === 'open') this.#change(method, group)
    else this.#commands[this.#commands.length] = { method, group }
  }

  /** Joins or leaves. Returns false where the system refuses, which ends the socket. */
  #change(method, group) {
    try {
      this.#native[method](group)
      return true
    } catch (error) {
      this.#fail(bindFailure(error, group, this.#localPort, method))
      return false
    }
  }

  #close() {
    if (this.#readyState === 'closed') return
    const wasOpening = this.#readyState === 'opening'
    this.#end()
    if (wasOpening)
      this.#opened.reject(domException('AbortError', 'the socket was closed before it was open'))
    this.#closed.resolve()
  }

  /** It failed, for the reason `cause`. */
  #fail(cause) {
    if (this.#readyState === 'closed') return
    this.#end()
    const error = domException('NetworkError', cause.message, cause)
    // Where it was fulfilled, this changes nothing.
    this.#opened.reject(error)
    this.#closed.reject(error)
  }

  #end() {
    this.#readyState = 'closed'
    this.#commands = []
    this.#reading = null
    const handle = this.#native
    this.#native = null
    if (handle !== null) {
      detach(handle.id)
      handle.close()
      this.#context.closed()
    }
    retire(this)
  }

  /** Gecko's, for its own code. Unlike `instanceof`, it asks nothing of `value`, which may be anything. */
  static isInstance(value) {
    return isObject(value) && #readyState in value
  }

  static {
    bindWith = (rights, Class, options) => {
      const socket = ReflectConstruct(UDPSocket, [UNBOUND], Class)
      rights.requireUdpPermission()
      const read = toUdpOptions(options)
      // Any free port is no place to receive at that others know, as that of a client.
      if (read.localPort !== null) rights.requireBind(addressOf(read), read.localPort)
      socket.#rights = rights
      socket.#start(read)
      return socket
    }
  }
}

function isBlob(data) {
  return Blob !== undefined && data instanceof Blob
}

/** The bytes of a datagram: text is UTF-8. */
function toDatagram(data) {
  if (isAnyArrayBuffer(data) || ArrayBufferIsView(data)) return toView('send', data)
  return fromUtf8(toText(data, 'send'))
}

defineInterface(UDPSocket, {
  handlers: EVENTS.handlers,
  attributes: [
    'localAddress',
    'localPort',
    'remoteAddress',
    'remotePort',
    'addressReuse',
    'loopback',
    'readyState',
    'opened',
    'closed',
  ],
  methods: ['send', 'joinMulticastGroup', 'leaveMulticastGroup', 'close', 'ref', 'unref'],
})

makeDisposable(UDPSocket, (socket, closed) => PromisePrototypeThen(socket.closed, closed, closed))

module.exports = { UDPSocket, bindWith }
