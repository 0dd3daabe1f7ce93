'use strict'

// Very many of something, in a process whose memory and descriptors are its own. The first argument says of what:
// `churn PORT COUNT MILLISECONDS`: sockets that are opened and closed in batches, as many as fit, COUNT at most.
// `opens PORT CLOSED COUNT ROUNDS`: opens in one turn, every tenth to where nobody listens; and that ROUNDS times.
// `sends COUNT`, `listeners COUNT`: on one connection, in one turn.
// Prints JSON.

const { readFileSync, readdirSync } = require('node:fs')

const { TCPServerSocket, TCPSocket } = require('../../../index.js')

const MIB = 1024 * 1024

/** Sockets at a time. */
const BATCH = 500

const descriptors = () => readdirSync('/proc/self/fd').length

/** Resolves when the peers of closed sockets have ended as well: there are about as many descriptors as `before`. Or after 4 seconds. */
async function settled(before) {
  for (let i = 0; i < 200 && descriptors() > before + 20; i++)
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Resident memory, in MiB, when what nobody refers to is gone. */
async function resident() {
  for (let i = 0; i < 3; i++) {
    global.gc()
    await new Promise(setImmediate)
  }
  const [, pages] = readFileSync('/proc/self/statm', 'utf8').split(' ').map(Number)
  return Math.round((pages * 4096) / MIB)
}

/** Resolves with the types of a socket's events, joined, when it is closed. */
function story(socket, onopen = () => {}) {
  return new Promise((resolve) => {
    let types = ''
    socket.onopen = () => {
      types += 'open '
      onopen(socket)
    }
    socket.onerror = ({ data }) => {
      types += `error:${data.code ?? data.name} `
    }
    socket.onclose = () => resolve(`${types}close`)
  })
}

/** How a socket ends: when it is open, with something sent or not, or at once. */
const ENDS = [
  (socket) => story(socket, (open) => open.close()),
  (socket) =>
    story(socket, (open) => {
      open.send('x')
      open.close()
    }),
  (socket) => story(socket, (open) => open.closeImmediately()),
  (socket) => {
    const ended = story(socket)
    socket.close()
    return ended
  },
]
const EXPECTED = ['open close', 'open close', 'open close', 'close']

async function churn(port, count, milliseconds) {
  const began = Date.now()
  const before = descriptors()
  const samples = []
  const wrong = {}
  let done = 0
  while (done < count && Date.now() - began < milliseconds) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, async (_, i) => {
      const n = done + i
      // Ephemeral ports are for each address and port of a peer.
      const host = `127.${1 + ((n >> 16) & 63)}.${1 + ((n >> 9) & 127)}.${1 + (n & 127)}`
      const types = await ENDS[n % ENDS.length](new TCPSocket(host, port))
      if (types !== EXPECTED[n % ENDS.length]) wrong[types] = (wrong[types] ?? 0) + 1
    })
    await Promise.all(batch)
    done += batch.length
    // Not often: a full collection takes longer than many sockets.
    if (done % (BATCH * 10) === 0) samples.push({ done, rss: await resident(), fds: descriptors() })
  }
  const seconds = (Date.now() - began) / 1000
  await settled(before)
  samples.push({ done, rss: await resident(), fds: descriptors() })
  return { done, seconds, samples, wrong }
}

/** What the rounds led to: of the last all, of each the memory and descriptors that were left, and the memory while all were open. */
async function opens(port, closed, count, rounds) {
  const left = []
  let last
  for (let round = 0; round < rounds; round++) {
    last = await openAll(port, closed, count)
    left.push({ ...last.after, peak: last.during.rss })
  }
  return { ...last, left }
}

async function openAll(port, closed, count) {
  const before = { rss: await resident(), fds: descriptors() }
  const outcomes = {}
  const threw = {}
  let sockets = []
  const stories = []
  const reached = []
  const began = Date.now()
  for (let i = 0; i < count; i++) {
    try {
      const socket = new TCPSocket(`127.1.${1 + (i >> 8)}.1`, i % 10 === 9 ? closed : port)
      sockets.push(socket)
      reached.push(
        new Promise((resolve) => {
          socket.addEventListener('open', resolve)
          socket.addEventListener('close', resolve)
        }),
      )
      stories.push(story(socket))
    } catch (error) {
      threw[error.message] = (threw[error.message] ?? 0) + 1
    }
  }
  const opening = Date.now() - began
  await Promise.all(reached)
  const ready = Date.now() - began
  const open = sockets.filter(({ readyState }) => readyState === 'open').length
  const during = { rss: await resident(), fds: descriptors() }
  for (const socket of sockets) socket.close()
  for (const types of await Promise.all(stories)) outcomes[types] = (outcomes[types] ?? 0) + 1
  sockets = null
  stories.length = reached.length = 0
  await settled(before.fds)
  const after = { rss: await resident(), fds: descriptors() }
  return { before, during, after, outcomes, threw, open, opening, ready }
}

async function pair() {
  const server = new TCPServerSocket(0, { binaryType: 'arraybuffer', localAddress: '127.0.0.1' })
  const taken = new Promise((resolve) => {
    server.onconnect = ({ socket }) => resolve(socket)
  })
  const client = new TCPSocket('127.0.0.1', server.localPort, { binaryType: 'arraybuffer' })
  await new Promise((resolve) => (client.onopen = resolve))
  const accepted = await taken
  server.close()
  return { client, accepted }
}

async function sends(count) {
  const { client, accepted } = await pair()
  const chunks = []
  let bytes = 0
  const all = new Promise((resolve) => {
    accepted.ondata = ({ data }) => {
      chunks.push(Buffer.from(data))
      bytes += data.byteLength
      if (bytes === count) resolve()
    }
  })
  const began = Date.now()
  let wrong = 0
  for (let i = 0; i < count; i++) {
    if (!client.send(Uint8Array.of(i % 251)) || client.bufferedAmount !== i + 1) wrong++
  }
  const sending = Date.now() - began
  await all
  const got = Buffer.concat(chunks)
  const inOrder = got.every((byte, i) => byte === i % 251)
  client.close()
  await new Promise((resolve) => (client.onclose = resolve))
  return { wrong, inOrder, bytes, events: chunks.length, sending, pending: client.bufferedAmount }
}

async function listeners(count) {
  const { client, accepted } = await pair()
  // That there are many is the point.
  process.removeAllListeners('warning')
  const before = await resident()
  const calls = []
  const added = Array.from({ length: count }, (_, i) => () => calls.push(i))
  const began = Date.now()
  for (const listener of added) client.addEventListener('data', listener)
  // The same once more is none.
  for (const listener of added.slice(0, 100)) client.addEventListener('data', listener)
  const adding = Date.now() - began
  accepted.send('x')
  await new Promise((resolve) => client.addEventListener('data', resolve, { once: true }))
  const inOrder = calls.length === count && calls.every((index, i) => index === i)
  const removed = Date.now()
  for (const listener of added) client.removeEventListener('data', listener)
  const removing = Date.now() - removed
  calls.length = 0
  client.ondata = () => calls.push('handler')
  accepted.send('y')
  while (calls.length === 0) await new Promise(setImmediate)
  added.length = 0
  const after = await resident()
  client.close()
  await new Promise((resolve) => (client.onclose = resolve))
  return { inOrder, calls, adding, removing, grown: after - before }
}

const [what, ...args] = process.argv.slice(2)
const measure = { churn, opens, sends, listeners }[what]

measure(...args.map(Number)).then((result) => {
  console.log(JSON.stringify(result))
  process.exit()
})
