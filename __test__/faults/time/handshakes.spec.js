'use strict'

// TLS handshakes that stand still because one of their messages vanishes on the way: every deadline there is ends them, on both sides
// (REL-78). The other messages are small enough to arrive: a path on which large packets vanish does that.

const { setTimeout: sleep } = require('node:timers/promises')

const test = require('ava')

const { testOfHosts } = require('../helpers/hosts.js')
const { judgeEnd, kindOf, makeLab } = require('../helpers/lab.js')

const CLIENT = kindOf('client', true)
const SERVER = kindOf('server', true)
const PLAIN = kindOf('client', false)

const OVERDUE = { name: 'NetworkTimeoutError', code: undefined }

/** Smaller than a hello and a certificate, larger than what begins a connection. */
const vanish = { mtu: 200 }

const MESSAGES = [
  { message: "the client's hello", fromClient: true },
  { message: "the server's answer", fromClient: false },
]

const CLIENT_DEADLINES = [
  { deadline: 'connectTimeout 600', options: { connectTimeout: 600 }, least: 600, most: 4000 },
  { deadline: 'timeout 600', options: { timeout: 600 }, least: 600, most: 4000 },
  {
    deadline: 'connectTimeout and timeout of a minute, but a handshake may take 30 seconds',
    options: { connectTimeout: 60_000, timeout: 60_000 },
    least: 29_500,
    most: 36_000,
  },
  { deadline: 'none asked for: 30 seconds', options: {}, least: 29_500, most: 36_000 },
]

for (const { message, fromClient } of MESSAGES) {
  for (const { deadline, options, least, most } of CLIENT_DEADLINES) {
    testOfHosts(test)(
      `a client whose handshake stands still ends: ${message} vanishes; ${deadline}`,
      async (t) => {
        const line = {
          ids: ['REL-78'],
          fault: `${message} vanishes`,
          did: `our client, TLS from the first byte, ${deadline}`,
        }
        const lab = await makeLab(t, __filename, line)
        await lab.warmUp([CLIENT])
        const { port } = await lab.listen(CLIENT)
        await lab.wire.set(vanish, fromClient ? 'forth' : 'back')
        const began = performance.now()
        const client = await lab.begin(CLIENT, port, options)
        const report = await lab.within(most, client.ask('closed'))
        const took = performance.now() - began
        const { name, code } = report?.error ?? {}
        t.deepEqual({ name, code }, OVERDUE, JSON.stringify(report))
        t.true(took >= least, `${took} ms`)
        if (report) lab.account.run(judgeEnd(report, 'error close'))
        await lab.finish()
      },
    )
  }

  testOfHosts(test)(`a server whose handshake stands still drops it: ${message} vanishes`, async (t) => {
    const line = {
      ids: ['REL-78'],
      fault: `${message} vanishes`,
      did: 'our server, TLS from the first byte, handshakeTimeout 600',
    }
    const lab = await makeLab(t, __filename, line)
    await lab.warmUp([SERVER])
    const { agent, listener, port } = await lab.listen(SERVER, { handshakeTimeout: 600 })
    await lab.wire.set(vanish, fromClient ? 'back' : 'forth')
    const client = await lab.begin(SERVER, port)
    await lab.within(10_000, agent.ask('failedHandshake', listener))
    // What the client does not get includes our FIN, where that follows what vanishes.
    if (fromClient) await lab.within(10_000, client.ask('closed'))
    await agent.ask('closeListener', listener)
    t.is(await agent.ask('acceptedCount', listener), 0)
    lab.account.run()
    await lab.finish()
  })
}

/** What ends a handshake that stands still, besides a deadline. */
const ENDS = [
  {
    end: 'a reset',
    act: ({ second }) => second.kill(),
    expected: { name: 'NetworkError', code: 'ECONNRESET' },
  },
  {
    end: 'our kernel',
    act: ({ first }) => first.kill(),
    expected: { name: 'NetworkError', code: 'ECONNABORTED' },
  },
  {
    end: 'the end of the peer (FIN)',
    act: ({ theirs }) => theirs.kill(),
    expected: { name: 'NetworkInterruptError', code: undefined },
  },
]

for (const { end, act, expected } of ENDS) {
  testOfHosts(test)(`a handshake that stands still is ended by ${end}: ${expected.name}`, async (t) => {
    const fault = `the client's hello vanishes, then ${end}`
    const did = `our client, TLS from the first byte: ${expected.name}; our server drops it`
    const lab = await makeLab(t, __filename, { ids: ['REL-78'], fault, did })
    await lab.warmUp([CLIENT, SERVER])
    const [theirListener, ourListener] = await Promise.all([lab.listen(CLIENT), lab.listen(SERVER)])
    await lab.wire.set(vanish)
    const [client] = await Promise.all([
      lab.begin(CLIENT, theirListener.port),
      lab.begin(SERVER, ourListener.port),
    ])
    const isThere = (port) => lab.first.established(port) > 0
    while (!isThere(theirListener.port) || !isThere(ourListener.port)) await sleep(20)
    await act(lab)
    const report = await lab.within(10_000, client.ask('closed'))
    const { name, code } = report?.error ?? {}
    t.deepEqual({ name, code }, expected, JSON.stringify(report))
    if (report) lab.account.run(judgeEnd(report, 'error close'))
    await lab.within(10_000, ourListener.agent.ask('failedHandshake', ourListener.listener))
    await ourListener.agent.ask('closeListener', ourListener.listener)
    lab.account.run()
    await lab.finish()
  })
}

const UPGRADE_DEADLINES = [
  { deadline: 'timeout 4000', options: { timeout: 4000, connectTimeout: 0 }, least: 3000, most: 9000 },
  { deadline: 'none asked for: 30 seconds', options: {}, least: 29_500, most: 36_000 },
]

for (const { deadline, options, least, most } of UPGRADE_DEADLINES) {
  testOfHosts(test)(`a socket whose upgradeToSecure() stands still ends: ${deadline}`, async (t) => {
    const line = {
      ids: ['REL-78'],
      fault: "the client's hello vanishes",
      did: `our client, upgradeToSecure(), ${deadline}`,
    }
    const lab = await makeLab(t, __filename, line)
    await lab.warmUp([PLAIN])
    const { ours } = await lab.connect(PLAIN, options)
    await lab.wire.set(vanish)
    await ours.call('upgradeToSecure')
    const report = await lab.within(most, ours.ask('closed'))
    const { name, code } = report?.error ?? {}
    t.deepEqual({ name, code }, OVERDUE, JSON.stringify(report))
    const took = report.times.error - report.times.open
    t.true(took >= least, `${took} ms`)
    if (report) lab.account.run(judgeEnd(report))
    await lab.finish()
  })
}
