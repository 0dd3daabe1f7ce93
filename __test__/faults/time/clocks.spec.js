'use strict'

// The clock of the machine is set, while connections are there: deadlines neither strike early nor wait longer, because they are
// measured by another clock; but a certificate is valid or not by this one. The clock is that of one process (libfaketime).

const { spawnSync } = require('node:child_process')
const { mkdtempSync, renameSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const test = require('ava')

const { hasTools, testWhere } = require('../../helpers/needs.js')
const { End, exchange, judgeEnd, judgeExchange, kindOf, makeLab } = require('../helpers/lab.js')

const DAY = 86_400
const YEAR = 365 * DAY

const hasFaketime = process.platform === 'linux' && hasTools('faketime')
const withClock = testWhere(test, hasFaketime, 'Linux and the command faketime')

/** The library that the command `faketime` loads. */
function library() {
  const { stdout } = spawnSync('faketime', ['-m', '-f', '+0s', 'sh', '-c', 'echo "$LD_PRELOAD"'], {
    encoding: 'utf8',
  })
  return stdout.trim()
}

/** A clock for one process: `set(seconds)` moves it so far from the true time, `env` is for the process. */
function makeClock(t) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-clock-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'offset')
  const set = (seconds) => {
    // In one step: the process reads it whenever it likes.
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`)
    renameSync(`${file}.new`, file)
  }
  set(0)
  const env = {
    LD_PRELOAD: library(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // As when a clock is set: what measures time goes on as before.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return { env, set }
}

async function labWithClock(t, line) {
  const clock = makeClock(t)
  const lab = await makeLab(t, __filename, line, { isHere: true, ours: { env: clock.env } })
  await lab.warmUp()
  const now = async () => (await lab.ours.ask('usage')).clock
  /** Sets the clock, and makes sure that the process has noticed. */
  const set = async (seconds) => {
    clock.set(seconds)
    const off = (await now()) - Date.now() - seconds * 1000
    t.true(Math.abs(off) < 60_000, `the clock is off by ${off} ms`)
  }
  return { lab, set }
}

const JUMPS = [
  ['a year ahead', YEAR],
  ['a year back', -YEAR],
]

/** In milliseconds, when two seconds are over, as an agent sees it that may learn of the beginning late. */
const LEAST_MS = 1000
const MOST_MS = 8000

const OVERDUE = { name: 'NetworkTimeoutError', code: undefined }

for (const [jump, seconds] of JUMPS) {
  withClock(`the clock is set ${jump}: timeout strikes when it is due`, async (t) => {
    const line = {
      fault: `the clock is set ${jump}`,
      did: 'four silent connections with timeout 2000, our client and our server, plain and TLS',
    }
    const { lab, set } = await labWithClock(t, line)
    const pairs = await lab.connectAll(undefined, { timeout: 2000, keepAlive: true })
    await set(seconds)
    const ends = Promise.all(pairs.map(({ ours }) => ours.ask('closed')))
    for (const report of (await lab.within(10_000, ends)) ?? []) {
      const { name, code } = report.error ?? {}
      t.deepEqual({ name, code }, OVERDUE)
      const after = report.times.error - report.times.open
      t.true(after >= LEAST_MS && after < MOST_MS, `after ${after} ms`)
      lab.account.run(judgeEnd(report))
    }
    await lab.finish()
  })

  withClock(
    `the clock is set ${jump}: connectTimeout and handshakeTimeout strike when they are due`,
    async (t) => {
      const line = {
        fault: `the clock is set ${jump}`,
        did: 'TLS with a peer that says nothing: our client with connectTimeout 2000, our server with handshakeTimeout 2000',
      }
      const { lab, set } = await labWithClock(t, line)
      // A plain listener, for a client that wants TLS.
      const { port } = await lab.listen(kindOf('client', false))
      const client = await lab.begin(kindOf('client', true), port, { connectTimeout: 2000 })
      // A plain client, for a listener that wants TLS.
      const listening = await lab.listen(kindOf('server', true), { handshakeTimeout: 2000 })
      const stranger = await lab.begin(kindOf('server', false), listening.port)
      await stranger.ask('opened')
      await set(seconds)
      const ends = Promise.all([client.ask('closed'), stranger.ask('closed')])
      const [report, theirs] = (await lab.within(10_000, ends)) ?? []
      const { name, code } = report?.error ?? {}
      t.deepEqual({ name, code }, OVERDUE)
      for (const after of [report.times.error, theirs.times.close - theirs.times.open])
        t.true(after >= LEAST_MS && after < MOST_MS, `after ${after} ms`)
      t.is(await listening.agent.ask('failedHandshakes', listening.listener), 1)
      await listening.agent.ask('closeListener', listening.listener)
      lab.account.run({ ...judgeEnd(report, 'error close'), runs: 2 })
      await lab.finish()
    },
  )
}

withClock('the clock is set to and fro while bytes move: every byte arrives', async (t) => {
  const bytes = 50_000_000
  const line = {
    fault: 'the clock is set by a year, to and fro',
    did: `${bytes / 1e6} MB each way over each of four connections, with timeout and keepAlive`,
  }
  const { lab, set } = await labWithClock(t, line)
  const pairs = await lab.connectAll(undefined, { timeout: 20_000, keepAlive: true, keepAliveDelay: 1000 })
  const progress = { isOver: false }
  const transfers = Promise.all(pairs.map((pair) => lab.within(60_000, exchange(pair, bytes))))
  const stop = () => (progress.isOver = true)
  void transfers.then(stop, stop)
  let jumps = 0
  for (; !progress.isOver; jumps++) await set(jumps % 2 ? YEAR : -YEAR)
  t.true(jumps > 2, `${jumps} jumps`)
  for (const reports of await transfers) lab.account.run(reports ? judgeExchange(reports, bytes) : undefined)
  await lab.finish()
})

withClock(
  'a certificate that expires ends no connection, and lets nobody connect, until the clock is right again',
  async (t) => {
    const line = {
      ids: ['REL-63'],
      fault: 'the clock is set a year ahead, then a year back, then right',
      did: 'our client, TLS: a connection that is open goes on; a new one fails with SecurityExpiredCertificateError, though a session of the server is known; then one succeeds',
    }
    const { lab, set } = await labWithClock(t, line)
    const kind = kindOf('client', true)
    const { agent, listener, port } = await lab.listen(kind)
    const meet = async () => {
      const ours = await lab.begin(kind, port)
      const [number] = await Promise.all([agent.ask('accept', listener), ours.ask('opened')])
      return { kind, ours, theirs: new End(agent, number) }
    }
    const open = await meet()
    // Of the server's certificate, and of the session that was kept from it.
    for (const seconds of [YEAR, -YEAR]) {
      await set(seconds)
      const refused = await lab.begin(kind, port)
      const report = await lab.within(10_000, refused.ask('closed'))
      t.is(report?.error?.name, 'SecurityExpiredCertificateError')
      lab.account.run(judgeEnd(report, 'error close'))
    }
    lab.account.run(judgeExchange(await exchange(open, 1_000_000), 1_000_000))
    await set(0)
    lab.account.run(judgeExchange(await exchange(await meet(), 1_000_000), 1_000_000))
    await agent.ask('closeListener', listener)
    await lab.finish()
  },
)
