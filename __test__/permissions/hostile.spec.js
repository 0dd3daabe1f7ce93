'use strict'

// An application that tries to get more than its rights, by everything that its navigator, its globals, its sockets and their events
// lead to. In each attack there is a server to be reached, which sees whether it was.

const { once } = require('node:events')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')
const vm = require('node:vm')

const test = require('ava')

const api = require('../../index.js')
const { Rights } = require('../../lib/rights.js')
const { app, CERTIFIED, NOT_PERMITTED, PRIVILEGED, WEB } = require('./helpers/app.js')
const { reachable } = require('./helpers/reachable.js')

/** What the engine exports: the classes below those of the package. */
const native = Object.values(require.cache).find(({ filename }) => filename.endsWith('.node')).exports

const LOCAL = { localAddress: '127.0.0.1' }

test.afterEach.always(() => api.setPolicy(null))

/** A server that nobody may reach: `port`, and `untouched()`, which fails where somebody did. */
function forbidden(t) {
  const server = new api.TCPServerSocket(0, LOCAL)
  t.teardown(() => server.close())
  const ports = []
  server.onconnect = ({ socket }) => {
    ports.push(socket.port)
    socket.close()
  }
  const untouched = async () => {
    // Whoever tried before waits in the backlog before this one.
    const last = new api.TCPSocket('127.0.0.1', server.localPort)
    t.teardown(() => last.close())
    await once(last, 'open')
    const { localPort } = last
    await once(last, 'close')
    t.deepEqual(ports, [localPort], 'nobody else has come')
  }
  return { port: server.localPort, untouched }
}

/** What an application gets that may listen on loopback, and connect to nothing: a server, an accepted socket, and their events. */
async function usedApp(t, options) {
  const made = app({ connect: [], listen: ['127.0.0.1:*'], ...options })
  const server = new made.TCPServerSocket(0, LOCAL)
  t.teardown(() => server.close())
  const client = new api.TCPSocket('127.0.0.1', server.localPort)
  t.teardown(() => client.close())
  const [[connect]] = await Promise.all([once(server, 'connect'), once(client, 'open')])
  const { socket } = connect
  t.teardown(() => socket.close())
  client.send('hello')
  const [data] = await once(socket, 'data')
  return { ...made, server, socket, connect, data, client }
}

test('nothing that an application can reach is a class with other rights, or makes one', async (t) => {
  const { port, untouched } = forbidden(t)
  const other = app()
  const manifest = { ...PRIVILEGED, permissions: { 'tcp-socket': {}, 'udp-socket': {} } }
  const { client, ...used } = await usedApp(t, { manifest })
  const datagrams = new used.UDPSocket(LOCAL)
  t.teardown(() => datagrams.close())
  await datagrams.opened
  client.close()
  const [close] = await once(used.socket, 'close')
  const error = t.throws(() => used.mozTCPSocket.open('127.0.0.1', port), { name: 'SecurityError' })
  const first = used.mozTCPSocket.listen(0, LOCAL)
  t.teardown(() => first.close())
  const found = reachable({
    ...used,
    close,
    error,
    first,
    datagrams,
    errorEvent: new used.TCPSocketErrorEvent('error'),
  })

  t.is(typeof native.TCPSocket, 'function')
  t.true(found.has(used.TCPSocket) && found.has(used.socket.transport) && found.size > 100)
  const foreign = {
    ...api,
    ...native,
    Rights,
    'TCPSocket of another application': other.TCPSocket,
    'TCPServerSocket of another application': other.TCPServerSocket,
    'another navigator': other.navigator,
    'its mozTCPSocket': other.mozTCPSocket,
    process,
    require,
    globalThis,
  }
  for (const [name, value] of Object.entries(foreign)) {
    // Events have no rights, and are of one class for all.
    if (name.endsWith('Event') || typeof value !== 'function') continue
    t.is(found.get(value), undefined, name)
    if (value.prototype) t.is(found.get(value.prototype), undefined, `${name}.prototype`)
  }
  await untouched()
})

test.serial(
  'no function that an application can reach connects or listens for it, however it is called',
  async (t) => {
    const { port, untouched } = forbidden(t)
    const { client: _client, ...used } = await usedApp(t, { listen: ['127.0.0.1:*'] })
    const found = reachable(used)
    const quiet = () => {}
    const opened = []
    let count = 0
    const settled = []
    for (const value of found.keys()) {
      if (typeof value !== 'function' || /\[native code\]/.test(Function.prototype.toString.call(value)))
        continue
      count++
      for (const attempt of [
        () => new value('127.0.0.1', port),
        () => value('127.0.0.1', port),
        () => value.call(used.mozTCPSocket, '127.0.0.1', port),
        () => value.call(used.TCPSocket, '127.0.0.1', port),
        () => Reflect.construct(value, ['127.0.0.1', port], used.TCPSocket),
        () => Reflect.construct(used.TCPSocket, ['127.0.0.1', port], value),
      ]) {
        try {
          const result = attempt()
          opened.push(result)
          // What is asynchronous fails later.
          if (result instanceof Promise) settled.push(result.catch(quiet))
        } catch {
          // Most throw: what counts is who was reached.
        }
      }
    }
    await Promise.all(settled)
    t.true(count > 50, `${count} functions were called`)
    for (const value of opened) {
      t.false(api.TCPSocket.isInstance(value) && value.readyState === 'connecting')
      t.false(api.TCPServerSocket.isInstance(value))
    }
    await untouched()
  },
)

const ATTACKS = {
  'the constructor of mozTCPSocket': ({ mozTCPSocket }, ...place) => new mozTCPSocket.constructor(...place),
  'the constructor that its prototype has': ({ mozTCPSocket }, ...place) =>
    new (Object.getPrototypeOf(mozTCPSocket).constructor)(...place),
  'the alias on navigator': ({ navigator }, ...place) => navigator.TCPSocket.open(...place),
  'the static method': ({ TCPSocket }, ...place) => TCPSocket.open(...place),
  'the static method on something else': ({ TCPSocket }, ...place) =>
    TCPSocket.open.call(api.TCPSocket, ...place),
  'the method of mozTCPSocket on something else': ({ mozTCPSocket }, ...place) =>
    mozTCPSocket.open.apply(api.mozTCPSocket, place),
  'a subclass': ({ TCPSocket }, ...place) => new (class extends TCPSocket {})(...place),
  'a subclass of a subclass, by its static method': ({ TCPSocket }, ...place) =>
    class extends class extends TCPSocket {} {}.open(...place),
  'a subclass whose parent was changed': ({ TCPSocket }, ...place) => {
    class Sub extends TCPSocket {}
    Object.setPrototypeOf(Sub, TCPSocket.prototype.constructor)
    return new Sub(...place)
  },
  'Reflect.construct for another class': ({ TCPSocket }, ...place) =>
    Reflect.construct(TCPSocket, place, Event),
  'Reflect.construct for the class of everybody': ({ TCPSocket }, ...place) =>
    Reflect.construct(TCPSocket, place, api.TCPSocket),
  'Reflect.construct for a function without a prototype': ({ TCPSocket }, ...place) => {
    const nobody = function () {}
    nobody.prototype = null
    return Reflect.construct(TCPSocket, place, nobody)
  },
  'Reflect.construct for a Proxy': ({ TCPSocket }, ...place) =>
    Reflect.construct(TCPSocket, place, new Proxy(function () {}, { get: () => api.TCPSocket.prototype })),
  'a Proxy of the class': ({ TCPSocket }, ...place) => new new Proxy(TCPSocket, {})(...place),
  'a bound class': ({ TCPSocket }, ...place) => new (TCPSocket.bind(null, ...place))(),
  'the class in an array that is built from': ({ TCPSocket }, ...place) => {
    const made = []
    made.constructor = { [Symbol.species]: TCPSocket }
    return new made.constructor[Symbol.species](...place)
  },
  'the constructor of an accepted socket': ({ socket }, ...place) => new socket.constructor(...place),
  'the constructor of the target of its event': ({ data }, ...place) => new data.target.constructor(...place),
  'the constructor of the socket in an event': ({ connect }, ...place) =>
    connect.socket.constructor.open(...place),
  'an event that was made with the socket': ({ TCPServerSocketEvent, socket }, ...place) =>
    new TCPServerSocketEvent('connect', { socket }).data.constructor.open(...place),
  'a prototype that was given another constructor': ({ TCPSocket, mozTCPSocket }, ...place) => {
    TCPSocket.prototype.constructor = class extends mozTCPSocket.constructor {}
    return new mozTCPSocket.constructor(...place)
  },
  'one that inherits from an accepted socket': ({ socket }, ...place) =>
    new (Object.create(socket).constructor)(...place),
  'a host that looks like what is internal': ({ TCPSocket }, host, port) =>
    new TCPSocket({ description: 'unconnected', toString: () => host }, port),
  'options that say who it is': ({ TCPSocket }, host, port) =>
    new TCPSocket(host, port, {
      rights: null,
      policy: 0,
      origin: 'system',
      connect: ['*:*'],
      manifest: null,
    }),
  'options with a signal that was aborted': ({ TCPSocket }, host, port) =>
    new TCPSocket(host, port, { signal: AbortSignal.abort() }),
  'the session of an accepted socket': ({ TCPSocket, socket }, host, port) =>
    new TCPSocket(host, port, { useSecureTransport: true, sessionFrom: socket }),
  'another spelling of the address': ({ TCPSocket }, _host, port) => new TCPSocket('::ffff:7f00:1', port),
  'the name of the address': ({ TCPSocket }, _host, port) => new TCPSocket('localhost', port),
  'the address of all of the machine': ({ TCPSocket }, _host, port) => new TCPSocket('0.0.0.0', port),
}

/** Attacks that need what an application without the permission never has. */
const NEEDS_SOCKETS = /accepted|event/

for (const [what, attack] of Object.entries(ATTACKS)) {
  test(`an application does not connect through ${what}`, async (t) => {
    const { port, untouched } = forbidden(t)
    const used = await usedApp(t)
    t.throws(() => attack(used, '127.0.0.1', port), { name: 'SecurityError' })
    await untouched()
  })

  // That the attack fails is for want of the right alone.
  if (!what.startsWith('the session')) {
    test(`where it is allowed it does: ${what}`, async (t) => {
      const socket = attack(await usedApp(t, { connect: ['*:*'] }), '127.0.0.1', 9)
      t.true(api.TCPSocket.isInstance(socket))
      Reflect.apply(api.TCPSocket.prototype.close, socket, [])
    })
  }

  if (NEEDS_SOCKETS.test(what)) continue
  test(`an application without the permission does not either: ${what}`, async (t) => {
    const { port, untouched } = forbidden(t)
    const { navigator } = app({ manifest: WEB })
    const { mozTCPSocket } = navigator
    t.throws(
      () => attack({ navigator, mozTCPSocket, TCPSocket: mozTCPSocket.constructor }, '127.0.0.1', port),
      NOT_PERMITTED,
    )
    await untouched()
  })
}

const LISTENING = {
  'the class': ({ TCPServerSocket }, ...place) => new TCPServerSocket(...place),
  'the constructor of a server': ({ server }, ...place) => new server.constructor(...place),
  'the constructor of the target of connect': ({ connect }, ...place) =>
    new connect.target.constructor(...place),
  'the static method of the class of an accepted socket': ({ socket }, ...place) =>
    socket.constructor.listen(...place),
  'mozTCPSocket, called on that of everybody': ({ mozTCPSocket }, ...place) =>
    mozTCPSocket.listen.apply(api.mozTCPSocket, place),
  'Reflect.construct for the class of everybody': ({ TCPServerSocket }, ...place) =>
    Reflect.construct(TCPServerSocket, place, api.TCPServerSocket),
  'a subclass': ({ TCPServerSocket }, ...place) => new (class extends TCPServerSocket {})(...place),
  'an address that changes while it is read': ({ TCPServerSocket }, port) => {
    let reads = 0
    const localAddress = { toString: () => (reads++ === 0 ? '127.0.0.2' : '127.0.0.1') }
    return new TCPServerSocket(port, { localAddress })
  },
  'an option that changes while it is read': ({ TCPServerSocket }, port) => {
    let reads = 0
    const options = {
      get localAddress() {
        return reads++ === 0 ? '127.0.0.2' : '127.0.0.1'
      },
    }
    return new TCPServerSocket(port, options)
  },
}

for (const [what, attack] of Object.entries(LISTENING)) {
  test(`an application does not listen where it may not: ${what}`, async (t) => {
    const used = await usedApp(t, { listen: ['127.0.0.1:*'] })
    t.throws(() => attack(used, 0, { localAddress: '127.0.0.2' }), { name: 'SecurityError' })
    t.throws(() => attack(used, 80, { localAddress: '127.0.0.1' }), {
      message: /only a certified application|not allowed/,
    })
    const server = attack(await usedApp(t, { listen: ['127.0.0.0/8:*'] }), 0, { localAddress: '127.0.0.2' })
    t.is(server.localAddress, '127.0.0.2')
    Reflect.apply(api.TCPServerSocket.prototype.close, server, [])
  })
}

test('what a server of an application accepts has the classes of that application, also for a subclass', async (t) => {
  const { TCPSocket, TCPServerSocket } = app()
  class Server extends TCPServerSocket {
    #own = 'own'
    get own() {
      return this.#own
    }
  }
  const server = new Server(0, LOCAL)
  t.teardown(() => server.close())
  t.is(server.own, 'own')
  class Client extends TCPSocket {
    own = super.readyState
  }
  const client = new Client('127.0.0.1', server.localPort)
  t.teardown(() => client.close())
  const [{ socket }] = await once(server, 'connect')
  t.teardown(() => socket.close())
  t.is(Object.getPrototypeOf(socket), TCPSocket.prototype)
  t.is(socket.constructor, TCPSocket)
  t.is(client.own, 'connecting')
  t.is(Object.getPrototypeOf(client), Client.prototype)
})

test('methods that are borrowed do what the socket may that they are called on', async (t) => {
  const { port, untouched } = forbidden(t)
  const { socket, client, TCPSocket, mozTCPSocket, server } = await usedApp(t)
  // One implementation for all, so that this is so of each method.
  for (const [name, member] of Object.entries(Object.getOwnPropertyDescriptors(api.TCPSocket.prototype))) {
    if (name !== 'constructor')
      t.deepEqual(Object.getOwnPropertyDescriptor(TCPSocket.prototype, name), member, name)
  }
  api.TCPSocket.prototype.send.call(socket, 'from the one')
  const [{ data }] = await once(client, 'data')
  t.is(data, 'from the one')
  TCPSocket.prototype.send.call(client, 'from the other')
  t.is((await once(socket, 'data'))[0].data, 'from the other')
  t.throws(() => api.TCPSocket.prototype.send.call(mozTCPSocket, 'x'), { name: 'NS_ERROR_FAILURE' })
  t.throws(() => api.TCPSocket.prototype.send.call(server, 'x'), { instanceOf: TypeError })
  t.throws(() => TCPSocket.prototype.send.call(Object.create(TCPSocket.prototype), 'x'), {
    instanceOf: TypeError,
  })
  t.throws(() => new (Object.getPrototypeOf(TCPSocket))('127.0.0.1', port).send('x'), {
    instanceOf: TypeError,
  })
  const bare = Reflect.construct(Object.getPrototypeOf(TCPSocket), ['127.0.0.1', port], api.TCPSocket)
  t.false(api.TCPSocket.isInstance(bare))
  t.throws(() => bare.readyState, { instanceOf: TypeError })
  await untouched()
})

test.serial('what becomes of built-ins and prototypes gives nothing more', async (t) => {
  const { port, untouched } = forbidden(t)
  const { TCPSocket, mozTCPSocket } = await usedApp(t, {
    connect: ['a.test:1', '*.b.test:1', '10.0.0.0/8:1'],
  })
  const called = []
  const note = (name, answer) =>
    function replacement() {
      called[called.length] = name
      return answer
    }
  const replaced = [
    [Reflect, 'construct', note('construct', {})],
    [RegExp.prototype, 'exec', note('exec', null)],
    [String.prototype, 'endsWith', note('endsWith', true)],
    [String.prototype, 'startsWith', note('startsWith', true)],
    [String.prototype, 'includes', note('includes', true)],
    [Array, 'isArray', note('isArray', false)],
    [Array.prototype, Symbol.iterator, note('iterator', { next: () => ({ done: true }) })],
    [api.AllowList.prototype, 'allows', note('allows', true)],
    [Object.prototype, 'network', undefined],
    [Object.prototype, 'name', '127.0.0.1'],
    [Object.prototype, 'suffix', ''],
    [Object.prototype, 'connect', undefined],
    [Object.prototype, 'first', 0],
    [Object.prototype, 'last', 65535],
    [Object.getPrototypeOf(TCPSocket.prototype), 'constructor', note('constructor', {})],
  ]
  const before = replaced.map(([object, key]) => Object.getOwnPropertyDescriptor(object, key))
  const { defineProperty } = Object
  const ways = [TCPSocket.open, mozTCPSocket.open, (host, at) => new TCPSocket(host, at)]
  const hosts = ['127.0.0.1', '::1', 'localhost']
  const errors = []
  let calls
  // Nothing of the test's own may ask the replaced ones.
  try {
    for (let i = 0; i < replaced.length; i++) {
      const value = { __proto__: null, value: replaced[i][2], writable: true, configurable: true }
      defineProperty(replaced[i][0], replaced[i][1], value)
    }
    for (let i = 0; i < ways.length; i++) {
      for (let j = 0; j < hosts.length; j++) {
        try {
          errors[errors.length] = ways[i](hosts[j], port)
        } catch (error) {
          errors[errors.length] = error
        }
      }
    }
  } finally {
    calls = called.length
    for (let i = 0; i < replaced.length; i++) {
      if (before[i]) defineProperty(replaced[i][0], replaced[i][1], before[i])
      else delete replaced[i][0][replaced[i][1]]
    }
  }
  t.deepEqual(
    errors.map(({ name }) => name),
    Array(9).fill('SecurityError'),
  )
  t.deepEqual(called.slice(0, calls), [])
  await untouched()
})

test.serial('what is on Object.prototype is no option', (t) => {
  const put = { manifest: null, connect: ['*:*'], listen: ['*:*'], generation: 'both', 'tcp-socket': {} }
  try {
    for (const [name, value] of Object.entries(put)) {
      Reflect.defineProperty(Object.prototype, name, { value, writable: true, configurable: true })
    }
    t.throws(() => api.createNavigator({}), { instanceOf: TypeError, message: /^manifest undefined/ })
    const { mozTCPSocket } = api.createNavigator({ manifest: { type: 'privileged' } })
    t.throws(() => mozTCPSocket.open('127.0.0.1', 9), NOT_PERMITTED)
  } finally {
    for (const name of Object.keys(put)) delete Object.prototype[name]
  }
})

test.serial('a process policy that allows more, or is taken back, lifts nothing', (t) => {
  const { mozTCPSocket } = app({ manifest: WEB })
  for (const policy of [CERTIFIED, null, PRIVILEGED]) {
    api.setPolicy(policy)
    t.throws(() => mozTCPSocket.open('127.0.0.1', 9), NOT_PERMITTED)
  }
})

test('a navigator does not come through to a worker: nothing of it that does anything can be cloned', (t) => {
  const { navigator, TCPSocket } = app()
  t.deepEqual(structuredClone(navigator), {})
  for (const value of [navigator.mozTCPSocket, TCPSocket]) {
    t.throws(() => structuredClone(value), { any: true, name: 'DataCloneError' })
  }
})

test.serial(
  'in a worker a navigator has its own rights, and the policy of the process as well',
  async (t) => {
    const { port, untouched } = forbidden(t)
    const worker = new Worker(join(__dirname, '../fixtures/permissions-worker.js'))
    t.teardown(() => worker.terminate())
    const ask = async (options) => {
      worker.postMessage({ options, port })
      return (await once(worker, 'message'))[0]
    }
    const no = `Error: ${NOT_PERMITTED.message}`
    t.deepEqual(await ask({ manifest: WEB }), [no, no])
    const refused = (what) => `SecurityError: ${what}: the application is not allowed that by its list`
    t.deepEqual(await ask({ manifest: PRIVILEGED, connect: [], listen: [] }), [
      refused(`connect 127.0.0.1:${port}`),
      refused('listen 127.0.0.1:0'),
    ])
    t.deepEqual(await ask({ manifest: PRIVILEGED, connect: [] }), [
      refused(`connect 127.0.0.1:${port}`),
      'made',
    ])
    api.setPolicy(WEB)
    t.deepEqual(await ask({ manifest: null }), [no, no])
    api.setPolicy(null)
    await untouched()
  },
)

test('in another global object the classes of an application have the same rights', async (t) => {
  const { port, untouched } = forbidden(t)
  const made = app({ connect: ['a.test:1'] })
  const context = vm.createContext({ navigator: made.navigator, TCPSocket: made.TCPSocket, port })
  const names = vm.runInContext(
    `[
      () => new TCPSocket('127.0.0.1', port),
      () => TCPSocket.open('127.0.0.1', port),
      () => new (class extends TCPSocket {})('127.0.0.1', port),
      () => Reflect.construct(TCPSocket, ['127.0.0.1', port], Object),
      () => Reflect.construct(TCPSocket, ['127.0.0.1', port], Object.assign(function () {}, { prototype: null })),
      () => navigator.mozTCPSocket.open('127.0.0.1', port),
      () => navigator.mozTCPSocket.open.call(globalThis, '127.0.0.1', port),
      () => new navigator.mozTCPSocket.constructor('127.0.0.1', port),
    ].map((attack) => {
      try {
        attack()
        return 'nothing'
      } catch (error) {
        return error.name
      }
    })`,
    context,
  )
  t.deepEqual([...names], Array(8).fill('SecurityError'))
  await untouched()
})

test('errors do not lead to the implementation by the frames of their stacks', (t) => {
  const { TCPSocket } = app({ connect: [] })
  const { prepareStackTrace } = Error
  const functions = []
  Error.prepareStackTrace = (error, frames) => {
    for (const frame of frames) functions.push(frame.getFunction(), frame.getThis())
    return String(error)
  }
  const inTheMiddle = new Proxy(function () {}, {
    get() {
      throw new Error('while the socket is made')
    },
  })
  try {
    // oxlint-disable-next-line no-unused-expressions
    t.throws(() => new TCPSocket('127.0.0.1', 9)).stack
    // oxlint-disable-next-line no-unused-expressions
    t.throws(() => Reflect.construct(TCPSocket, ['127.0.0.1', 9], inTheMiddle)).stack
  } finally {
    Error.prepareStackTrace = prepareStackTrace
  }
  t.true(functions.length > 4)
  t.false(functions.includes(api.TCPSocket))
})

test('where the class has no prototype for it, a socket has none with other rights', (t) => {
  const { TCPSocket, TCPServerSocket } = app()
  const nobody = function () {}
  nobody.prototype = null
  const socket = Reflect.construct(TCPSocket, ['127.0.0.1', 9], nobody)
  t.is(Object.getPrototypeOf(socket), Object.prototype)
  Reflect.apply(api.TCPSocket.prototype.close, socket, [])
  const server = Reflect.construct(TCPServerSocket, [0, LOCAL], nobody)
  t.is(Object.getPrototypeOf(server), Object.prototype)
  Reflect.apply(api.TCPServerSocket.prototype.close, server, [])
})
