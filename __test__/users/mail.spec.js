'use strict'

// Mail clients: the Firefox OS e-mail application (gelam), browserbox and the emailjs clients, smtpclient, Thunderbird.
// Each test names what one of them takes for granted.

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { Worker } = require('node:worker_threads')

const test = require('ava')

const { TCPSocket, mozTCPSocket, receive, scope } = require('../helpers/sockets.js')
const { beforeStartTls, readExactly, readLine, secure, trusting } = require('../helpers/tls-peers.js')

const PAGE = 96 * 1024

test('gelam: pages of 96 KiB, the next one when bufferedAmount is 0, otherwise at ondrain', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const blob = randomBytes(20 * PAGE + 5)
  let at = 0
  let drains = 0
  const nextPage = () => {
    if (at >= blob.length) return
    const page = Uint8Array.from(blob.subarray(at, at + PAGE))
    at += PAGE
    socket.send(page.buffer, 0, page.length)
    // A page is always more than 64 KiB but the last, so a drain is due.
    if (socket.bufferedAmount === 0) nextPage()
  }
  socket.ondrain = () => {
    drains++
    t.is(socket.bufferedAmount, 0, 'drain means that the buffer is completely empty')
    nextPage()
  }
  nextPage()
  t.true((await receive(peer, blob.length)).equals(blob))
  t.true(drains >= 20)
})

test('gelam: evt.data can be transferred to a worker, and later data is not affected', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     parentPort.on('message', (buf) => parentPort.postMessage(Buffer.from(buf).toString('latin1')))`,
    { eval: true },
  )
  t.teardown(() => worker.terminate())
  socket.ondata = ({ data }) => worker.postMessage(data, [data])
  for (const text of ['first', 'second', 'x'.repeat(200_000)]) {
    const size = events.bytes + text.length
    let got = ''
    worker.removeAllListeners('message')
    const complete = new Promise((resolve) => {
      worker.on('message', (part) => {
        got += part
        if (got.length === text.length) resolve()
      })
    })
    peer.write(text)
    await Promise.all([complete, events.data(size)])
    t.is(got, text)
  }
})

test('gelam, tcp-socket worker: the buffer given to send() can be transferred away at once', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  for (const size of [10, 100_000]) {
    const bytes = randomBytes(size)
    const buffer = Uint8Array.from(bytes).buffer
    socket.send(buffer, 0, size)
    structuredClone(buffer, { transfer: [buffer] })
    t.is(buffer.byteLength, 0)
    t.true((await receive(peer, size)).equals(bytes))
  }
})

test('gelam: close(), then all five handlers = null, is silence and an orderly end for the peer', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const socket = mozTCPSocket.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
  own.onEnd(() => socket.closeImmediately())
  await new Promise((resolve) => (socket.onopen = resolve))
  const peer = await server.connection()
  socket.onclose = () => t.fail('the handler was taken away')
  socket.send('QUIT\r\n')
  socket.close()
  socket.onopen = socket.onerror = socket.ondata = socket.ondrain = socket.onclose = null
  t.is(String(await receive(peer)), 'QUIT\r\n')
})

test('gelam pop3: onclose alone cleans up, also after close(), and `evt && evt.data || evt` is harmless', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const closed = new Promise((resolve) => (socket.onclose = resolve))
  socket.close()
  const event = await closed
  t.is((event && event.data) || event, event)
  t.is(socket.readyState, 'closed')
  await receive(peer)
})

test('browserbox: expandos such as oncert can be set', (t) => {
  const socket = mozTCPSocket.open('127.0.0.1', 9, { tlsWorkerPath: 'tls-worker.js', ca: undefined })
  scope(t).watch(socket)
  const oncert = () => {}
  t.notThrows(() => (socket.oncert = oncert))
  t.is(socket.oncert, oncert)
})

test('browserbox: ondata, onclose, ondrain and onerror assigned inside onopen miss nothing', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.end('* OK ready\r\n'))
  const socket = mozTCPSocket.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
  own.onEnd(() => socket.closeImmediately())
  const seen = []
  await new Promise((resolve) => {
    socket.onopen = () => {
      seen.push('open')
      socket.ondata = ({ data }) => seen.push(Buffer.from(data).toString())
      socket.onerror = () => seen.push('error')
      socket.onclose = () => resolve(seen.push('close'))
    }
  })
  t.deepEqual(seen, ['open', '* OK ready\r\n', 'close'])
})

test('browserbox: the buffer of `new Uint8Array(evt.data)` holds those bytes from offset 0 and no others', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  const sent = randomBytes(300_000)
  const views = []
  socket.ondata = (evt) => views.push(new Uint8Array(evt.data))
  peer.write(sent.subarray(0, 3))
  await events.data(3)
  peer.write(sent.subarray(3))
  await events.data(sent.length)
  for (const view of views) {
    t.is(view.byteOffset, 0)
    t.is(view.buffer.byteLength, view.length)
    t.is(Object.prototype.toString.call(view.buffer), '[object ArrayBuffer]')
  }
  const again = views.map((view) => Buffer.from(new Uint8Array(view.buffer, 0, view.length)))
  t.true(Buffer.concat(again).equals(sent))
})

test('browserbox: chunks may be kept and changed, and stay as they are', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  const kept = []
  socket.ondata = ({ data }) => kept.push(new Uint8Array(data).fill(1))
  for (let i = 0; i < 20; i++) {
    peer.write(Buffer.alloc(1000, 2))
    await events.data((i + 1) * 1000)
  }
  t.true(kept.every((chunk) => chunk.every((byte) => byte === 1)))
  t.is(new Set(kept.map((chunk) => chunk.buffer)).size, kept.length)
})

test('browserbox: close() when readyState is open resolves a promise from onclose', async (t) => {
  const { socket } = await scope(t).toNode()
  await new Promise((resolve, reject) => {
    socket.onclose = resolve
    if (socket.readyState === 'open') socket.close()
    else reject(new Error(socket.readyState))
  })
  t.is(socket.readyState, 'closed')
})

test('browserbox: COMPRESS swaps ondata in the middle, and each handler gets its part', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  const seen = { plain: '', deflated: '' }
  socket.ondata = ({ data }) => {
    seen.plain += Buffer.from(data)
    socket.ondata = (evt) => (seen.deflated += Buffer.from(evt.data))
  }
  peer.write('OK begin')
  await events.data(8)
  peer.write('compressed')
  await events.data(18)
  t.deepEqual(seen, { plain: 'OK begin', deflated: 'compressed' })
})

test('browserbox, smtpclient: upgradeToSecure() and the next command in one turn', async (t) => {
  const { socket, raw } = await beforeStartTls(scope(t), { host: 'localhost' })
  socket.upgradeToSecure()
  t.true(socket.ssl)
  socket.send(Uint8Array.from(Buffer.from('EHLO me\r\n')).buffer)
  t.is(await readLine(secure(raw)), 'EHLO me')
})

test('Strophe, Thunderbird: upgradeToSecure() inside the ondata that brings the go-ahead', async (t) => {
  const own = scope(t)
  const server = await own.netServer({ allowHalfOpen: true })
  const socket = mozTCPSocket.open('localhost', server.port, { ca: trusting().ca })
  own.watch(socket)
  socket.onopen = () => socket.send('<starttls/>\r\n')
  socket.ondata = ({ data }) => {
    if (data !== '<proceed/>') return
    socket.upgradeToSecure()
    socket.send('<stream>')
  }
  const raw = await server.connection()
  await readLine(raw)
  raw.write('<proceed/>')
  t.is(String(await readExactly(secure(raw), 8)), '<stream>')
})

test('smtpclient: the boolean of send() says "go on", and ondrain comes after each false', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const results = []
  let drains = 0
  socket.ondrain = () => drains++
  for (const size of [100, 100_000, 100, 200_000]) {
    const arrived = receive(peer, size)
    const goOn = socket.send(new ArrayBuffer(size))
    results.push(goOn)
    if (!goOn) await new Promise((resolve) => socket.addEventListener('drain', resolve, { once: true }))
    await arrived
  }
  t.deepEqual(results, [true, false, true, false])
  t.is(drains, 2)
})

test('smtpclient: `event.data.proxyHostname` in onopen, and suspend(), resume(), resume() that throws', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const socket = mozTCPSocket.open('127.0.0.1', server.port, { binaryType: 'arraybuffer', ws: undefined })
  own.watch(socket)
  const event = await new Promise((resolve) => (socket.onopen = resolve))
  t.falsy(event.data && event.data.proxyHostname)
  socket.suspend()
  socket.resume()
  t.throws(() => socket.resume(), { message: /not suspended/ })
  t.is(socket.readyState, 'open')
})

test('Thunderbird: new TCPSocket, send(u8.buffer), and errors with name, message and errorCode', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const socket = new TCPSocket('127.0.0.1', server.port, {
    binaryType: 'arraybuffer',
    useSecureTransport: false,
  })
  const events = own.watch(socket)
  await events.event('open')
  const peer = await server.connection()
  socket.send(new TextEncoder().encode('EHLO [127.0.0.1]\r\n').buffer)
  t.is(String(await receive(peer, 18)), 'EHLO [127.0.0.1]\r\n')
  peer.resetAndDestroy()
  await once(peer, 'close')
  const error = await events.event('error')
  t.is(error.name, 'NetworkError')
  t.is(error.message, 'Network')
  t.is(error.errorCode, 0x804b0014)
  t.is(error.target.transport?.securityInfo, undefined)
})

test('Thunderbird POP3: when the peer sends and closes, data comes before close, each in a task of its own', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.end('+OK bye\r\n'))
  const socket = new TCPSocket('127.0.0.1', server.port)
  own.watch(socket)
  const seen = []
  await new Promise((resolve) => {
    socket.ondata = () => {
      seen.push('data')
      queueMicrotask(() => seen.push('microtask'))
    }
    socket.onclose = () => resolve(seen.push('close'))
  })
  t.deepEqual(seen, ['data', 'microtask', 'close'])
})
