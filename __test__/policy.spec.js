'use strict'

// setPolicy: what an application may do, as its manifest says (decisions; contract sections 1.1 and 8). The
// policy goes for everything in this process, so these tests run one after the other.

const test = require('ava')

const { TCPServerSocket, TCPSocket, mozTCPSocket, setPolicy } = require('../index.js')
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

test.serial('each copy of the package has a policy of its own', (t) => {
  const other = loadInNewRealm()
  other.api.setPolicy({})
  t.notThrows(() => WAYS['new TCPSocket']().close())
  t.throws(() => new other.api.TCPSocket('127.0.0.1', 9), {
    instanceOf: other.realm.Error,
    message: NOT_PERMITTED.message,
  })
})

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
