'use strict'

// Behaviours of net.Socket that Node's own tests are about, REL-101 to REL-123 of this project's list: each over every face, and with net.Socket
// itself as the control. docs/node-stream.md has the table.

const { once } = require('node:events')

const test = require('ava')

const { TCPServerSocket } = require('moz-tcp-socket')
const { hasIPv6, testOn } = require('../../helpers/needs.js')
const {
  listening,
  WHOLE_WITH_CONTROL,
  WITH_CONTROL,
  closed,
  echo,
  eventsOf,
  serverOf,
  testFaces,
  toNodeStream,
} = require('./support.js')

const MB = 1024 * 1024

/** Everything that a stream gives, until it ends. */
async function drain(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const whole = (id, title, implementation) =>
  testFaces(test, WHOLE_WITH_CONTROL, `${id}: ${title}`, implementation)
const rel = (id, title, implementation) => testFaces(test, WITH_CONTROL, `${id}: ${title}`, implementation)

for (const host of ['127.0.0.1', '::1']) {
  const declare = host === '::1' ? testOn(test, hasIPv6, 'IPv6') : test
  testFaces(
    declare,
    WITH_CONTROL,
    `REL-101: 1001 requests get their replies, ${host}`,
    async (t, connect) => {
      const net = require('node:net')
      const server = net.createServer(echo)
      server.listen(0, host)
      await once(server, 'listening')
      t.teardown(() => server.close())
      const socket = connect(server.address().port, host)
      socket.setEncoding('latin1')
      let rounds = 0
      socket.on('data', (text) => {
        if (text !== 'PING') return t.fail(text)
        if (++rounds === 1001) socket.end()
        else socket.write('PING')
      })
      socket.write('PING')
      const [hadError] = await once(socket, 'close')
      t.deepEqual([rounds, hadError], [1001, false])
      t.is(socket.bytesRead, 4004)
    },
  )
}

rel('REL-102', 'all byte values pass both ways', async (t, connect) => {
  const socket = connect(await serverOf(t, echo))
  const bytes = Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256))
  for (const byte of bytes.subarray(0, 256)) socket.write(Buffer.from([byte]))
  socket.end(bytes.toString('latin1', 256), 'latin1')
  t.deepEqual(await drain(socket), bytes)
})

rel('REL-103', 'a long text of several bytes a character is counted as it is encoded', async (t, connect) => {
  const socket = connect(await serverOf(t, echo))
  const text = 'Il était tué '.repeat(8000)
  socket.end(text)
  t.true((await drain(socket)).toString() === text)
  t.is(socket.bytesWritten, Buffer.byteLength(text))
})

rel('REL-104', 'ten megabytes at once are counted before, while and after they leave', async (t, connect) => {
  let got = 0
  const port = await serverOf(t, (peer) =>
    peer.on('data', ({ length }) => (got += length)).on('end', () => peer.end()),
  )
  const socket = connect(port)
  const written = new Promise((resolve) => socket.write(Buffer.alloc(10 * MB), resolve))
  socket.write('ä'.repeat(MB))
  t.is(socket.bytesWritten, 12 * MB)
  await written
  t.is(socket.bytesWritten, 12 * MB)
  socket.end(Buffer.alloc(5))
  socket.resume()
  await once(socket, 'close')
  t.deepEqual([got, socket.bytesWritten], [12 * MB + 5, 12 * MB + 5])
})

rel(
  'REL-105',
  'what is written before it is connected waits, and is called back then',
  async (t, connect) => {
    const socket = connect(await serverOf(t, echo))
    t.true(socket.connecting && socket.pending)
    t.is(socket.readyState, 'opening')
    let connected = false
    socket.on('connect', () => (connected = true))
    const called = new Promise((resolve) => socket.write('before', () => resolve(connected)))
    t.is(socket.bytesWritten, 6)
    t.is(socket.bufferSize, 6)
    t.true(await called)
    t.false(socket.connecting || socket.pending)
    socket.end()
    t.is((await drain(socket)).toString(), 'before')
  },
)

rel('REL-106', 'writes before, in and after the connect event keep their order', async (t, connect) => {
  const socket = connect(await serverOf(t, echo))
  socket.write('a')
  socket.on('connect', () => {
    socket.write('b')
    setImmediate(() => socket.end('c'))
  })
  t.is((await drain(socket)).toString(), 'abc')
})

rel(
  'REL-107',
  'write answers false, drain comes, and a peer that pauses loses nothing',
  async (t, connect) => {
    let peer
    const port = await serverOf(t, (accepted) => {
      peer = accepted
      peer.pause()
    })
    const socket = connect(port)
    await once(socket, 'connect')
    let sent = 0
    const chunk = Buffer.alloc(256 * 1024, 'x')
    do sent += chunk.length
    while (socket.write(chunk))
    for (let i = 0; i < 60; i++, sent += chunk.length) socket.write(chunk)
    t.true(socket.writableLength > MB)
    const drained = once(socket, 'drain')
    await new Promise((resolve) => setImmediate(resolve))
    const got = drain(peer)
    await drained
    t.is(socket.writableLength, 0)
    socket.end()
    t.is((await got).length, sent)
  },
)

rel('REL-108', 'two megabytes reach a peer that pauses after each chunk', async (t, connect) => {
  let got = 0
  const port = await serverOf(t, (peer) => {
    peer.on('data', ({ length }) => {
      got += length
      peer.pause()
      setTimeout(() => peer.resume(), 1)
    })
    peer.on('end', () => peer.end())
  })
  const socket = connect(port)
  for (let i = 0; i < 10; i++) socket.write(Buffer.alloc(200_000))
  socket.end()
  socket.resume()
  await once(socket, 'close')
  t.is(got, 2_000_000)
})

rel(
  'REL-109',
  'one that is paused before it is connected gets nothing until it is resumed',
  async (t, connect) => {
    const socket = connect(await serverOf(t, (peer) => peer.end('hello')))
    let got = ''
    socket.on('data', (data) => (got += data))
    socket.pause()
    await once(socket, 'connect')
    await new Promise((resolve) => setTimeout(resolve, 50))
    t.is(got, '')
    socket.resume()
    await once(socket, 'end')
    t.is(got, 'hello')
  },
)

rel('REL-110', 'while it is paused nothing is told, and nothing is lost', async (t, connect) => {
  const port = await serverOf(t, (peer) => {
    let left = 200
    const timer = setInterval(() => (--left > 0 ? peer.write('.') : (clearInterval(timer), peer.end('.'))), 1)
    t.teardown(() => clearInterval(timer))
  })
  const socket = connect(port)
  let got = 0
  socket.on('data', ({ length }) => (got += length))
  await once(socket, 'data')
  for (let i = 0; i < 2; i++) {
    socket.pause()
    const before = got
    await new Promise((resolve) => setTimeout(resolve, 60))
    t.is(got, before)
    socket.resume()
  }
  await once(socket, 'end')
  t.is(got, 200)
})

testFaces(
  test.serial,
  WITH_CONTROL,
  'REL-110: a peer is held up by what nobody reads, and little is kept',
  async (t, connect) => {
    let accept
    const accepted = new Promise((resolve) => (accept = resolve))
    const socket = connect(await serverOf(t, accept))
    await once(socket, 'connect')
    socket.once('data', () => socket.pause())
    const sender = await accepted
    t.teardown(() => sender.destroy())
    sender.on('error', () => {})
    let sent = 0
    const chunk = Buffer.alloc(MB)
    for (let i = 0; i < 64; i++) sender.write(chunk, (error) => error || (sent += MB))
    await once(socket, 'data')
    // Until nothing has moved for a while.
    for (let same = 0, before = -1; same < 4; same = before === sent + socket.bytesRead ? same + 1 : 0) {
      before = sent + socket.bytesRead
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    t.true(sent < 32 * MB, `${sent}`)
    t.true(socket.readableLength < 512 * 1024, `${socket.readableLength}`)
    t.true(socket.bytesRead < MB, `${socket.bytesRead}`)
    socket.destroy()
  },
)

test('REL-111: a socket that was suspended in onconnect gives what came since when it is read, and may still be resumed', async (t) => {
  const net = require('node:net')
  const listener = new TCPServerSocket(0)
  t.teardown(() => listener.close())
  const stream = new Promise((resolve) => {
    listener.onconnect = ({ socket }) => {
      socket.suspend()
      setTimeout(() => resolve({ stream: toNodeStream(socket), socket }), 30)
    }
  })
  const client = net.connect(listener.localPort, '127.0.0.1')
  t.teardown(() => client.destroy())
  client.write('early ')
  const { stream: accepted, socket } = await stream
  t.false(accepted.connecting)
  t.is(accepted.remotePort, client.localPort)
  client.end('late')
  accepted.pause()
  accepted.read(0)
  socket.resume()
  t.is((await drain(accepted)).toString(), 'early late')
  t.throws(() => socket.resume(), { name: 'NS_ERROR_FAILURE' })
})

rel('REL-113', 'the peer ends: data, end, finish, close, in this order', async (t, connect) => {
  const socket = connect(await serverOf(t, (peer) => peer.end('bye')))
  const events = eventsOf(socket)
  let hadError
  socket.on('data', () => events.push('data'))
  socket.on('close', (value) => (hadError = value))
  await once(socket, 'close')
  t.deepEqual(events, ['connect', 'ready', 'data', 'end', 'finish', 'close'])
  t.is(hadError, false)
  t.true(socket.destroyed)
})

rel('REL-114', 'the peer ends behind what nobody has read: close comes behind that', async (t, connect) => {
  const socket = connect(await serverOf(t, (peer) => peer.end(Buffer.alloc(300_000, 'x'))))
  let isClosed = false
  socket.on('close', () => (isClosed = true))
  await once(socket, 'connect')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.false(isClosed)
  t.is((await drain(socket)).length, 300_000)
  if (!isClosed) await once(socket, 'close')
})

rel(
  'REL-115',
  'the peer ends while much is queued: it gets all of that, also without allowHalfOpen',
  async (t, connect) => {
    let got
    const port = await serverOf(t, (peer) => {
      peer.end()
      peer.pause()
      got = new Promise((resolve) => setTimeout(() => resolve(drain(peer)), 50))
    })
    const socket = connect(port)
    for (let i = 0; i < 40; i++) socket.write(Buffer.alloc(256 * 1024, 'y'))
    socket.resume()
    const [hadError] = await once(socket, 'close')
    t.false(hadError)
    t.is((await got).length, 10 * MB)
  },
)

whole('REL-115', 'with allowHalfOpen our side stays open', async (t, connect) => {
  let got
  const port = await serverOf(t, (peer) => {
    peer.end('question')
    got = drain(peer)
  })
  const socket = connect(port, '127.0.0.1', { allowHalfOpen: true })
  socket.resume()
  await once(socket, 'end')
  await new Promise((resolve) => setTimeout(resolve, 30))
  t.true(socket.writable && !socket.destroyed)
  t.is(socket.readyState, 'writeOnly')
  socket.end('answer')
  await once(socket, 'close')
  t.is((await got).toString(), 'answer')
})

whole(
  'REL-116',
  'a write as the peer ends leaves, and one behind our own end is EPIPE',
  async (t, connect) => {
    let got
    const port = await serverOf(t, (peer) => {
      peer.end()
      got = drain(peer)
    })
    const socket = connect(port)
    socket.resume()
    let error
    socket.on('error', (value) => (error = value))
    socket.prependListener('end', () => socket.write('now'))
    await once(socket, 'end')
    t.true(socket.writableEnded)
    const called = new Promise((resolve) => socket.write('late', resolve))
    t.is((await called).code, 'EPIPE')
    await once(socket, 'close')
    t.is(error.code, 'EPIPE')
    t.is(error.message, 'This socket has been ended by the other party')
    t.true(['', 'now'].includes((await got.catch(() => '')).toString()))
  },
)

rel(
  'REL-117',
  'a write to what is destroyed is called back with an error, and no event follows',
  async (t, connect) => {
    const socket = connect(await serverOf(t, echo))
    await once(socket, 'connect')
    socket.destroy()
    const events = eventsOf(socket)
    const error = await new Promise((resolve) => socket.write('x', resolve))
    t.is(error.code, 'ERR_STREAM_DESTROYED')
    await once(socket, 'close')
    t.deepEqual(events, ['close'])
  },
)

rel('REL-118', 'a write behind end() fails later, never inside the call', async (t, connect) => {
  const socket = connect(await serverOf(t, echo))
  await once(socket, 'connect')
  let inside = true
  const failed = new Promise((resolve) => socket.on('error', (error) => resolve({ error, inside })))
  socket.end()
  socket.write('x')
  inside = false
  const result = await failed
  t.is(result.error.code, 'ERR_STREAM_WRITE_AFTER_END')
  t.false(result.inside)
})

rel(
  'REL-119',
  'with much queued to a peer that is gone there is one error at most, and one close',
  async (t, connect) => {
    const port = await serverOf(t, (peer) => setImmediate(() => peer.resetAndDestroy()))
    const socket = connect(port)
    const events = eventsOf(socket, ['error', 'close'])
    for (let i = 0; i < 10; i++) socket.write(Buffer.alloc(MB))
    socket.on('error', () => socket.destroy())
    await closed(socket)
    await new Promise((resolve) => setTimeout(resolve, 30))
    t.deepEqual(events, ['error', 'close'])
  },
)

rel('REL-120', 'every member can be used when it is closed', async (t, connect) => {
  const socket = connect(await serverOf(t, (peer) => peer.end()))
  socket.resume()
  await once(socket, 'close')
  const names = [
    'bytesRead',
    'bytesWritten',
    'connecting',
    'pending',
    'readyState',
    'localAddress',
    'localPort',
  ]
  for (const name of [
    ...names,
    'remoteAddress',
    'remoteFamily',
    'remotePort',
    'localFamily',
    'timeout',
    'bufferSize',
  ]) {
    t.notThrows(() => socket[name], name)
  }
  t.deepEqual([socket.connecting, socket.pending, socket.readyState], [false, true, 'closed'])
  for (const name of ['setNoDelay', 'setKeepAlive', 'ref', 'unref', 'pause', 'resume', 'destroy']) {
    t.is(socket[name](), socket, name)
  }
  t.is(socket.setTimeout(5), socket)
  t.notThrows(() => socket.destroySoon())
  t.is(typeof socket.address(), 'object')
})

rel('REL-121', 'destroyed in the turn that made it: close, and nothing else', async (t, connect) => {
  const port = await serverOf(t, echo)
  const socket = connect(port)
  const events = eventsOf(socket)
  const called = new Promise((resolve) => socket.write('x', resolve))
  socket.destroy()
  const over = closed(socket)
  t.is((await called).code, 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION')
  await over
  await new Promise((resolve) => setTimeout(resolve, 30))
  t.deepEqual(events, ['close'])
})

rel('REL-122', 'destroyed while its name is looked up: close, and nothing else', async (t, connect) => {
  const socket = connect(await serverOf(t, echo), 'localhost')
  const events = eventsOf(socket)
  setImmediate(() => socket.destroy())
  await once(socket, 'close')
  await new Promise((resolve) => setTimeout(resolve, 30))
  // Node looks names up to the end, and may be done by then.
  t.is(events.at(-1), 'close')
  t.false(events.includes('error'))
  t.is(events.filter((name) => name === 'close').length, 1)
})

rel('REL-123', 'destroy and destroySoon twice, and in the handler of an error', async (t, connect) => {
  const port = await serverOf(t, echo)
  const socket = connect(port)
  const events = eventsOf(socket, ['error', 'close'])
  socket.destroySoon()
  socket.destroySoon()
  await once(socket, 'close')
  t.deepEqual(events, ['close'])
  const other = connect(port)
  const told = eventsOf(other, ['error', 'close'])
  other.on('error', () => other.destroy().destroy(new Error('another')))
  other.destroy(new Error('first')).destroy(new Error('second'))
  t.true(await closed(other))
  t.deepEqual(told, ['error', 'close'])
})

test('REL-104, REL-117: what was called back as written reaches the peer though the socket is destroyed then', async (t) => {
  for (const [face, connect] of Object.entries(WITH_CONTROL)) {
    const got = new Promise((resolve) => {
      listening(
        t,
        require('node:net').createServer((peer) => resolve(drain(peer))),
      ).then((port) => {
        const socket = connect(port)
        socket.write(Buffer.alloc(3000, 'z'), () => socket.destroy())
      })
    })
    t.is((await got).length, 3000, face)
  }
})
