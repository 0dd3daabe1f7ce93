'use strict'

// createNavigator and createGlobals: what one application finds, and may do (decisions; contract section 8).

const { once } = require('node:events')
const { inspect } = require('node:util')
const { setFlagsFromString } = require('node:v8')
const vm = require('node:vm')

const test = require('ava')
const fc = require('fast-check')

const api = require('../../index.js')
const { createGlobals, createNavigator, setPolicy } = api
const { loadInNewRealm } = require('../gecko/helpers/realm.js')
const {
  CERTIFIED,
  NOT_PERMITTED,
  NOWHERE,
  PRIVILEGED,
  WEB,
  app,
  connectWays,
  listenWays,
  permissions,
} = require('./helpers/app.js')

const CLASSES = [
  'TCPServerSocket',
  'TCPServerSocketEvent',
  'TCPSocket',
  'TCPSocketErrorEvent',
  'TCPSocketEvent',
]
const DATAGRAMS = ['UDPMessageEvent', 'UDPSocket']
const UDP_ONLY = { type: 'privileged', permissions: { 'udp-socket': {} } }
const UDP_TOO = { type: 'privileged', permissions: { ...permissions, 'udp-socket': {} } }
const ORIGIN = 'app://mail.example'
const LOCAL = { localAddress: '127.0.0.1' }

test.afterEach.always(() => setPolicy(null))

const namesOf = (globals) => ({
  navigator: Object.getOwnPropertyNames(globals.navigator).sort(),
  classes: Object.keys(globals)
    .filter((name) => name !== 'navigator')
    .sort(),
})
const ENTRANCE = ['TCPSocket', 'mozTCPSocket']

for (const [generation, manifest, navigator, classes] of [
  [undefined, PRIVILEGED, ENTRANCE, CLASSES],
  ['both', PRIVILEGED, ENTRANCE, CLASSES],
  [1, PRIVILEGED, ENTRANCE, []],
  [2, PRIVILEGED, ENTRANCE, CLASSES],
  [undefined, WEB, ENTRANCE, []],
  ['both', {}, ENTRANCE, []],
  [1, WEB, ENTRANCE, []],
  [2, WEB, [], []],
  [2, null, ENTRANCE, [...CLASSES, ...DATAGRAMS]],
  [undefined, UDP_TOO, ENTRANCE, [...CLASSES, ...DATAGRAMS]],
  [undefined, UDP_ONLY, ENTRANCE, DATAGRAMS],
  [1, UDP_TOO, ENTRANCE, DATAGRAMS],
  [2, UDP_ONLY, [], DATAGRAMS],
  [2, { ...UDP_TOO, type: 'web' }, [], []],
]) {
  const who = manifest === null ? 'no manifest' : JSON.stringify(manifest)
  test(`GT-43 GT-44 generation ${generation}, ${who}: there are ${[...navigator, ...classes].join(', ') || 'none'}`, (t) => {
    const globals = createGlobals({ manifest, generation })
    t.deepEqual(namesOf(globals), { navigator, classes })
    t.deepEqual(Object.getOwnPropertyNames(createNavigator({ manifest, generation })).sort(), navigator)
    t.deepEqual(Object.keys(globals.navigator), [], 'nothing is enumerable, as on a device')
    t.is(globals.navigator.TCPSocket, globals.navigator.mozTCPSocket)
  })
}

for (const [what, manifest] of Object.entries({
  'a web application, whatever it asks for': WEB,
  'a privileged application without the permission': { type: 'privileged' },
  'a certified application without the permission': { type: 'certified', permissions: {} },
  'an application of KaiOS 3 without it': { ...CERTIFIED, b2g_features: { type: 'certified' } },
  'one on whose prototype the permission is': Object.create(CERTIFIED),
})) {
  test(`GT-43 ${what}: mozTCPSocket is there, and open and listen throw`, (t) => {
    const made = app({ manifest, origin: ORIGIN })
    t.is(typeof made.mozTCPSocket, 'object')
    for (const [way, open] of Object.entries(connectWays(made))) {
      t.is(t.throws(() => open('127.0.0.1', 9), NOT_PERMITTED, way).origin, ORIGIN)
    }
    for (const [way, listen] of Object.entries(listenWays(made)))
      t.throws(() => listen(0, LOCAL), NOT_PERMITTED, way)
  })
}

test('a missing argument is a TypeError before the permission is asked for, as with setPolicy', (t) => {
  const { mozTCPSocket } = app({ manifest: WEB })
  t.throws(() => mozTCPSocket.open('a'), { instanceOf: TypeError })
  t.throws(() => mozTCPSocket.listen(), { instanceOf: TypeError })
})

test('the manifest is read once', (t) => {
  const manifest = { type: 'web', permissions: {} }
  const made = app({ manifest })
  Object.assign(manifest, CERTIFIED)
  t.throws(() => made.mozTCPSocket.open('127.0.0.1', 9), NOT_PERMITTED)
})

test('ports below 1024 are for certified applications to listen on', (t) => {
  for (const port of [1, '80', 1023]) {
    for (const [way, listen] of Object.entries(listenWays(app({ origin: ORIGIN })))) {
      const message = `port ${port}: only a certified application may listen below 1024`
      t.is(t.throws(() => listen(port, NOWHERE), { instanceOf: Error, message }, way).origin, ORIGIN)
    }
    for (const manifest of [CERTIFIED, null]) {
      // It is the system that refuses, because of the address.
      for (const listen of Object.values(listenWays(app({ manifest })))) {
        t.is(t.throws(() => listen(port, NOWHERE)).syscall, 'listen')
      }
    }
  }
  for (const listen of Object.values(listenWays(app()))) {
    t.is(t.throws(() => listen(1024, NOWHERE)).syscall, 'listen')
  }
})

test('two applications have their own rights, and the exported classes have all', (t) => {
  const mail = app({ connect: ['127.0.0.1:9'] })
  const chat = app({ connect: ['127.0.0.1:10'] })
  const web = app({ manifest: WEB })
  const mayOpen = ({ mozTCPSocket }, port) => {
    try {
      mozTCPSocket.open('127.0.0.1', port).close()
      return true
    } catch {
      return false
    }
  }
  t.deepEqual([mayOpen(mail, 9), mayOpen(mail, 10)], [true, false])
  t.deepEqual([mayOpen(chat, 9), mayOpen(chat, 10)], [false, true])
  t.deepEqual([mayOpen(web, 9), mayOpen(api, 9), mayOpen(api, 11)], [false, true, true])
})

const refusal = (what, place, who = 'the application') => ({
  instanceOf: Error,
  name: 'SecurityError',
  message: `${what} ${place}: ${who} is not allowed that by its list`,
})

test('Q-50 a place that is not in the list throws, in the same turn, and nothing is connected to', async (t) => {
  const server = new api.TCPServerSocket(0, LOCAL)
  t.teardown(() => server.close())
  const accepted = []
  server.onconnect = ({ socket }) => {
    accepted.push(socket)
    socket.close()
  }
  const port = server.localPort
  const made = app({ origin: ORIGIN, connect: ['localhost:*', '127.0.0.1:1'] })
  for (const [way, open] of Object.entries(connectWays(made))) {
    const error = t.throws(
      () => open('127.0.0.1', port),
      refusal('connect', `127.0.0.1:${port}`, ORIGIN),
      way,
    )
    t.is(error.origin, ORIGIN)
    t.throws(() => open('::1', port), refusal('connect', `[::1]:${port}`, ORIGIN), way)
  }
  const client = new made.TCPSocket('localhost', port)
  t.teardown(() => client.close())
  await Promise.all([once(client, 'open'), once(server, 'connect')])
  t.is(accepted.length, 1, 'that of the name that is in the list')
})

test('Q-50 what is compared is the host as the socket takes it', (t) => {
  const { TCPSocket } = app({ connect: ['bücher.example:1', '127.0.0.1:2', '[::1]:3'] })
  for (const [host, port] of [
    ['BÜCHER.example', 1],
    ['xn--bcher-kva.example.', '1'],
    ['::ffff:127.0.0.1', 2],
    ['0:0:0:0:0:0:0:1', 3],
  ]) {
    t.notThrows(() => new TCPSocket(host, port).close(), host)
  }
  for (const [host, port] of [
    ['bucher.example', 1],
    ['localhost', 2],
    ['127.0.0.2', 2],
    ['::127.0.0.1', 2],
    ['::1', 2],
  ]) {
    t.throws(() => new TCPSocket(host, port), { name: 'SecurityError' }, host)
  }
})

test('Q-50 a host that changes while it is read is compared as it is connected to', (t) => {
  const { TCPSocket } = app({ connect: ['a.test:1'] })
  let reads = 0
  const host = { toString: () => (reads++ === 0 ? 'a.test' : 'b.test') }
  const socket = new TCPSocket(host, 1)
  t.is(socket.host, 'a.test')
  socket.close()
  t.is(reads, 1)
  const port = { valueOf: () => 1, toString: () => '2' }
  t.throws(() => new TCPSocket('a.test', port), { instanceOf: TypeError })
})

test('Q-50 bad arguments throw what they throw anyway', (t) => {
  const { TCPSocket, TCPServerSocket } = app({ connect: [], listen: [] })
  t.throws(() => new TCPSocket('', 1), { instanceOf: TypeError })
  t.throws(() => new TCPSocket('a.test', 0), { instanceOf: RangeError })
  t.throws(() => new TCPServerSocket('x'), { instanceOf: TypeError })
  t.throws(() => new TCPServerSocket(0, { localAddress: 'a.test' }), { instanceOf: TypeError })
})

test('Q-50 a list without patterns allows nothing', (t) => {
  const made = app({ connect: [], listen: [] })
  for (const open of Object.values(connectWays(made)))
    t.throws(() => open('a.test', 1), refusal('connect', 'a.test:1'))
  for (const listen of Object.values(listenWays(made)))
    t.throws(() => listen(0), refusal('listen', '0.0.0.0:0'))
})

test('Q-50 listening is allowed by the local address, and the port that is asked for', (t) => {
  const made = app({ listen: ['127.0.0.1:*', '[::1]:4000-5000'] })
  for (const [way, listen] of Object.entries(listenWays(made))) {
    for (const options of [
      undefined,
      { localAddress: '0.0.0.0' },
      { localAddress: '::' },
      { localAddress: '::1' },
    ]) {
      t.throws(() => listen(0, options), { name: 'SecurityError' }, way)
    }
    const server = listen(0, LOCAL)
    t.true(server.localPort > 0, way)
    server.close()
    t.throws(() => listen(5001, { localAddress: '::1' }), refusal('listen', '[::1]:5001'), way)
    t.notThrows(() => listen(0, { localAddress: '::ffff:127.0.0.1' }).close(), way)
  }
  // `::` has IPv4 as well, and is no address of IPv4.
  t.throws(() => new (app({ listen: ['0.0.0.0:*'] }).TCPServerSocket)(0, { localAddress: '::' }), {
    name: 'SecurityError',
  })
})

test('Q-50 a list gives no right that the manifest does not give', (t) => {
  const everywhere = { connect: ['*:*'], listen: ['*:*'] }
  t.throws(() => app({ manifest: WEB, ...everywhere }).mozTCPSocket.open('127.0.0.1', 9), NOT_PERMITTED)
  t.throws(() => new (app(everywhere).TCPServerSocket)(80, NOWHERE), {
    message: /only a certified application/,
  })
})

test('a listener that is allowed accepts from everywhere, and all works both ways', async (t) => {
  const { TCPServerSocket, TCPSocket, TCPServerSocketEvent } = app({ connect: [], listen: ['127.0.0.1:*'] })
  const server = new TCPServerSocket(0, LOCAL)
  t.teardown(() => server.close())
  const client = new api.TCPSocket('127.0.0.1', server.localPort)
  t.teardown(() => client.close())
  const [[event]] = await Promise.all([once(server, 'connect'), once(client, 'open')])
  t.true(event instanceof TCPServerSocketEvent)
  const { socket } = event
  t.teardown(() => socket.close())
  t.true(socket instanceof TCPSocket)
  socket.ondata = ({ data }) => socket.send(data.toUpperCase())
  client.send('hello')
  const [{ data }] = await once(client, 'data')
  t.is(data, 'HELLO')
})

test('the first generation of an application gets the socket itself', async (t) => {
  const { mozTCPSocket, TCPSocket, TCPServerSocket } = app()
  const server = mozTCPSocket.listen(0, LOCAL)
  t.teardown(() => server.close())
  t.true(server instanceof TCPServerSocket)
  const got = new Promise((resolve) => (server.onconnect = resolve))
  const client = mozTCPSocket.open('127.0.0.1', server.localPort)
  t.teardown(() => client.close())
  const socket = await got
  t.true(socket instanceof TCPSocket)
  t.is(socket.socket, socket)
  socket.close()
  await once(client, 'close')
})

test('classes of an application look as the exported ones do', (t) => {
  const made = app()
  for (const name of ['TCPSocket', 'TCPServerSocket']) {
    const [ours, theirs] = [made[name], api[name]]
    t.not(ours, theirs)
    t.is(ours.name, theirs.name)
    t.is(ours.length, theirs.length)
    t.deepEqual(Reflect.ownKeys(ours).toSorted(byText), Reflect.ownKeys(theirs).toSorted(byText))
    t.deepEqual(
      Reflect.ownKeys(ours.prototype).toSorted(byText),
      Reflect.ownKeys(theirs.prototype).toSorted(byText),
    )
    t.deepEqual(Object.keys(ours.prototype), Object.keys(theirs.prototype))
    t.is(ours.prototype.constructor, ours)
    t.is(String(Object.create(ours.prototype)), `[object ${name}]`)
    t.throws(() => ours('127.0.0.1', 9), { instanceOf: TypeError })
    t.true(Object.create(ours.prototype) instanceof EventTarget)
  }
  const { mozTCPSocket } = made
  t.true(mozTCPSocket instanceof made.TCPSocket)
  t.deepEqual(Object.keys(mozTCPSocket), Object.keys(api.mozTCPSocket))
  t.is(mozTCPSocket.readyState, 'closed')
  t.throws(() => mozTCPSocket.send('x'), { name: 'NS_ERROR_FAILURE' })
})

const byText = (a, b) => String(a).localeCompare(String(b))

test('isInstance knows the sockets of every application, as in Gecko those of every page', (t) => {
  const [mail, chat] = [app(), app()]
  const socket = new mail.TCPSocket('127.0.0.1', 9)
  t.teardown(() => socket.close())
  const server = new mail.TCPServerSocket(0, LOCAL)
  t.teardown(() => server.close())
  for (const { TCPSocket, TCPServerSocket } of [mail, chat, api]) {
    t.true(TCPSocket.isInstance(socket))
    t.false(TCPSocket.isInstance(server))
    t.true(TCPServerSocket.isInstance(server))
    t.false(TCPSocket.isInstance(Object.create(TCPSocket.prototype)))
    t.false(TCPSocket.isInstance(null))
  }
  t.false(socket instanceof chat.TCPSocket)
  t.false(socket instanceof api.TCPSocket)
})

/** A UDPSocket that is open, and closed when the test ends. */
async function openUdp(t, { UDPSocket }, options) {
  const socket = new UDPSocket(options)
  t.teardown(() => socket.close())
  await socket.opened
  return socket
}

test('Q-50 datagrams are sent to the places in the list alone', async (t) => {
  const receiver = await openUdp(t, api, LOCAL)
  const port = receiver.localPort
  const got = []
  const last = new Promise((resolve) => {
    receiver.onmessage = ({ data }) => {
      got.push(Buffer.from(data).toString())
      if (got.at(-1) === 'allowed') resolve()
    }
  })
  const elsewhere = app({ manifest: UDP_TOO, origin: ORIGIN, connect: ['127.0.0.1:1', 'localhost:*'] })
  const here = { remoteAddress: '127.0.0.1', remotePort: port }
  const refused = await openUdp(t, elsewhere, here)
  const error = t.throws(() => refused.send('by default'), refusal('send', `127.0.0.1:${port}`, ORIGIN))
  t.is(error.origin, ORIGIN)
  t.throws(() => refused.send('by argument', '127.0.0.1', port), { name: 'SecurityError' })
  t.throws(() => refused.send('mapped', '::ffff:127.0.0.1', port), { name: 'SecurityError' })
  t.throws(() => refused.send(new Blob(['blob']), '127.0.0.1', port), { name: 'SecurityError' })
  // That it was borrowed changes nothing: the right is the socket's.
  t.throws(() => api.UDPSocket.prototype.send.call(refused, 'borrowed'), { name: 'SecurityError' })
  const allowed = await openUdp(t, app({ manifest: UDP_TOO, connect: ['127.0.0.0/8:*'] }), here)
  t.true(allowed.send('allowed'))
  await last
  t.deepEqual(got, ['allowed'])
})

test('Q-50 a port to receive datagrams at is allowed as one to listen at, and any free one always', async (t) => {
  // One that was free just now.
  const before = await openUdp(t, api, LOCAL)
  const { localPort } = before
  await before.close()
  const made = app({ manifest: UDP_TOO, listen: [`127.0.0.1:${localPort}`] })
  for (const options of [
    { localPort },
    { localPort: localPort ^ 1, ...LOCAL },
    { localPort, localAddress: '::' },
  ]) {
    t.throws(() => new made.UDPSocket(options), { name: 'SecurityError', message: /^bind / })
  }
  const socket = await openUdp(t, made)
  t.true(socket.localPort > 0)
  await openUdp(t, made, { ...LOCAL, localPort })
})

test('a UDPSocket of an application is of its class, and as the exported one', async (t) => {
  const made = app({ manifest: UDP_TOO })
  const { UDPSocket } = made
  t.not(UDPSocket, api.UDPSocket)
  t.deepEqual(Object.keys(UDPSocket.prototype), Object.keys(api.UDPSocket.prototype))
  t.is(UDPSocket.length, api.UDPSocket.length)
  const socket = await openUdp(t, made, LOCAL)
  t.is(socket.constructor, UDPSocket)
  t.true(api.UDPSocket.isInstance(socket))
  const message = once(socket, 'message')
  socket.send('to itself', '127.0.0.1', socket.localPort)
  const [event] = await message
  t.is(event.target.constructor, UDPSocket)
  t.true(event instanceof made.UDPMessageEvent)
})

test.serial('with a process policy both hold for datagrams, too', (t) => {
  const { UDPSocket } = app({ manifest: UDP_TOO })
  const message = 'UDPSocket does not have permission in this context.\n'
  setPolicy(PRIVILEGED)
  t.throws(() => new UDPSocket(), { instanceOf: Error, message })
  setPolicy(UDP_ONLY)
  t.notThrows(() => new UDPSocket().close())
  t.throws(() => new (app({ manifest: null }).TCPSocket)('127.0.0.1', 9), NOT_PERMITTED)
})

test.serial('with a process policy both hold: the stricter decides', (t) => {
  const mail = app({ connect: ['127.0.0.1:9'] })
  const system = app({ manifest: CERTIFIED })
  setPolicy(PRIVILEGED)
  t.throws(() => new system.TCPServerSocket(80, NOWHERE), { message: /only a certified application/ })
  t.throws(() => new mail.TCPSocket('127.0.0.1', 10), { name: 'SecurityError' })
  t.notThrows(() => new mail.TCPSocket('127.0.0.1', 9).close())
  setPolicy(WEB)
  for (const made of [mail, system]) {
    t.throws(() => new made.TCPSocket('127.0.0.1', 9), NOT_PERMITTED)
    t.throws(() => made.mozTCPSocket.listen(0), NOT_PERMITTED)
  }
  setPolicy(CERTIFIED)
  t.throws(() => new mail.TCPServerSocket(80, NOWHERE), { message: /only a certified application/ })
  t.is(t.throws(() => new system.TCPServerSocket(80, NOWHERE)).syscall, 'listen')
  t.throws(() => app({ manifest: WEB }).mozTCPSocket.open('127.0.0.1', 9), NOT_PERMITTED)
})

test('in another realm the errors are those of that realm', (t) => {
  const { api: other, realm } = loadInNewRealm()
  const { mozTCPSocket } = other.createNavigator({ manifest: { type: 'web', permissions } })
  t.throws(() => mozTCPSocket.open('127.0.0.1', 9), { ...NOT_PERMITTED, instanceOf: realm.Error })
  t.throws(() => other.createNavigator(), { instanceOf: realm.TypeError })
})

for (const origin of [
  'app://mail.gaiamobile.org',
  'http://localhost:8080',
  'https://[::1]:8443',
  'HTTPS://Mail.Example',
  'app://d9b1dd63-7a1b-4b5b-8e5b-000000000000',
]) {
  test(`an origin: ${origin}`, (t) => {
    const { mozTCPSocket } = createNavigator({ manifest: WEB, origin })
    t.is(t.throws(() => mozTCPSocket.open('a.test', 1)).origin, origin.toLowerCase())
  })
}

test('without an origin, errors have none', (t) => {
  const { mozTCPSocket } = createNavigator({ manifest: WEB })
  t.false('origin' in t.throws(() => mozTCPSocket.open('a.test', 1)))
})

const NO_ORIGIN = /^origin .*: must be an origin, such as "app:\/\/mail\.example"$/
const FORM = /^options .*: must be an object with a manifest$/

for (const [options, message] of [
  [undefined, FORM],
  [null, FORM],
  ['app', FORM],
  [[], FORM],
  [{}, 'manifest undefined: must be a manifest, or null for none'],
  [
    Object.create({ manifest: null }, { origin: { value: 'app://a', enumerable: true } }),
    'manifest undefined: must be a manifest, or null for none',
  ],
  [{ manifest: 'certified' }, 'manifest "certified": must be a manifest, or null for none'],
  [{ manifest: { type: 'root' } }, 'type "root": must be "web", "privileged" or "certified"'],
  [
    { manifest: null, allow: [] },
    'allow: is no option; there are manifest, origin, generation, connect and listen',
  ],
  [{ manifest: null, generation: '1' }, 'generation "1": must be 1, 2 or "both"'],
  [{ manifest: null, generation: null }, 'generation null: must be 1, 2 or "both"'],
  [{ manifest: null, connect: '*:*' }, 'connect "*:*": must be an array of patterns'],
  [{ manifest: null, connect: null }, 'connect null: must be an array of patterns'],
  [{ manifest: null, listen: ['127.0.0.1:*', '80'] }, /^listen\[1\] "80": must be HOST:PORT/],
  ...[
    '',
    'null',
    'mail.example',
    'app://',
    'app://mail.example/',
    'app://mail.example/index.html',
    'app://user@mail.example',
    'app://mail.example:0',
    'app://mail.example:65536',
    'app://[mail.example]',
    'app://[::x]',
    'app://mail.example\n',
    'app://mail example',
    5,
    null,
    new URL('http://localhost'),
  ].map((origin) => [{ manifest: null, origin }, NO_ORIGIN]),
]) {
  const shown = inspect(options, { breakLength: Infinity })
  test(`options that are none throw: ${shown}: ${message}`, (t) => {
    for (const create of [createNavigator, createGlobals])
      t.throws(() => create(options), { instanceOf: TypeError, message })
  })
}

test('property: any options make a navigator or throw a TypeError', (t) => {
  const pattern = fc.constantFrom('*:*', '*.a.test:1-9', '10.0.0.0/8:*', '[::1]:0', 'x')
  const options = fc.record(
    {
      manifest: fc.oneof(fc.constantFrom(null, WEB, PRIVILEGED, CERTIFIED), fc.anything()),
      origin: fc.oneof(fc.constantFrom(ORIGIN, 'app://'), fc.webUrl(), fc.anything()),
      generation: fc.constantFrom(1, 2, 'both', 3, undefined),
      connect: fc.oneof(fc.array(pattern), fc.anything()),
      listen: fc.oneof(fc.array(pattern), fc.anything()),
    },
    { requiredKeys: [] },
  )
  const results = new Set()
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: options }, fc.anything()), (value) => {
      try {
        const { navigator } = createGlobals(value)
        results.add('made')
        return typeof navigator === 'object'
      } catch (error) {
        results.add('refused')
        return error instanceof TypeError
      }
    }),
    { numRuns: 1000 },
  )
  t.deepEqual([...results].sort(), ['made', 'refused'])
})

test('property: what the lists, the manifest and the generation allow, and nothing else, is allowed', (t) => {
  const hosts = ['a.test', 'b.a.test', '127.0.0.1', '::1']
  const ports = [1, 80, 993]
  const patterns = fc.subarray(['a.test:*', '*.a.test:80', '127.0.0.0/8:993', '[::1]:1-80', '*:1'])
  fc.assert(
    fc.property(
      fc.constantFrom(null, WEB, PRIVILEGED, CERTIFIED),
      fc.option(patterns, { nil: undefined }),
      fc.constantFrom(...hosts),
      fc.constantFrom(...ports),
      (manifest, connect, host, port) => {
        const { mozTCPSocket } = createNavigator({ manifest, connect })
        const isListed = connect === undefined || new api.AllowList(connect).allows(host, port)
        const expected = manifest === WEB ? 'Error' : isListed ? 'made' : 'SecurityError'
        try {
          // Given up from the start, so that nobody is asked.
          mozTCPSocket.open(host, port, { signal: AbortSignal.abort() })
          return expected === 'made'
        } catch ({ name }) {
          return name === expected
        }
      },
    ),
    { numRuns: 300 },
  )
  t.pass()
})

test('an application that is gone leaves nothing behind', async (t) => {
  setFlagsFromString('--expose-gc')
  const gc = vm.runInNewContext('gc')
  const use = async () => {
    const { TCPSocket, TCPServerSocket } = app()
    const server = new TCPServerSocket(0, LOCAL)
    const client = new TCPSocket('127.0.0.1', server.localPort)
    const [[{ socket }]] = await Promise.all([once(server, 'connect'), once(client, 'open')])
    const ends = Promise.all([once(socket, 'close'), once(client, 'close')])
    client.close()
    await ends
    server.close()
    return new WeakRef(TCPSocket)
  }
  const left = await use()
  // A task of its own: what a WeakRef has shown lives as long as the task.
  for (let round = 0; round < 50 && left.deref() !== undefined; round++) {
    await new Promise((resolve) => setImmediate(resolve))
    gc()
  }
  t.is(left.deref(), undefined)
})
