'use strict'

// Behaviours of net.Socket that Node's own tests are about, REL-126 to REL-151 of this project's list: how connections fail and end, timeouts, addresses, and
// the life of the process.

const { execFile } = require('node:child_process')
const { once } = require('node:events')
const { promisify } = require('node:util')
const v8 = require('node:v8')
const { runInNewContext } = require('node:vm')

const test = require('ava')

const { collecting } = require('../helpers/collection.js')
const { hasTools, serialWhere } = require('../../helpers/needs.js')
const { serverIn } = require('./child-server.js')
const {
  WHOLE_WITH_CONTROL,
  WITH_CONTROL,
  closed,
  echo,
  eventsOf,
  serverOf,
  testFaces,
} = require('./support.js')

const MB = 1024 * 1024
const run = promisify(execFile)

const rel = (id, title, implementation) => testFaces(test, WITH_CONTROL, `${id}: ${title}`, implementation)
const whole = (id, title, implementation) =>
  testFaces(test, WHOLE_WITH_CONTROL, `${id}: ${title}`, implementation)
const serial = (id, title, implementation) =>
  testFaces(test.serial, WITH_CONTROL, `${id}: ${title}`, implementation)

/** Nobody listens there, and the system gives it to nobody, unlike one that was free a moment ago. */
const CLOSED_PORT = 1

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

rel('REL-126', 'fifty-one connections one after another', async (t, connect) => {
  const port = await serverOf(t, (peer) => peer.end('hello\r\n'))
  for (let i = 0; i < 51; i++) {
    const socket = connect(port)
    let got = ''
    socket.on('data', (data) => (got += data))
    t.false(await closed(socket))
    t.is(got, 'hello\r\n')
  }
})

rel(
  'REL-127',
  'a port at which nobody listens: one error as node:net words it, then close',
  async (t, connect) => {
    const port = CLOSED_PORT
    for (let i = 0; i < 21; i++) {
      const socket = connect(port)
      const events = eventsOf(socket)
      const [error] = await once(socket, 'error')
      t.true(await closed(socket))
      const { message, code, syscall, address } = error
      t.is(message, `connect ECONNREFUSED 127.0.0.1:${port}`)
      t.deepEqual(
        { code, syscall, address, port: error.port },
        { code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port },
      )
      t.true(error.errno < 0)
      t.deepEqual(events, ['error', 'close'])
    }
  },
)

rel('REL-128', 'fifty that are refused at once', async (t, connect) => {
  const port = CLOSED_PORT
  const sockets = Array.from({ length: 50 }, () => connect(port))
  const errors = await Promise.all(
    sockets.map((socket) => Promise.all([once(socket, 'error'), closed(socket)])),
  )
  t.true(errors.every(([[{ code }], hadError]) => code === 'ECONNREFUSED' && hadError))
})

rel('REL-137', 'the peer resets: ECONNRESET, then close with an error', async (t, connect) => {
  const port = await serverOf(t, (peer) => peer.once('data', () => peer.resetAndDestroy()))
  const socket = connect(port)
  const events = eventsOf(socket)
  socket.resume()
  socket.write('x')
  const [error] = await once(socket, 'error')
  t.is(error.code, 'ECONNRESET')
  t.is(error.syscall, 'read')
  t.true(await closed(socket))
  t.deepEqual(events, ['connect', 'ready', 'error', 'close'])
})

whole(
  'REL-138',
  'resetAndDestroy while it connects, when it is connected, and when it is closed',
  async (t, connect) => {
    const ends = []
    const port = await serverOf(t, (peer) => {
      peer.pipe(peer, { end: false })
      const end = new Promise((resolve) => {
        peer.on('error', (error) => resolve(error.code))
        peer.on('end', () => resolve('end'))
      })
      ends.push(end)
    })
    const early = connect(port)
    t.is(early.resetAndDestroy(), early)
    t.false(await closed(early))
    const open = connect(port)
    await once(open, 'connect')
    open.write('bytes')
    // A peer that finds bytes and RST at once takes that for an end, in libuv.
    await once(open, 'data')
    open.resetAndDestroy()
    t.false(await closed(open))
    t.true(open.destroyed)
    t.notThrows(() => open.resetAndDestroy())
    while (ends.length < 2) await sleep(5)
    t.deepEqual(await Promise.all(ends), ['ECONNRESET', 'ECONNRESET'])
  },
)

rel(
  'REL-139',
  'the process of the peer is killed: an end or an error, within a second',
  async (t, connect) => {
    const { port, kill } = await serverIn(t)
    const socket = connect(port)
    socket.resume()
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('x')
    await once(socket, 'data')
    const began = Date.now()
    kill()
    await closed(socket)
    t.true(Date.now() - began < 1000)
  },
)

serial(
  'REL-140',
  'the peer is gone while 64 MB are queued: one error, one close, and every write called back',
  async (t, connect) => {
    const port = await serverOf(t, (peer) => peer.once('data', () => peer.destroy()))
    const socket = connect(port)
    const events = eventsOf(socket, ['error', 'close'])
    let calls = 0
    for (let i = 0; i < 64; i++) socket.write(Buffer.alloc(MB), () => calls++)
    t.true(await closed(socket))
    await sleep(20)
    t.deepEqual(events, ['error', 'close'])
    t.is(calls, 64)
    t.is(socket.readyState, 'closed')
  },
)

serial(
  'REL-141',
  'a timeout is an event after silence, each time again, and closes nothing',
  async (t, connect) => {
    const socket = connect(await serverOf(t, echo))
    await once(socket, 'connect')
    t.is(socket.timeout ?? 0, 0)
    let calls = 0
    t.is(
      socket.setTimeout(400, () => calls++),
      socket,
    )
    t.is(socket.timeout, 400)
    // Bytes that come and go put it off.
    socket.resume()
    for (let i = 0; i < 10; i++) {
      socket.write('x')
      await sleep(50)
    }
    t.is(calls, 0)
    await once(socket, 'timeout')
    t.is(calls, 1)
    t.false(socket.destroyed)
    socket.setTimeout(0)
    let later = 0
    socket.on('timeout', () => later++)
    await sleep(450)
    t.is(later, 0)
    for (const wrong of ['40', null, undefined]) {
      t.throws(() => socket.setTimeout(wrong), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    for (const wrong of [-1, Infinity, NaN])
      t.throws(() => socket.setTimeout(wrong), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => socket.setTimeout(1, 'no function'), { code: 'ERR_INVALID_ARG_TYPE' })
  },
)

testFaces(
  serialWhere(test, hasTools('ss'), 'iproute2'),
  WHOLE_WITH_CONTROL,
  'REL-142: keep-alive and TCP_NODELAY are set before and after it is connected',
  async (t, connect) => {
    const socket = connect(await serverOf(t, echo))
    t.is(socket.setKeepAlive(true, 5000), socket)
    t.is(socket.setNoDelay(true), socket)
    await once(socket, 'connect')
    t.regex(await options(socket), /timer:\(keepalive,[0-5][.\d]*(m?sec|ms)/)
    socket.setKeepAlive(false).setNoDelay(false)
    t.notRegex(await options(socket), /keepalive/)
    socket.setKeepAlive(true, 60_000)
    t.regex(await options(socket), /timer:\(keepalive,(5\d|1min|60)/)
  },
)

/** What the system tells of its end of the connection. */
async function options({ localPort, remotePort }) {
  const filter = `sport = :${localPort} and dport = :${remotePort}`
  const { stdout } = await run('ss', ['-Htnoi', filter])
  return stdout
}

serial(
  'REL-143',
  'with setNoDelay two small writes do not wait for an acknowledgement, which takes 40 ms',
  async (t, connect) => {
    const socket = connect(
      await serverOf(t, (peer) => {
        peer.setNoDelay(true)
        let got = 0
        peer.on('data', ({ length }) => {
          got += length
          for (; got >= 2; got -= 2) peer.write('.')
        })
      }),
    )
    socket.setNoDelay()
    await once(socket, 'connect')
    const times = []
    for (let i = 0; i < 100; i++) {
      const began = process.hrtime.bigint()
      socket.write('a')
      await new Promise((resolve) => setImmediate(resolve))
      socket.write('b')
      await once(socket, 'data')
      times.push(Number(process.hrtime.bigint() - began) / 1e6)
    }
    const p50 = times.sort((a, b) => a - b)[50]
    t.true(p50 < 20, `${p50} ms`)
  },
)

rel('REL-144', 'a name that does not exist: the lookup event, ENOTFOUND, close', async (t, connect) => {
  const socket = connect(1, 'no-such-host.invalid')
  const lookups = []
  socket.on('lookup', (error, address, family, host) => lookups.push([error.code, address, family, host]))
  const [error] = await once(socket, 'error')
  t.true(await closed(socket))
  t.like(error, { code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname: 'no-such-host.invalid' })
  t.is(error.message, 'getaddrinfo ENOTFOUND no-such-host.invalid')
  t.is(lookups.length, 1)
  t.is(lookups[0][0], 'ENOTFOUND')
  t.is(lookups[0][3], 'no-such-host.invalid')
})

rel('REL-146', 'both ends know the addresses, of which some are told after close too', async (t, connect) => {
  let accept
  const accepted = new Promise((resolve) => (accept = resolve))
  const port = await serverOf(t, accept)
  const socket = connect(port)
  t.is(socket.remoteAddress, undefined)
  t.deepEqual(socket.address(), {})
  await once(socket, 'connect')
  const peer = await accepted
  const told = {
    localAddress: '127.0.0.1',
    localPort: peer.remotePort,
    localFamily: 'IPv4',
    remoteAddress: '127.0.0.1',
    remotePort: port,
    remoteFamily: 'IPv4',
  }
  t.like(socket, told)
  t.deepEqual(socket.address(), { address: '127.0.0.1', family: 'IPv4', port: peer.remotePort })
  socket.destroy()
  await closed(socket)
  t.is(socket.remotePort, port)
})

v8.setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')

serial(
  'REL-147',
  'large writes one after another arrive intact, with collections in between',
  async (t, connect) => {
    let sum = 0
    let length = 0
    const port = await serverOf(t, (peer) => {
      peer.on('data', (chunk) => {
        length += chunk.length
        for (let i = 0; i < chunk.length; i += 4096) sum += chunk[i]
      })
      peer.on('end', () => peer.end())
    })
    const socket = connect(port)
    socket.resume()
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => socket.write(Buffer.alloc(655_360, i + 1), resolve))
      if (i % 5 === 0) gc()
    }
    socket.end()
    await closed(socket)
    t.is(length, 20 * 655_360)
    t.true(sum > 0)
  },
)

rel('REL-148', 'what is no chunk throws, in the call', async (t, connect) => {
  const socket = connect(await serverOf(t, echo))
  for (const wrong of [1337, true, undefined, {}, []]) {
    t.throws(() => socket.write(wrong), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  t.throws(() => socket.write(null), { code: 'ERR_STREAM_NULL_VALUES' })
  socket.end('fine')
  socket.resume()
  t.false(await closed(socket))
})

serial('REL-149', 'fifty clients, three connections each, forty kilobytes each', async (t, connect) => {
  const port = await serverOf(t, (peer) => peer.end(Buffer.alloc(40_000, 'C')))
  const client = async () => {
    for (let i = 0; i < 3; i++) {
      const socket = connect(port)
      let got = 0
      socket.on('data', ({ length }) => (got += length))
      if ((await closed(socket)) || got !== 40_000) return false
    }
    return true
  }
  const all = await Promise.all(Array.from({ length: 50 }, client))
  t.true(all.every(Boolean))
})

whole('REL-150', 'a peer that has ended its side still gets the answer', async (t, connect) => {
  let answer = ''
  const port = await serverOf(t, (peer) => {
    peer.end('question')
    peer.on('data', (data) => (answer += data))
  })
  const socket = connect(port, '127.0.0.1', { allowHalfOpen: true })
  let question = ''
  socket.on('data', (data) => (question += data))
  await once(socket, 'end')
  await sleep(20)
  socket.write('late ')
  socket.end('answer')
  t.false(await closed(socket))
  await sleep(20)
  t.deepEqual([question, answer], ['question', 'late answer'])
})

for (const [face, code] of Object.entries({
  'net.Socket': `require('node:net').connect(PORT, '127.0.0.1')`,
  'Firefox OS': `toNodeStream(new (require('moz-tcp-socket').TCPSocket)('127.0.0.1', PORT))`,
  winter: `toNodeStream(require('moz-tcp-socket/winter').connect({ hostname: '127.0.0.1', port: PORT }))`,
  direct: `toNodeStream(new (require('moz-tcp-socket/direct').TCPSocket)('127.0.0.1', PORT))`,
})) {
  test(`REL-151: streams that are closed are collected (${face})`, async (t) => {
    const port = await serverOf(t, (peer) => peer.end())
    const [collected] = await collecting(`
      const { toNodeStream } = require('moz-tcp-socket/node-stream')
      let collected = 0
      const registry = new FinalizationRegistry(() => collected++)
      const use = async () => {
        const socket = ${code.replace('PORT', port)}
        registry.register(socket)
        socket.setTimeout(60_000)
        socket.resume()
        await once(socket, 'close')
      }
      for (let i = 0; i < 40; i++) await use()
      await collectUntil(() => collected >= 39)
      print(collected)`)
    t.true(collected >= 39)
  })

  test(`REL-112: an idle connection keeps the process alive, and with unref() it does not (${face})`, async (t) => {
    const port = await serverOf(t, (peer) => peer.once('data', () => peer.end()))
    const script = (then) => `
      const { toNodeStream } = require('moz-tcp-socket/node-stream')
      const socket = ${code.replace('PORT', port)}
      process.on('exit', () => console.log(socket.destroyed ? 'closed' : 'alive'))
      socket.on('connect', () => { ${then} })`
    const exec = async (then) =>
      (await run(process.execPath, ['-e', script(then)], { cwd: __dirname, timeout: 20_000 })).stdout.trim()
    t.is(await exec('socket.unref()'), 'alive')
    t.is(
      await exec(`socket.unref().ref(); socket.resume(); setTimeout(() => socket.write('x'), 50).unref()`),
      'closed',
    )
  })
}
