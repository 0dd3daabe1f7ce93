'use strict'

// What a program makes of the objects themselves: subclasses whose members all throw, prototypes taken away, frozen sockets, proxies,
// methods replaced. And of the language around them: names on Object.prototype, built-ins changed before the package is loaded.
// Sockets get their events, send what they are told, and end. (What is replaced after loading: __test__/globals.)

const net = require('node:net')

const test = require('ava')

const { TCPServerSocketEvent, TCPSocketEvent } = require('../../../index.js')
const { makePki } = require('../../helpers/pki.js')
const { TCPServerSocket, TCPSocket, deferred, scope } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')
const { ask, run } = require('./child.js')
const { sharedAccount } = require('./shared-account.js')
const { drink, rawServer, within } = require('./states.js')

const TYPES = ['open', 'data', 'drain', 'error', 'close']

/** A subclass of `Class` whose members all throw; but those in `except`. */
function hostileSubclass(Class, except = []) {
  class Hostile extends Class {}
  for (let at = Class.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at)) {
      if (key === 'constructor' || except.includes(key) || Object.hasOwn(Hostile.prototype, key)) continue
      // Node itself calls these of its own.
      if (typeof key === 'symbol' && at === EventTarget.prototype) continue
      const refuse = () => {
        throw new Error(`${String(key)} of a subclass was called`)
      }
      const own = Object.getOwnPropertyDescriptor(at, key)
      const next = own.get || own.set ? { get: refuse, set: refuse } : { value: refuse }
      Object.defineProperty(Hostile.prototype, key, { ...next, configurable: true })
    }
  }
  return Hostile
}

/** The real members, of an object that has others. */
const of = (socket, Class = TCPSocket) => ({
  get: (name) => Reflect.get(Class.prototype, name, socket),
  set: (name, value) => Reflect.set(Class.prototype, name, value, socket),
  call: (name, ...args) => Reflect.get(Class.prototype, name, socket).apply(socket, args),
})

/**
 * What becomes of a socket before it is used: it is of another class, or is changed, or made in another way. Node takes some of them
 * for no EventTarget any more, or cannot change them: they have handlers, and no listeners.
 */
const CHANGES = {
  'whose members are overridden by ones that throw': { Class: hostileSubclass(TCPSocket) },
  'whose dispatchEvent alone throws': {
    Class: class extends TCPSocket {
      dispatchEvent() {
        throw new Error('dispatchEvent of a subclass was called')
      }
    },
  },
  'that has lost its prototype': {
    change: (socket) => Object.setPrototypeOf(socket, null),
    withoutListeners: true,
  },
  'that has the prototype of a server': {
    change: (socket) => Object.setPrototypeOf(socket, TCPServerSocket.prototype),
  },
  'that has a Proxy for a prototype': {
    change: (socket) =>
      Object.setPrototypeOf(
        socket,
        new Proxy(TCPSocket.prototype, {
          get() {
            throw new Error('the prototype was asked')
          },
        }),
      ),
    withoutListeners: true,
  },
  'that is frozen': { change: Object.freeze, withoutListeners: true },
  'that is sealed': { change: Object.seal },
  'that cannot be extended': { change: Object.preventExtensions },
  'made for a class without a prototype': {
    make: (...args) =>
      Reflect.construct(
        TCPSocket,
        args,
        Object.defineProperty(function () {}.bind(), 'prototype', { value: 5 }),
      ),
    withoutListeners: true,
  },
  'that has members of its own': {
    change: (socket) => {
      for (const name of [
        'send',
        'close',
        'readyState',
        'dispatchEvent',
        'addEventListener',
        'bufferedAmount',
      ])
        Object.defineProperty(socket, name, {
          get() {
            throw new Error(`${name} was asked for`)
          },
        })
      return socket
    },
  },
}

const sockets = sharedAccount(__filename, {
  ids: ['REL-14'],
  fault: 'tampered objects',
  did: 'a socket of a hostile subclass, without its prototype, with another one, frozen, sealed, …: handlers, listeners, data both ways, close; plain and TLS',
})
const servers = sharedAccount(__filename, {
  ids: ['REL-14'],
  fault: 'tampered objects',
  did: 'a server of a hostile subclass, without its prototype, with another one, frozen: accepts, and closes what nobody takes',
})
const before = sharedAccount(__filename, {
  ids: [],
  fault: 'prototypes tampered with',
  did: 'before the package is loaded: intrinsics frozen, replaced, deleted, wrapped; a conversation, plain and TLS',
})

for (const secure of [false, true]) {
  const kind = secure ? 'TLS' : 'plain'
  for (const [
    what,
    { Class = TCPSocket, make, change = (one) => one, withoutListeners = false },
  ] of Object.entries(CHANGES)) {
    test.serial(`a ${kind} socket ${what} has its events, and sends what it is told`, async (t) => {
      const own = scope(t)
      const server = await rawServer(own, secure)
      for (const withListeners of withoutListeners ? [false] : [false, true]) {
        const options = { binaryType: 'arraybuffer', useSecureTransport: secure, ca: makePki().ca }
        const args = ['127.0.0.1', server.port, options]
        const socket = change(make === undefined ? new Class(...args) : make(...args))
        own.onEnd(() => of(socket).call('closeImmediately'))
        const types = []
        let bytes = 0
        const arrived = deferred()
        const gone = new Promise((resolve) => {
          for (const type of TYPES) {
            const see = (event) => {
              types.push(type)
              if (type === 'data') bytes += event.data.byteLength
              if (bytes === 5) arrived.resolve()
              if (type === 'close') resolve()
            }
            if (withListeners) of(socket).call('addEventListener', type, see)
            else of(socket).set(`on${type}`, see)
          }
        })
        const peer = await within(server.peer(), 'the connection')
        peer.write('hello')
        await within(arrived.promise, 'data')
        t.false(of(socket).call('send', new Uint8Array(5_000_000)))
        t.is(of(socket).get('bufferedAmount'), 5_000_000)
        const all = drink(peer)
        of(socket).call('close')
        t.is((await within(all, 'what was sent')).length, 5_000_000)
        peer.end()
        await within(gone, 'close')
        t.deepEqual(types, ['open', 'data', 'drain', 'close'])
        t.true(TCPSocket.isInstance(socket))
        sockets.run()
      }
      // One that fails.
      const socket = change(make === undefined ? new Class('127.0.0.1', 1) : make('127.0.0.1', 1))
      const types = []
      await within(
        new Promise((resolve) => {
          of(socket).set('onerror', () => types.push('error'))
          of(socket).set('onclose', () => resolve(types.push('close')))
        }),
        'close',
      )
      t.deepEqual(types, ['error', 'close'])
      sockets.run()
    })
  }
}

test.serial(
  'a socket that loses its prototype is closed all the same, and its listeners are an exception',
  async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-14'],
      fault: 'tampered objects',
      did: 'a socket with listeners that loses its prototype',
    })
    const { exceptions, closed, peer } = await ask('lost-prototype.js')
    t.deepEqual(exceptions, ['ERR_INVALID_THIS', 'ERR_INVALID_THIS'])
    t.deepEqual([closed, peer], [true, 'end'])
    account.run()
    account.close()
  },
)

test.serial('a frozen socket says why it takes no listener, and leaves nothing on the signal', async (t) => {
  const socket = Object.freeze(new TCPSocket('127.0.0.1', 1))
  const controller = new AbortController()
  t.throws(() => socket.addEventListener('close', () => {}, { signal: controller.signal }), {
    instanceOf: TypeError,
    message: /read only/,
  })
  await within(new Promise((resolve) => (socket.onclose = resolve)), 'close')
  // It would be an uncaught exception.
  controller.abort()
  await new Promise(setImmediate)
  t.is(socket.readyState, 'closed')
})

const SERVERS = {
  'whose members are overridden by ones that throw': { Class: hostileSubclass(TCPServerSocket) },
  'that has lost its prototype': { change: (server) => Object.setPrototypeOf(server, null) },
  'that has the prototype of a socket': {
    change: (server) => Object.setPrototypeOf(server, TCPSocket.prototype),
  },
  'that is frozen': { change: Object.freeze },
}

for (const [what, { Class = TCPServerSocket, change = (one) => one }] of Object.entries(SERVERS)) {
  test.serial(`a server ${what} accepts, and closes what nobody takes`, async (t) => {
    const own = scope(t)
    const server = change(new Class(0, { localAddress: '127.0.0.1' }))
    const itself = of(server, TCPServerSocket)
    own.onEnd(() => itself.call('close'))
    const port = itself.get('localPort')
    const [unclaimed, unclaimedEvents] = own.open('127.0.0.1', port)
    t.deepEqual(await within(unclaimedEvents.closed(), 'close'), ['open', 'close'])
    t.is(unclaimed.readyState, 'closed')
    const taken = new Promise((resolve) => itself.set('onconnect', resolve))
    const [client, events] = own.open('127.0.0.1', port)
    const { socket } = await within(taken, 'connect')
    socket.send('hello')
    t.is(String(await within(events.data(5), 'data')), 'hello')
    client.close()
    t.deepEqual(await within(events.closed(), 'close'), ['open', 'close'])
    itself.call('close')
    t.is(itself.get('localPort'), port)
    servers.run({ runs: 2 })
  })
}

test.serial(
  'methods of the classes that are replaced by ones that throw are not called by the package',
  async (t) => {
    const account = openAccount(t, __filename, {
      fault: 'tampered objects',
      did: 'every method and accessor of the classes replaced: connections come, and are closed where nobody takes them',
    })
    const own = scope(t)
    const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
    const port = server.localPort
    own.onEnd(() => server.close())
    const { set: setOnconnect } = Object.getOwnPropertyDescriptor(TCPServerSocket.prototype, 'onconnect')
    const { send, close } = TCPSocket.prototype
    const { get: getSocket } = Object.getOwnPropertyDescriptor(TCPServerSocketEvent.prototype, 'socket')
    const undo = []
    const classes = [
      TCPSocket,
      TCPServerSocket,
      Object.getPrototypeOf(TCPSocket),
      TCPSocketEvent,
      TCPServerSocketEvent,
    ]
    for (const { prototype } of classes) {
      for (const key of Reflect.ownKeys(prototype)) {
        const original = Object.getOwnPropertyDescriptor(prototype, key)
        if (key === 'constructor' || !original.configurable) continue
        const refuse = () => {
          throw new Error(`${String(key)} was called`)
        }
        Object.defineProperty(prototype, key, original.get ? { get: refuse, set: refuse } : { value: refuse })
        undo.push(() => Object.defineProperty(prototype, key, original))
      }
    }
    try {
      const ends = async () => {
        const client = net.connect(port, '127.0.0.1').on('error', () => {})
        own.onEnd(() => client.destroy())
        return String(await within(drink(client), 'the end'))
      }
      t.is(await ends(), '', 'nobody takes it')
      Reflect.apply(setOnconnect, server, [
        (event) => {
          const socket = Reflect.apply(getSocket, event, [])
          Reflect.apply(send, socket, ['hello'])
          Reflect.apply(close, socket, [])
        },
      ])
      t.is(await ends(), 'hello')
    } finally {
      for (const back of undo.reverse()) back()
    }
    t.true(undo.length > 40, `${undo.length} members`)
    account.run({ runs: undo.length })
    account.close()
  },
)

test.serial('a Proxy of a socket is refused, and one that passes everything on works', async (t) => {
  const account = openAccount(t, __filename, { fault: 'tampered objects', did: 'proxies of a socket' })
  const own = scope(t)
  const { socket, events, peer } = await own.toNode({})
  const bare = new Proxy(socket, {})
  for (const name of ['suspend', 'resume', 'upgradeToSecure', 'close', 'closeImmediately', 'ref', 'unref'])
    t.throws(() => TCPSocket.prototype[name].call(bare), { instanceOf: TypeError }, name)
  t.throws(() => bare.send('x'), { instanceOf: TypeError })
  t.throws(() => bare.readyState, { instanceOf: TypeError })
  t.throws(() => (bare.ondata = () => {}), { instanceOf: TypeError })
  t.is(socket.readyState, 'open')
  const through = new Proxy(socket, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
  peer.pipe(peer)
  through.send('through')
  t.is(String(await within(events.data(7), 'data')), 'through')
  through.close()
  t.deepEqual(await within(events.closed(), 'close'), ['open', 'close'])
  account.run({ runs: 2 })
  account.close()
})

test.serial('any name on Object.prototype leaves sockets as they are', async (t) => {
  const account = openAccount(t, __filename, {
    fault: 'prototypes tampered with',
    did: "each name that occurs in the package's code put on Object.prototype; a conversation each, plain and TLS",
  })
  const { wrong, names } = await ask('polluted.js', [], { mostMs: 180_000 })
  t.deepEqual(wrong, [])
  t.true(names > 300, `${names} names`)
  account.run({ runs: names })
  account.close()
})

/** What a program can do before it loads the package, as code, or as options of Node. */
const BEFORE = {
  nothing: [],
  'frozen intrinsics': ['--frozen-intrinsics'],
  'no __proto__': ['--disable-proto=delete'],
  'a __proto__ that throws': ['--disable-proto=throw'],
  'no code from strings': ['--disallow-code-generation-from-strings'],
  'every prototype frozen':
    'for (const name of Object.getOwnPropertyNames(globalThis)) { const C = globalThis[name]; if (typeof C === "function" && C.prototype) Object.freeze(C.prototype) }',
  'methods added to Object.prototype and Array.prototype':
    'Object.prototype.extend = function () {}; Array.prototype.last = function () {}; Function.prototype.method = 5',
  'attributes of descriptors on Object.prototype':
    'for (const name of ["enumerable", "configurable"]) Object.defineProperty(Object.prototype, name, { value: true })',
  'then of promises wrapped':
    'const { then } = Promise.prototype; Promise.prototype.then = function (...args) { return then.apply(this, args) }',
  'call and apply wrapped':
    'for (const name of ["call", "apply", "bind"]) { const f = Function.prototype[name]; Function.prototype[name] = function (...args) { return Reflect.apply(f, this, args) } }',
  'an Error of its own':
    'globalThis.Error = class Error2 extends Error {}; globalThis.TypeError = class TypeError2 extends TypeError {}',
  'an Event that is a subclass': 'const E = Event; globalThis.Event = class Event2 extends E {}',
  'a Symbol.species of its own':
    'for (const C of [Array, Promise, ArrayBuffer, RegExp, Map, Set]) Object.defineProperty(C, Symbol.species, { get() { return class Other extends C {} } })',
  'no AbortSignal': 'delete globalThis.AbortSignal; delete globalThis.AbortController',
  'no structuredClone, queueMicrotask, setImmediate':
    'for (const name of ["structuredClone", "queueMicrotask", "setImmediate", "setTimeout", "performance", "navigator"]) delete globalThis[name]',
}

for (const [what, how] of Object.entries(BEFORE)) {
  test.serial(`a program that has, before it loads the package, ${what}`, async (t) => {
    const isCode = typeof how === 'string'
    const { code, signal, stdout, stderr } = await run('converse.js', isCode ? [how] : [], {
      nodeArgs: isCode ? ['--no-warnings'] : ['--no-warnings', ...how],
    })
    t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    t.is(
      stdout,
      'plain open data:5 drain close; tls open data:5 drain close; refused error close; 5000000 5000000\n',
    )
    before.run({ crashes: Number(signal !== null) })
  })
}

for (const account of [sockets, servers, before]) account.declare(test)
