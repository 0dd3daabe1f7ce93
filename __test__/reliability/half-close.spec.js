'use strict'

// REL-45, REL-46 and REL-47: a peer that ended but still reads, a peer that is gone, and a connection that the kernel
// itself ended.

const { spawnSync } = require('node:child_process')
const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')

const test = require('ava')

const { ask } = require('../fixtures/reliability/children.js')
const { hasTools, testOn, testWhere } = require('../helpers/needs.js')
const { receive, scope } = require('../helpers/sockets.js')

const MIB = 1 << 20

test('REL-45: when the peer ended, what was queued for it is still sent, then comes close', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode(undefined, { pauseOnConnect: true, allowHalfOpen: true })
  const source = randomBytes(16 * MIB)
  socket.send(source)
  peer.write('last words')
  peer.end()
  t.is(String(await events.data(10)), 'last words')
  const all = await receive(peer)
  t.true(all.equals(source), `${all.length} bytes`)
  t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
})

test('REL-45: as long as something is queued the socket is open, and more may be sent', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode(undefined, { pauseOnConnect: true, allowHalfOpen: true })
  socket.send(new ArrayBuffer(16 * MIB))
  peer.end()
  const echo = await own.toNode()
  echo.peer.pipe(echo.peer)
  echo.socket.send('?')
  await echo.events.data(1)
  t.is(socket.readyState, 'open')
  socket.send('one more')
  const all = await receive(peer)
  t.is(all.length, 16 * MIB + 8)
  t.is(String(all.subarray(-8)), 'one more')
  t.deepEqual(await events.closed(), ['open', 'drain', 'close'])
})

test('REL-45: what is sent from the handler of the last data is delivered as well', async (t) => {
  const own = scope(t)
  const server = await own.netServer({ allowHalfOpen: true }, (peer) => peer.end('question'))
  const [socket, events] = own.open('127.0.0.1', server.port)
  socket.ondata = () => socket.send('answer')
  const peer = await server.connection()
  t.is(String(await receive(peer)), 'answer')
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('REL-45: a drain that is due comes before close, also where the kernel took everything at once', async (t) => {
  const own = scope(t)
  const { port, accepted } = own.listen({ binaryType: 'arraybuffer' })
  const peer = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  own.onEnd(() => peer.destroy())
  // In one segment, so that the end is known when the data come.
  peer.end('question')
  const [socket] = await accepted()
  const [piece, pieces] = [new ArrayBuffer(100 * 1024), 10]
  let left = pieces
  const answer = () => {
    while (left > 0) {
      left--
      if (!socket.send(piece)) return
    }
    socket.close()
  }
  socket.ondata = socket.ondrain = answer
  t.is((await receive(peer)).length, pieces * piece.byteLength, `${left} pieces were never asked for`)
})

test('REL-45: an idle socket answers the end with its own', async (t) => {
  const { events, peer } = await scope(t).toNode(undefined, { allowHalfOpen: true })
  peer.end()
  peer.resume()
  await once(peer, 'end')
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('REL-46: writing to a peer that is gone is error and close, then it throws; no signal shows', async (t) => {
  const stories = ['reset', 'end'].flatMap((how) => [
    [how, 'listening'],
    [how, 'forgotten'],
  ])
  for (const story of stories) {
    const { types, code, name, late, signals } = await ask(scope(t), 'write-to-the-dead.js', story)
    t.log(story.join(), code)
    t.deepEqual(types, ['open', 'error', 'close'])
    t.is(name, 'NetworkError')
    t.true(['ECONNRESET', 'EPIPE'].includes(code), code)
    t.is(late, 'NS_ERROR_FAILURE')
    t.is(signals, 0, 'SIGPIPE arrived')
  }
})

/** Kills the connections to `port`, and returns what `ss` says: a line for each. */
const KILL = (port) =>
  String(spawnSync('ss', ['-tnK', 'dst', '127.0.0.1', 'dport', '=', String(port)]).stdout)

/** Whether the kernel does it: one without INET_DIAG_DESTROY answers as if there were nothing to kill. */
function canKill() {
  const script = `
    const { spawnSync } = require('node:child_process')
    const net = require('node:net')
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      net.connect(port, '127.0.0.1', () => process.exit((${KILL})(port).includes(':' + port) ? 0 : 1))
    })`
  return spawnSync(process.execPath, ['-e', script], { timeout: 20_000 }).status === 0
}

const hasSs = process.platform === 'linux' && process.getuid() === 0 && hasTools('ss')
const withKill = hasSs
  ? testOn(test.serial, canKill(), 'a kernel with INET_DIAG_DESTROY')
  : testWhere(test.serial, false, 'Linux with root and ss')

withKill('REL-47: a connection that the kernel kills is error and close at both ends', async (t) => {
  const own = scope(t)
  const listening = own.listen({ binaryType: 'arraybuffer' })
  const [, clientEvents] = own.open('127.0.0.1', listening.port, { binaryType: 'arraybuffer' })
  const [[, acceptedEvents]] = await Promise.all([listening.accepted(), clientEvents.event('open')])
  t.true(KILL(listening.port).includes(`:${listening.port}`), 'ss has killed nothing')
  t.deepEqual(await clientEvents.closed(), ['open', 'error', 'close'])
  t.deepEqual(await acceptedEvents.closed(), ['error', 'close'])
  const codes = [clientEvents, acceptedEvents].map(
    ({ events }) => events.find(({ type }) => type === 'error').data.code,
  )
  t.deepEqual(codes, ['ECONNABORTED', 'ECONNRESET'])
})
