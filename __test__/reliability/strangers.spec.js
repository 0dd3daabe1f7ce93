'use strict'

// A thousand peers that hold what they can, beside an honest one: what they cost is bounded, and it does not wait for
// them. docs/design.md has the bounds.

const test = require('ava')

const { ask, start } = require('../fixtures/reliability/children.js')
const { hasTools, serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

const withLimits = serialWhere(
  test,
  process.platform === 'linux' && hasTools('prlimit'),
  'Linux with prlimit',
)

const STRANGERS = 1000

/** Connections after FIN that one environment keeps: see src/net/settle.rs. */
const MOST_LINGERING = 512

/** Milliseconds. Half of the answers come within a tenth of this on a machine with nothing else to do. */
const AT_ONCE = 100

/** The same for the slowest of a hundred, on a machine that has other work. */
const SOON = 1000

/** Descriptors for everything but strangers. */
const SPARE = 40

async function beside(t, kind, { wrapper, strangers = STRANGERS } = {}) {
  const own = scope(t)
  const server = start(own, 'strangers-server.js', [], { wrapper })
  const { port, sockets: before } = await server.next()
  await start(own, 'strangers.js', [port, strangers, kind]).next()
  const { took } = await ask(own, 'honest.js', [port, 100])
  server.tell('count')
  const { sockets } = await server.next()
  const sorted = took.toSorted((a, b) => a - b)
  const [p50, p99] = [sorted[49], sorted[98]]
  t.log(
    `answers within ${p50.toFixed(1)} ms (p50), ${p99.toFixed(1)} ms (p99); ${sockets - before} sockets held`,
  )
  t.true(p50 <= AT_ONCE, `p50 ${p50} ms`)
  t.true(p99 <= SOON, `p99 ${p99} ms`)
  return sockets - before
}

test.serial('peers that never end cost no descriptor where the application closed immediately', async (t) => {
  t.true((await beside(t, 'i')) <= SPARE)
})

test.serial(
  'peers that never end cost a bounded number of descriptors where the application closed',
  async (t) => {
    const held = await beside(t, 'c')
    t.true(held <= MOST_LINGERING + SPARE, `${held} sockets`)
  },
)

test.serial('peers that never read what they asked for cost the others nothing', async (t) => {
  // What is queued for them is still owed: see closing.spec.js for how long.
  t.true((await beside(t, 'n')) <= STRANGERS + SPARE)
})

test.serial('peers that say nothing cost a descriptor each, and the others nothing', async (t) => {
  t.true((await beside(t, 'silent')) <= STRANGERS + SPARE)
})

test.serial('peers that send without a pause to suspended sockets cost the others nothing', async (t) => {
  t.true((await beside(t, 'flood')) <= STRANGERS + SPARE)
})

test.serial('peers that connect and reset, again and again, hold no descriptor', async (t) => {
  t.true((await beside(t, 'reset', { strangers: 20 })) <= SPARE)
})

withLimits('those that linger make room where descriptors run out', async (t) => {
  const held = await beside(t, 'c', { wrapper: ['prlimit', '--nofile=300:300'] })
  t.true(held < 300, `${held} sockets`)
})
