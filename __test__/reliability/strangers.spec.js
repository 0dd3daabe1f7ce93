'use strict'

// A thousand peers that hold what they can, beside an honest one: what they cost is bounded, and it does not wait for
// them. docs/design.md has the bounds.

const test = require('ava')

const { SPARE, STRANGERS, UNDELIVERED, beside } = require('../fixtures/reliability/beside.js')
const { start } = require('../fixtures/reliability/children.js')
const { hasTools, serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

const withLimits = serialWhere(
  test,
  process.platform === 'linux' && hasTools('prlimit'),
  'Linux with prlimit',
)

/** Connections after FIN that one environment keeps: see src/net/lingering.rs. */
const MOST_LINGERING = 512

test.serial('peers that never end cost no descriptor where the application closed immediately', async (t) => {
  const { held } = await beside(t, 'i')
  t.true(held <= SPARE, `${held} sockets`)
})

test.serial(
  'peers that never end cost a bounded number of descriptors where the application closed',
  async (t) => {
    const { held } = await beside(t, 'c')
    t.true(held <= MOST_LINGERING + SPARE, `${held} sockets`)
  },
)

test.serial('peers that never read what they asked for cost the others nothing', async (t) => {
  // What is queued for them is still owed: see closing.spec.js for how long.
  const { held } = await beside(t, 'n')
  t.true(held <= STRANGERS + SPARE, `${held} sockets`)
})

test.serial('peers that say nothing cost a descriptor each, and the others nothing', async (t) => {
  const { held } = await beside(t, 'silent')
  t.true(held <= STRANGERS + SPARE, `${held} sockets`)
})

test.serial('peers that send without a pause to suspended sockets cost the others nothing', async (t) => {
  const { held } = await beside(t, 'flood')
  t.true(held <= STRANGERS + SPARE, `${held} sockets`)
})

test.serial(
  'peers that connect and reset, again and again, hold no descriptors but of those that wait for their turn',
  async (t) => {
    const { held } = await beside(t, 'reset', { strangers: 20 })
    t.true(held <= UNDELIVERED + SPARE, `${held} sockets`)
  },
)

withLimits('those that linger make room where descriptors run out', async (t) => {
  const { held } = await beside(t, 'c', { descriptors: 300 })
  t.true(held > 200 && held < 300, `${held} sockets`)
})

for (const host of ['127.0.0.1', 'localhost']) {
  withLimits(`those that linger make room for a connection to ${host}`, async (t) => {
    const own = scope(t)
    const { port: elsewhere } = await own.netServer({}, (peer) => peer.resume())
    const client = start(own, 'connect-when-full.js', [host, 300], {
      wrapper: ['prlimit', '--nofile=420:420'],
    })
    const { port } = await client.next()
    await start(own, 'strangers.js', [port, 300, 'c']).next()
    client.tell({ port: elsewhere })
    const { full, types } = await client.next()
    t.is(full, 'EMFILE')
    t.deepEqual(types, ['open', 'close'])
  })
}
