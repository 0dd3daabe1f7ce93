'use strict'

// A real Redis server as the peer: a hundred thousand commands in flight at once, in both kinds of socket, and every
// reply is checked. What a lost, doubled or displaced byte would break, this breaks.

const test = require('ava')

const { startServer, temporaryDirectory, testWith } = require('../helpers/peers.js')
const { scope } = require('../helpers/sockets.js')

const COMMANDS = 100_000
const PER_TURN = 1000

function startRedis(own) {
  const dir = temporaryDirectory(own)
  const quiet = ['--save', '', '--appendonly', 'no', '--dir', dir, '--unixsocket', '']
  return startServer(own, /Ready to accept connections/, (port) => [
    'redis-server',
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    ...quiet,
  ])
}

/** A command in RESP, as a Buffer. */
function command(...args) {
  const parts = [Buffer.from(`*${args.length}\r\n`)]
  for (const arg of args) {
    const bytes = Buffer.from(arg)
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

/** Calls `onReply` with each reply of a byte stream: a number, or a Buffer. */
function replies(onReply) {
  let rest = Buffer.alloc(0)
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    let at = 0
    for (;;) {
      const end = rest.indexOf('\r\n', at)
      if (end < 0) break
      const line = rest.toString('latin1', at + 1, end)
      const kind = String.fromCharCode(rest[at])
      if (kind === '$') {
        const next = end + 2 + Number(line) + 2
        if (next > rest.length) break
        onReply(rest.subarray(end + 2, next - 2))
        at = next
      } else {
        onReply(kind === ':' ? Number(line) : Buffer.from(line))
        at = end + 2
      }
    }
    rest = rest.subarray(at)
  }
}

/** Every byte value occurs among these, CR, LF and NUL too. */
function payload(i) {
  return Buffer.from([i, i >> 8, i >> 16, 255 - (i & 255), 13, 10, 0])
}

const toBytes = (data) => (typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data))

for (const binaryType of ['arraybuffer', 'string']) {
  const encode = binaryType === 'string' ? (bytes) => bytes.toString('latin1') : (bytes) => bytes

  testWith(
    test,
    'redis-server',
    `${COMMANDS} pipelined commands in ${binaryType} mode get their replies, in order`,
    async (t) => {
      const own = scope(t)
      const { port } = await startRedis(own)
      const [socket, events] = own.open('127.0.0.1', port, { binaryType })
      await events.event('open')
      let count = 0
      let wrong = 0
      const done = new Promise((resolve) => {
        const parse = replies((reply) => {
          const fine = count % 2 === 0 ? payload(count).equals(reply) : reply === (count + 1) / 2
          if (!fine) wrong++
          if (++count === COMMANDS) resolve()
        })
        socket.ondata = ({ data }) => {
          parse(toBytes(data))
          events.forgetData()
        }
      })
      let sent = 0
      let full = 0
      const sendSome = () => {
        for (const last = sent + PER_TURN; sent < last; sent++) {
          const bytes = sent % 2 === 0 ? command('ECHO', payload(sent)) : command('INCR', 'counter')
          if (!socket.send(encode(bytes))) full++
        }
        if (sent < COMMANDS) setImmediate(sendSome)
      }
      sendSome()
      await done
      t.is(wrong, 0)
      t.is(count, COMMANDS)
      t.is(socket.bufferedAmount, 0)
      // Data that came after a drain may be delivered before it, in one piece with earlier data.
      if (full > 0) await events.event('drain')
      else t.false(events.types.includes('drain'))
      socket.send(encode(command('QUIT')))
      const types = await events.closed()
      t.false(types.includes('error'))
    },
  )

  testWith(
    test,
    'redis-server',
    `a value of 8 MB comes back as it went, in ${binaryType} mode`,
    async (t) => {
      const own = scope(t)
      const { port } = await startRedis(own)
      const [socket, events] = own.open('127.0.0.1', port, { binaryType })
      await events.event('open')
      const value = Buffer.alloc(
        8 * 1024 * 1024,
        Uint8Array.from({ length: 251 }, (_, i) => i),
      )
      const got = []
      const done = new Promise((resolve) => {
        const parse = replies((reply) => got.push(Buffer.from(reply)) === 2 && resolve())
        socket.ondata = ({ data }) => parse(toBytes(data))
      })
      t.false(socket.send(encode(command('SET', 'big', value))))
      socket.send(encode(command('GET', 'big')))
      await done
      t.is(String(got[0]), 'OK')
      t.true(got[1].equals(value))
      t.true(events.types.includes('drain'))
    },
  )
}

testWith(test, 'redis-server', 'a subscriber gets what other sockets publish, in order', async (t) => {
  const own = scope(t)
  const { port } = await startRedis(own)
  const [listener, heard] = own.open('127.0.0.1', port)
  const [speaker, said] = own.open('127.0.0.1', port)
  await Promise.all([heard.event('open'), said.event('open')])
  listener.send('SUBSCRIBE news\r\n')
  await heard.when(() => (String(Buffer.concat(heard.chunks)).includes(':1\r\n') ? true : undefined))
  for (let i = 0; i < 1000; i++) speaker.send(`PUBLISH news item${i}\r\n`)
  await said.when(() => (said.bytes >= 4000 ? true : undefined))
  await heard.when(() => (String(Buffer.concat(heard.chunks)).includes('item999\r\n') ? true : undefined))
  const items = String(Buffer.concat(heard.chunks)).match(/item\d+/g)
  t.deepEqual(
    items,
    Array.from({ length: 1000 }, (_, i) => `item${i}`),
  )
})

testWith(
  test,
  'redis-server',
  'a server that is killed while commands are in flight ends the socket once',
  async (t) => {
    const own = scope(t)
    const { port, child } = await startRedis(own)
    const [socket, events] = own.open('127.0.0.1', port)
    await events.event('open')
    socket.send('PING\r\n'.repeat(1000))
    await events.data(7)
    child.kill('SIGKILL')
    const types = await events.closed()
    t.true(['open close', 'open error close'].includes(types.join(' ')), types.join(' '))
  },
)
