'use strict'

// F-W3C-26 of the specification (docs/w3c.md): the permission `raw-socket`, and the objects that ask for it. A policy goes for the whole
// process, so these run one after the other.

const { execFile } = require('node:child_process')
const { promisify } = require('node:util')
const { Worker } = require('node:worker_threads')
const { once } = require('node:events')

const test = require('ava')

const { setPolicy } = require('moz-tcp-socket')
const w3c = require('moz-tcp-socket/w3c')
const events = require('moz-tcp-socket/w3c/events')
const { reasonOf } = require('../helpers/peers.js')

const { TCPServerSocket, TCPSocket, tcpPermission, tcpServerPermission, udpPermission } = w3c

const run = promisify(execFile)

const PERMISSIONS = [tcpPermission, tcpServerPermission, udpPermission]

const WAYS = {
  TCPSocket: () => new TCPSocket('127.0.0.1', 1),
  TCPServerSocket: () => new TCPServerSocket({ localAddress: '127.0.0.1' }),
  UDPSocket: () => new w3c.UDPSocket({ localAddress: '127.0.0.1' }),
  'TCPSocket with events': () => new events.TCPSocket('127.0.0.1', 1),
  'TCPServerSocket with events': () => new events.TCPServerSocket({ localAddress: '127.0.0.1' }),
  'UDPSocket with events': () => new events.UDPSocket({ localAddress: '127.0.0.1' }),
}

const DENIED = { instanceOf: DOMException, name: 'SecurityError', any: true }

const rawSocket = (permission, more) => ({ permissions: { 'raw-socket': permission }, ...more })

test.afterEach.always(() => setPolicy(null))

test.serial('F-W3C-26: without a policy everything is granted', async (t) => {
  for (const permission of PERMISSIONS) {
    t.is(await permission.hasPermission(), 'granted')
    t.is(await permission.hasPermission({ remotePort: 80, localPort: 80 }), 'granted')
    t.is(await permission.requestPermission(null), undefined)
  }
  for (const make of Object.values(WAYS)) t.notThrows(() => make().close())
})

for (const [name, policy] of Object.entries({
  'a policy without raw-socket': { type: 'privileged', permissions: { 'tcp-socket': {} } },
  'a policy for a web application': rawSocket({}, { type: 'web' }),
  'a function that answers "denied"': rawSocket(() => 'denied'),
})) {
  test.serial(`F-W3C-26: ${name} denies everything`, async (t) => {
    setPolicy(policy)
    for (const permission of PERMISSIONS) {
      t.is(await permission.hasPermission(), 'denied')
      const reason = await reasonOf(permission.requestPermission())
      t.true(reason instanceof DOMException)
      t.is(reason.name, 'SecurityError')
    }
    for (const [way, make] of Object.entries(WAYS)) t.throws(make, DENIED, way)
  })
}

for (const [name, policy] of Object.entries({
  'a policy with raw-socket': rawSocket({ description: 'to find devices' }),
  'one of a privileged application': rawSocket({}, { type: 'privileged' }),
  'one of KaiOS': { b2g_features: rawSocket({}, { type: 'signed' }) },
  'a function that answers "granted"': rawSocket(() => 'granted'),
})) {
  test.serial(`F-W3C-26: ${name} grants everything`, async (t) => {
    setPolicy(policy)
    for (const permission of PERMISSIONS) {
      t.is(await permission.hasPermission({}), 'granted')
      await permission.requestPermission({})
    }
    for (const make of Object.values(WAYS)) t.notThrows(() => make().close())
  })
}

test.serial('F-W3C-26: a function is asked for each place', async (t) => {
  const requests = []
  setPolicy(
    rawSocket((request) => {
      requests.push({ ...request })
      return request.remotePort === 1 ? 'granted' : 'denied'
    }),
  )
  t.is(await tcpPermission.hasPermission({ remoteAddress: 'a.example', remotePort: 1 }), 'granted')
  t.is(await tcpPermission.hasPermission({ remoteAddress: 'a.example' }), 'denied')
  t.is((await reasonOf(tcpServerPermission.requestPermission({ localPort: '80' }))).name, 'SecurityError')
  t.notThrows(() => new TCPSocket('127.0.0.1', 1).close())
  t.throws(() => new TCPSocket('127.0.0.1', 2), DENIED)
  t.deepEqual(requests, [
    { kind: 'tcp', isRequest: false, remoteAddress: 'a.example', remotePort: 1 },
    { kind: 'tcp', isRequest: false, remoteAddress: 'a.example' },
    { kind: 'tcp-server', isRequest: true, localPort: 80 },
    { kind: 'tcp', isRequest: false, remoteAddress: '127.0.0.1', remotePort: 1 },
    { kind: 'tcp', isRequest: false, remoteAddress: '127.0.0.1', remotePort: 2 },
  ])
})

test.serial('F-W3C-26: what requestPermission() was granted holds for what it covers', async (t) => {
  const policy = rawSocket(async ({ isRequest, remoteAddress }) => {
    if (!isRequest) return 'prompt'
    return remoteAddress === '127.0.0.1' ? 'granted' : 'denied'
  })
  setPolicy(policy)
  t.is(await tcpPermission.hasPermission({ remoteAddress: '127.0.0.1' }), 'prompt')
  t.throws(() => new TCPSocket('127.0.0.1', 1), DENIED)
  t.is((await reasonOf(tcpPermission.requestPermission())).name, 'SecurityError')
  await tcpPermission.requestPermission({ remoteAddress: '127.0.0.1' })
  t.is(await tcpPermission.hasPermission({ remoteAddress: '127.0.0.1' }), 'granted')
  t.is(await tcpPermission.hasPermission(), 'prompt')
  t.is(await udpPermission.hasPermission({ remoteAddress: '127.0.0.1' }), 'prompt')
  t.notThrows(() => new TCPSocket('127.0.0.1', 1).close())
  t.throws(() => new TCPSocket('127.0.0.2', 1), DENIED)
  setPolicy(rawSocket(() => 'prompt'))
  t.throws(() => new TCPSocket('127.0.0.1', 1), DENIED)
  t.is(
    (await reasonOf(tcpPermission.requestPermission())).name,
    'SecurityError',
    'asked again, it prompts again',
  )
})

test.serial(
  'F-W3C-26: a policy that fails to answer denies, and hasPermission() rejects with nothing',
  async (t) => {
    for (const answer of [
      () => 'perhaps',
      () => undefined,
      () => {
        throw new Error('no idea')
      },
      () => Promise.reject(new Error('no idea')),
    ]) {
      setPolicy(rawSocket(answer))
      t.is(await reasonOf(tcpPermission.hasPermission()), undefined)
      const reason = await reasonOf(tcpPermission.requestPermission())
      t.is(reason.name, 'SecurityError')
      t.true(reason.cause instanceof Error)
      t.throws(() => new TCPSocket('127.0.0.1', 1), DENIED)
    }
  },
)

test.serial('F-W3C-26: arguments that cannot be reject, and do not throw', async (t) => {
  for (const options of [5, 'x', { remotePort: 0 }, { remotePort: 65_536 }, { remoteAddress: Symbol('x') }]) {
    t.true((await reasonOf(tcpPermission.hasPermission(options))) instanceof TypeError)
    t.true((await reasonOf(tcpPermission.requestPermission(options))) instanceof TypeError)
  }
  t.throws(() => setPolicy(rawSocket('granted')), { instanceOf: TypeError, message: /raw-socket/ })
  t.throws(() => setPolicy(rawSocket([])), { instanceOf: TypeError, message: /raw-socket/ })
})

test.serial('F-W3C-26: a policy goes for every thread, and a function for its own', async (t) => {
  setPolicy(rawSocket(() => 'granted'))
  const code = `
    const { parentPort } = require('node:worker_threads')
    const { tcpPermission } = require('moz-tcp-socket/w3c')
    tcpPermission.hasPermission().then((state) => parentPort.postMessage(state))`
  const state = async () => {
    const worker = new Worker(`process.chdir = undefined; ${code}`, { eval: true })
    const [answer] = await once(worker, 'message')
    await worker.terminate()
    return answer
  }
  t.is(await state(), 'denied')
  setPolicy(rawSocket({}))
  t.is(await state(), 'granted')
})

test.serial("Node's own permission model denies", async (t) => {
  if (!process.allowedNodeEnvironmentFlags.has('--allow-net'))
    return t.pass('this Node.js has no such switch')
  const code = `
    const { TCPSocket, tcpPermission } = require('moz-tcp-socket/w3c')
    tcpPermission.hasPermission().then(console.log)
    try { new TCPSocket('127.0.0.1', 1) } catch ({ name, cause }) { console.log(name, cause.code) }`
  const args = ['--permission', '--allow-addons', '--allow-fs-read=*', '-e', code]
  const { stdout } = await run(process.execPath, args, { cwd: __dirname })
  t.is(stdout, 'SecurityError ERR_ACCESS_DENIED\ndenied\n')
})
