'use strict'

// REL-24: `bufferedAmount`, the answer of `send`, and `drain`, with a peer that does not read: exact at every size
// around the limit of 64 KiB.

const test = require('ava')

const { receive, scope } = require('../helpers/sockets.js')

const LIMIT = 65_536

/** [pieces sent in one turn, answers, whether a drain follows]. Decision Q-01. */
const CASES = [
  [[LIMIT - 1], [true], false],
  [[LIMIT], [true], true],
  [[LIMIT + 1], [false], true],
  [[LIMIT - 1, 1], [true, true], true],
  [[LIMIT - 1, 2], [true, false], true],
  [[LIMIT, 0, 3], [true, true, false], true],
  [[LIMIT / 2, LIMIT / 2, 1], [true, true, false], true],
  [[40_000, 25_535], [true, true], false],
  [[40_000, 25_537, 1], [true, false, false], true],
  [[1 << 20], [false], true],
]

for (const [pieces, answers, drains] of CASES) {
  const title = `REL-24: sends of ${pieces.join(' + ')} bytes answer ${answers.join(', ')}`
  test(`${title}, and ${drains ? 'one drain follows' : 'no drain follows'}`, async (t) => {
    const { socket, events, peer } = await scope(t).toNode()
    const total = pieces.reduce((sum, size) => sum + size)
    let sum = 0
    for (const [index, size] of pieces.entries()) {
      t.is(socket.send(new ArrayBuffer(size)), answers[index])
      sum += size
      t.is(socket.bufferedAmount, sum)
    }
    let pendingAtDrain
    socket.ondrain = () => {
      pendingAtDrain = socket.bufferedAmount
    }
    t.is((await receive(peer, total)).length, total)
    socket.close()
    t.deepEqual(await events.closed(), drains ? ['open', 'drain', 'close'] : ['open', 'close'])
    t.is(pendingAtDrain, drains ? 0 : undefined)
  })
}

test('REL-24: bufferedAmount does not change within a turn', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  socket.send(new ArrayBuffer(LIMIT))
  await new Promise(setImmediate)
  socket.send(new ArrayBuffer(1000))
  const before = socket.bufferedAmount
  // Long enough for another thread to write everything, if one could.
  const end = performance.now() + 20
  while (performance.now() < end) t.true(socket.bufferedAmount === before)
  t.is((await receive(peer, LIMIT + 1000)).length, LIMIT + 1000)
})

test('REL-24: with a peer that does not read there is no drain, and what waits is counted to the byte', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode({ binaryType: 'arraybuffer' }, { pauseOnConnect: true })
  const echo = await own.toNode()
  echo.peer.pipe(echo.peer)
  let roundTrips = 0
  const roundTrip = async () => {
    echo.socket.send('?')
    await echo.events.data(++roundTrips)
  }

  const total = 32 << 20
  t.false(socket.send(new ArrayBuffer(total)))
  t.is(socket.bufferedAmount, total)
  // Until the kernel takes no more: the event loop has been round in each round trip, and wrote nothing.
  let waiting = total
  for (let unchanged = 0; unchanged < 20;) {
    await roundTrip()
    const now = socket.bufferedAmount
    t.true(now <= waiting, 'it only ever shrinks')
    unchanged = now === waiting && now < total ? unchanged + 1 : 0
    waiting = now
  }
  t.true(waiting > 0)
  t.deepEqual(events.types, ['open'])
  t.false(socket.send('x'))
  t.is(socket.bufferedAmount, waiting + 1)

  // What was counted as waiting is exactly what is taken back.
  await roundTrip()
  socket.closeImmediately()
  t.is(socket.bufferedAmount, 0)
  t.is((await receive(peer)).length, total - waiting)
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('REL-24: each filling has its own drain', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  for (let filling = 1; filling <= 5; filling++) {
    t.false(socket.send(new ArrayBuffer(LIMIT + 1)))
    t.false(socket.send(new ArrayBuffer(LIMIT + 1)))
    await receive(peer, 2 * LIMIT + 2)
    await events.when(() => events.types.filter((type) => type === 'drain').length === filling || undefined)
    t.is(socket.bufferedAmount, 0)
  }
  socket.close()
  t.deepEqual(await events.closed(), ['open', ...Array(5).fill('drain'), 'close'])
})
