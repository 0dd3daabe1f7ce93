'use strict'

// setPolicy: what an application may do, as its manifest says (decisions; contract sections 1.1 and 8). The
// policy goes for everything in this process, so these tests run one after the other.

const { once } = require('node:events')
const { join, relative } = require('node:path')
const { Worker } = require('node:worker_threads')

const test = require('ava')

const { TCPServerSocket, TCPSocket, UDPSocket, mozTCPSocket, setPolicy } = require('../index.js')
const { loadInNewRealm } = require('./gecko/helpers/realm.js')
const { scope } = require('./helpers/sockets.js')

const permissions = { 'tcp-socket': { description: 'to read mail' } }

const NOT_PERMITTED = { instanceOf: Error, message: 'TCPSocket does not have permission in this context.\n' }

/** An address of nobody (RFC 5737), so that the system is asked, and says no. */
const NOWHERE = { localAddress: '192.0.2.1' }

const WAYS = {
  'mozTCPSocket.open': () => mozTCPSocket.open('127.0.0.1', 9),
  'mozTCPSocket.listen': () => mozTCPSocket.listen(0),
  'TCPSocket.open': () => TCPSocket.open('127.0.0.1', 9),
  'TCPSocket.listen': () => TCPSocket.listen(0),
  'new TCPSocket': () => new TCPSocket('127.0.0.1', 9),
  'new TCPServerSocket': () => new TCPServerSocket(0),
}

const WITHOUT_PERMISSION = {
  'a manifest that says nothing': {},
  'a privileged application without the permission': { type: 'privileged', permissions: {} },
  'a certified application without the permission': {
    type: 'certified',
    permissions: { 'tcp-socket': undefined },
  },
  'a web application, whatever it asks for': { type: 'web', permissions },
  'an application of no type, which is a web application': { permissions },
}

test.afterEach.always(() => setPolicy(null))

test.serial('UDPSocket has a permission of its own, which a web application does not get', (t) => {
  const asked = { 'udp-socket': { description: 'to find devices' } }
  const refused = { instanceOf: Error, message: 'UDPSocket does not have permission in this context.\n' }
  for (const manifest of [
    { type: 'privileged', permissions },
    { type: 'web', permissions: asked },
    { type: 'certified' },
  ]) {
    setPolicy(manifest)
    t.throws(() => new UDPSocket(), refused, JSON.stringify(manifest))
  }
  setPolicy({ type: 'privileged', permissions: asked })
  t.notThrows(() => new UDPSocket().close())
  t.throws(() => new TCPSocket('127.0.0.1', 9), NOT_PERMITTED)
})

for (const [what, manifest] of Object.entries(WITHOUT_PERMISSION)) {
  test.serial(`${what}: may neither open nor listen`, (t) => {
    setPolicy(manifest)
    for (const [way, make] of Object.entries(WAYS)) t.throws(make, NOT_PERMITTED, way)
  })
}

for (const [what, manifest] of Object.entries({
  'without a policy': null,
  'with the manifest of a privileged application': { type: 'privileged', permissions },
  'with the manifest of a certified application': { type: 'certified', permissions },
  'with a permission that has no description': { type: 'privileged', permissions: { 'tcp-socket': {} } },
  'with a manifest that says more': {
    name: 'Mail',
    type: 'privileged',
    permissions: { ...permissions, alarms: {} },
  },
})) {
  test.serial(`${what}: everybody may open and listen`, (t) => {
    setPolicy(manifest)
    for (const [way, make] of Object.entries(WAYS)) {
      const socket = make()
      t.truthy(socket, way)
      socket.close()
    }
  })
}

test.serial('null takes a policy back', (t) => {
  setPolicy({})
  t.throws(WAYS['new TCPSocket'], NOT_PERMITTED)
  t.is(setPolicy(null), undefined)
  t.notThrows(() => WAYS['new TCPSocket']().close())
})

test.serial('a manifest is read once: what becomes of the object later changes nothing', (t) => {
  const manifest = { type: 'web', permissions: {} }
  setPolicy(manifest)
  manifest.type = 'certified'
  Object.assign(manifest.permissions, permissions)
  t.throws(WAYS['new TCPSocket'], NOT_PERMITTED)
})

test.serial('what is on a prototype grants nothing', (t) => {
  setPolicy(Object.create({ type: 'certified', permissions }))
  t.throws(WAYS['new TCPSocket'], NOT_PERMITTED)
  setPolicy({ type: 'certified', permissions: Object.create(permissions) })
  t.throws(WAYS['new TCPSocket'], NOT_PERMITTED)
})

for (const port of [1, 80, '443', 1023]) {
  test.serial(`port ${JSON.stringify(port)} is for certified applications to listen on`, (t) => {
    const ways = [TCPSocket.listen, mozTCPSocket.listen, (...args) => new TCPServerSocket(...args)]
    setPolicy({ type: 'privileged', permissions })
    for (const listen of ways) {
      t.throws(() => listen(port, NOWHERE), {
        instanceOf: Error,
        message: `port ${port}: only a certified application may listen below 1024`,
      })
    }
    // It is the system that refuses, here because of the address.
    for (const manifest of [{ type: 'certified', permissions }, null]) {
      setPolicy(manifest)
      for (const listen of ways) t.is(t.throws(() => listen(port, NOWHERE)).syscall, 'listen')
    }
  })
}

for (const port of [1024, 65535]) {
  test.serial(`port ${port} is for every application with the permission`, (t) => {
    setPolicy({ type: 'privileged', permissions })
    t.is(t.throws(() => new TCPServerSocket(port, NOWHERE)).syscall, 'listen')
  })
}

for (const port of [0, -1]) {
  test.serial(`port ${port}, which means any, is never one of those below 1024`, (t) => {
    setPolicy({ type: 'privileged', permissions })
    const server = new TCPServerSocket(port, { localAddress: '127.0.0.1' })
    server.close()
    t.true(server.localPort >= 1024)
  })
}

test.serial('any port may be connected to: 25 and 443 are what mail clients want', (t) => {
  setPolicy({ type: 'privileged', permissions })
  for (const port of [1, 25, 443]) {
    const socket = new TCPSocket('127.0.0.1', port)
    t.is(socket.readyState, 'connecting')
    socket.close()
  }
})

test.serial('sockets and listeners that are there already go on', async (t) => {
  const { client, accepted, clientEvents, acceptedEvents, port, next } = await scope(t).pair()
  const [later, laterEvents] = scope(t).open('127.0.0.1', port)
  setPolicy({})
  client.send('there')
  t.is(String(await acceptedEvents.data(5)), 'there')
  accepted.send('back')
  t.is(String(await clientEvents.data(4)), 'back')
  const [[acceptedLater]] = await Promise.all([next(), laterEvents.event('open')])
  t.is(later.readyState, 'open')
  t.is(acceptedLater.readyState, 'open')
  t.throws(WAYS['new TCPSocket'], NOT_PERMITTED)
})

test.serial('a policy holds in every realm, whichever set it, with errors of each', (t) => {
  const other = loadInNewRealm()
  const inOther = { instanceOf: other.realm.Error, message: NOT_PERMITTED.message }
  const open = () => new other.api.TCPSocket('127.0.0.1', 9)
  other.api.setPolicy({})
  t.throws(WAYS['new TCPSocket'], NOT_PERMITTED)
  t.throws(open, inOther)
  setPolicy(null)
  t.notThrows(() => open().close())
  setPolicy({})
  t.throws(open, inOther)
  t.throws(() => new (loadInNewRealm().api.TCPServerSocket)(0), { any: true, message: NOT_PERMITTED.message })
})

test.serial('a policy survives that the package is loaded again', (t) => {
  setPolicy({ type: 'privileged', permissions })
  const root = join(__dirname, '..')
  for (const file of Object.keys(require.cache)) {
    // The engine's binary, too.
    if (/^(lib|index|binding|moz-tcp-socket)\b/.test(relative(root, file))) delete require.cache[file]
  }
  const again = require('../index.js')
  t.not(again.setPolicy, setPolicy)
  t.throws(() => new again.TCPServerSocket(443, NOWHERE), { message: /only a certified application/ })
  again.setPolicy({})
  t.throws(WAYS['new TCPSocket'], NOT_PERMITTED)
})

test.serial(
  'a policy holds in every worker, those that run already included, whichever set it',
  async (t) => {
    const worker = new Worker(join(__dirname, 'fixtures', 'policy-worker.js'))
    t.teardown(() => worker.terminate())
    const inWorker = async (order, manifest) => {
      worker.postMessage({ order, manifest })
      const [answer] = await once(worker, 'message')
      return answer
    }
    t.is(await inWorker('open'), 'connecting')
    setPolicy({})
    t.is(await inWorker('open'), NOT_PERMITTED.message)
    const later = new Worker(join(__dirname, 'fixtures', 'policy-worker.js'))
    t.teardown(() => later.terminate())
    later.postMessage({ order: 'open' })
    t.deepEqual(await once(later, 'message'), [NOT_PERMITTED.message])
    t.is(await inWorker('set', null), 'set')
    t.notThrows(() => WAYS['new TCPSocket']().close())
    t.is(await inWorker('set', { type: 'web' }), 'set')
    await worker.terminate()
    t.throws(
      WAYS['new TCPSocket'],
      NOT_PERMITTED,
      'it is the policy of the process, not of the worker that set it',
    )
  },
)

for (const [what, manifest, allowed] of [
  ['a privileged one', { b2g_features: { type: 'privileged', permissions } }, true],
  ['one without the permission', { b2g_features: { type: 'privileged', permissions: {} } }, false],
  ['one of no type', { b2g_features: { permissions } }, false],
  ['one that says nothing', { b2g_features: {} }, false],
  [
    'one that also says what KaiOS 2 reads',
    { type: 'web', b2g_features: { type: 'certified', permissions } },
    true,
  ],
  [
    'one that says it where KaiOS 2 reads it alone',
    { type: 'certified', permissions, b2g_features: { type: 'web' } },
    false,
  ],
  [
    'one on whose prototype something is',
    { b2g_features: Object.create({ type: 'certified', permissions }) },
    false,
  ],
]) {
  test.serial(`a manifest of KaiOS 3 is read by its b2g_features: ${what}`, (t) => {
    setPolicy({ name: 'Mail', start_url: '/index.html', display: 'standalone', ...manifest })
    for (const [way, make] of Object.entries(WAYS)) {
      if (allowed) t.notThrows(() => make().close(), way)
      else t.throws(make, NOT_PERMITTED, way)
    }
  })
}

test.serial('the type in b2g_features decides who may listen below 1024', (t) => {
  setPolicy({ b2g_features: { type: 'privileged', permissions } })
  t.throws(() => new TCPServerSocket(80, NOWHERE), { message: /only a certified application/ })
  setPolicy({ b2g_features: { type: 'certified', permissions } })
  t.is(t.throws(() => new TCPServerSocket(80, NOWHERE)).syscall, 'listen')
})

for (const [features, meant] of [
  [{ type: 'pwa' }, 'web'],
  [{ type: 'signed' }, 'privileged'],
  [{ type: 'core' }, 'certified'],
  [{ core: true }, 'certified'],
  [{ type: 'signed', core: true }, 'certified'],
  [{ type: 'signed', core: false }, 'privileged'],
]) {
  test.serial(`in b2g_features ${JSON.stringify(features)} means ${meant}`, (t) => {
    setPolicy({ b2g_features: { ...features, permissions } })
    const listen = () => new TCPServerSocket(80, NOWHERE)
    if (meant === 'web') t.throws(listen, NOT_PERMITTED)
    else if (meant === 'privileged') t.throws(listen, { message: /only a certified application/ })
    else t.is(t.throws(listen).syscall, 'listen')
  })
}

test.serial('an argument that is missing is a TypeError first, with a policy too', (t) => {
  setPolicy({})
  t.throws(() => new TCPSocket('127.0.0.1'), { instanceOf: TypeError })
  t.throws(() => mozTCPSocket.listen(), { instanceOf: TypeError })
})

for (const [policy, message] of [
  [undefined, 'policy undefined: must be a manifest, or null for none'],
  ['certified', 'policy "certified": must be a manifest, or null for none'],
  [[], 'policy an object of type Array: must be a manifest, or null for none'],
  [{ type: 'trusted' }, 'type "trusted": must be "web", "privileged" or "certified"'],
  [{ type: null }, 'type null: must be "web", "privileged" or "certified"'],
  [{ b2g_features: null }, 'b2g_features null: must be an object, with type and permissions'],
  [{ b2g_features: true }, 'b2g_features true: must be an object, with type and permissions'],
  [{ type: 'core' }, 'type "core": must be "web", "privileged" or "certified"'],
  [
    { b2g_features: { type: 'hosted' } },
    'type "hosted": must be "web", "privileged", "certified", "pwa", "signed" or "core"',
  ],
  [{ b2g_features: { core: 'yes' } }, 'core "yes": must be true or false'],
  [{ b2g_features: { permissions: 5 } }, 'permissions 5: must be an object'],
  [{ permissions: ['tcp-socket'] }, 'permissions an object of type Array: must be an object'],
  [{ permissions: null }, 'permissions null: must be an object'],
  [
    { permissions: { 'tcp-socket': true } },
    'tcp-socket true: must be an object, such as { description: "…" }',
  ],
]) {
  test.serial(`a policy that is none throws, and changes nothing: ${message}`, (t) => {
    setPolicy({})
    t.throws(() => setPolicy(policy), { instanceOf: TypeError, message })
    t.throws(WAYS['new TCPSocket'], NOT_PERMITTED)
  })
}
