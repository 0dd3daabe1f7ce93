'use strict'

// What tools can watch: the channels of docs/diagnostics.md, and the trace that is made from them. Test files run in processes of their
// own, and the tests in here one after another: channels belong to the thread.

const { spawnSync } = require('node:child_process')
const { channel, subscribe, unsubscribe } = require('node:diagnostics_channel')
const { readFileSync } = require('node:fs')
const net = require('node:net')
const { join } = require('node:path')

const test = require('ava')

const { TCPServerSocket, TCPSocket } = require('../index.js')
const { channels } = require('../lib/diagnostics.js')
const { MEANINGS, hexLines, printable } = require('../lib/platform/trace-lines.js')
const { traceSockets } = require('../trace.js')
const { makePki } = require('./helpers/pki.js')
const { scope } = require('./helpers/sockets.js')

const root = join(__dirname, '..')
const names = Object.values(channels).map(({ name }) => name)

/** Keeps all messages, as `[what, message]`, until the test ends. */
function listenToAll(t) {
  const told = []
  for (const name of names) {
    const listener = (message) => told.push([name.replace('moz-tcp-socket:', ''), message])
    subscribe(name, listener)
    t.teardown(() => unsubscribe(name, listener))
  }
  return told
}

const about = (told, target) =>
  told.filter(([, message]) => (message.socket ?? message.server) === target).map(([what]) => what)

/** Does `act` when the channel tells the first time. */
function once(t, name, act) {
  const listener = (message) => {
    unsubscribe(name, listener)
    act(message)
  }
  subscribe(name, listener)
  t.teardown(() => unsubscribe(name, listener))
}

test.serial('a connection tells everything from its making to its end', async (t) => {
  const told = listenToAll(t)
  const { server, client, accepted, clientEvents, acceptedEvents } = await scope(t).pair({}, {})
  client.send('x'.repeat(65_536))
  await clientEvents.event('drain')
  await acceptedEvents.data(65_536)
  accepted.close()
  await Promise.all([clientEvents.closed(), acceptedEvents.closed()])
  server.close()

  t.deepEqual(about(told, client), [
    'socket:created',
    'socket:open',
    'socket:send',
    'socket:drain',
    'socket:end',
    'socket:close',
  ])
  const ofAccepted = about(told, accepted)
  t.is(ofAccepted[0], 'server:accept')
  t.deepEqual(new Set(ofAccepted.slice(1, -2)), new Set(['socket:data']))
  t.deepEqual(ofAccepted.slice(-2), ['socket:closing', 'socket:close'])
  t.deepEqual(
    told.filter(([, message]) => message.server === server).map(([what]) => what),
    ['server:listen', 'server:accept', 'server:close'],
  )
})

test.serial('data and send tell the bytes themselves, how many, and what is pending', async (t) => {
  const told = listenToAll(t)
  const { client, acceptedEvents } = await scope(t).pair()
  const sent = Uint8Array.of(1, 2, 3, 4)
  client.send(sent.buffer, 1, 2)
  client.send('abc')
  await acceptedEvents.data(5)
  const [[, first], [, second]] = told.filter(([what]) => what === 'socket:send')
  t.is(first.data.buffer, sent.buffer)
  t.deepEqual([...first.data], [2, 3])
  t.like(first, { byteLength: 2, bufferedAmount: 2 })
  t.like(second, { data: 'abc', byteLength: 3, bufferedAmount: 5 })
  const received = told.filter(([what]) => what === 'socket:data').map(([, message]) => message)
  const events = acceptedEvents.events.filter(({ type }) => type === 'data')
  t.deepEqual(
    received.map(({ data }) => data),
    events.map(({ data }) => data),
  )
  for (const [index, { data, byteLength }] of received.entries()) {
    t.is(data, events[index].data)
    t.is(byteLength, data.byteLength)
  }
})

test.serial('an error is told with the Error that the event has', async (t) => {
  const told = listenToAll(t)
  const probe = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  const [socket, events] = scope(t).open('127.0.0.1', port)
  await events.closed()
  t.deepEqual(about(told, socket), ['socket:created', 'socket:error', 'socket:close'])
  const [, { error }] = told.find(([what]) => what === 'socket:error')
  t.is(error, events.events[0].data)
  t.is(error.name, 'ConnectionRefusedError')
})

test.serial('a socket that is closed while it connects tells that the application did so', async (t) => {
  const told = listenToAll(t)
  const own = scope(t)
  const { port } = own.listen()
  const [socket, events] = own.open('127.0.0.1', port)
  socket.close()
  await events.closed()
  t.deepEqual(about(told, socket), ['socket:created', 'socket:closing', 'socket:close'])
})

test.serial('upgradeToSecure tells of both sides', async (t) => {
  const { ca, cert, key } = makePki()
  const told = listenToAll(t)
  const { client, accepted, clientEvents } = await scope(t).pair({ ca }, { cert, key })
  accepted.upgradeToSecure()
  client.upgradeToSecure()
  accepted.send('hello')
  await clientEvents.data(5)
  for (const socket of [client, accepted]) {
    t.is(about(told, socket).filter((what) => what === 'socket:upgrade').length, 1)
  }
})

test.serial('a constructor that throws tells nothing', (t) => {
  const told = listenToAll(t)
  t.throws(() => new TCPSocket('', 1))
  t.throws(() => new TCPServerSocket(70_000))
  t.deepEqual(told, [])
})

test.serial('no data and no drain come once a tool has closed the socket', async (t) => {
  const { client, accepted, clientEvents, acceptedEvents } = await scope(t).pair({}, {})
  once(t, 'moz-tcp-socket:socket:data', ({ socket }) => socket.close())
  client.send('x')
  t.deepEqual(await acceptedEvents.closed(), ['close'])
  t.is(acceptedEvents.bytes, 0)
  t.is(accepted.readyState, 'closed')
  await clientEvents.closed()

  const second = await scope(t).pair({}, {})
  once(t, 'moz-tcp-socket:socket:drain', ({ socket }) => socket.closeImmediately())
  second.client.send('x'.repeat(65_536))
  t.deepEqual(await second.clientEvents.closed(), ['open', 'close'])
})

test.serial('open does not come once a tool has closed the socket', async (t) => {
  const own = scope(t)
  const { port } = own.listen()
  once(t, 'moz-tcp-socket:socket:open', ({ socket }) => socket.close())
  const [, events] = own.open('127.0.0.1', port)
  t.deepEqual(await events.closed(), ['close'])
})

test.serial('a server that a tool closes when it accepts fires no connect', async (t) => {
  const own = scope(t)
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  own.onEnd(() => server.close())
  server.onconnect = () => t.fail('it is closed')
  once(t, 'moz-tcp-socket:server:accept', (message) => message.server.close())
  const [, events] = own.open('127.0.0.1', server.localPort)
  await events.event('close')
  t.pass()
})

/** Runs `code` in a process, with what NODE_DEBUG is to be. */
function runWith(NODE_DEBUG, code) {
  const { NODE_DEBUG: _, ...env } = process.env
  return spawnSync(process.execPath, ['-e', code], {
    cwd: root,
    encoding: 'utf8',
    timeout: 30_000,
    env: NODE_DEBUG === undefined ? env : { ...env, NODE_DEBUG },
  })
}

const TALK = `
  const { TCPSocket, TCPServerSocket } = require('./index.js')
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  server.onconnect = ({ socket }) => { socket.ondata = ({ data }) => { socket.send(data); socket.close() } }
  const socket = new TCPSocket('127.0.0.1', server.localPort)
  socket.onopen = () => socket.send('PASS sesame')
  socket.ondata = ({ data }) => console.log(data)
  socket.onclose = () => server.close()`

test.serial('NODE_DEBUG=moztcp prints a trace to stderr, without the bytes', (t) => {
  const { status, stdout, stderr } = runWith('moztcp', TALK)
  t.is(status, 0)
  t.is(stdout, 'PASS sesame\n')
  for (const line of [
    /^MOZTCP \d+: \d\d:\d\d:\d\d\.\d{3} #1 listens at 127\.0\.0\.1:\d+$/m,
    /#2 connects to 127\.0\.0\.1:\d+$/m,
    /#\d accepted by #1 from 127\.0\.0\.1:\d+$/m,
    /#2 open: 127\.0\.0\.1:\d+ from 127\.0\.0\.1:\d+$/m,
    /#2 send: 11 bytes, 11 pending$/m,
    /#2 data: 11 bytes$/m,
    /#2 the peer ends$/m,
    /#2 closed: 11 received, 11 sent$/m,
    /#1 listens no longer$/m,
  ])
    t.regex(stderr, line)
  t.notRegex(stderr, /sesame|73 65 73/)
})

test.serial('NODE_DEBUG=moztcp-hex shows the bytes as well', (t) => {
  const { stderr } = runWith('moztcp-hex', TALK)
  t.regex(stderr, /00000000 {2}50 41 53 53 20 73 65 73 {2}61 6d 65 +\|PASS sesame\|/)
})

test.serial('without it nothing is printed, and nobody listens', (t) => {
  for (const value of [undefined, 'net', 'moz']) t.is(runWith(value, TALK).stderr, '', value)
  for (const name of names) t.false(channel(name).hasSubscribers, name)
})

test.serial('a second copy of the facade in the thread does not trace everything twice', (t) => {
  const { stderr } = runWith(
    'moztcp',
    `require('./index.js'); for (const key of Object.keys(require.cache)) delete require.cache[key]\n${TALK}`,
  )
  t.is(stderr.match(/connects to/g).length, 1)
})

test.serial('keys and passphrases are in no line of a trace with hex', (t) => {
  const { ca, cert, key } = makePki()
  const { status, stderr } = runWith(
    'moztcp,moztcp-hex',
    `const { TCPSocket, TCPServerSocket } = require('./index.js')
     const [ca, cert, key] = ${JSON.stringify([ca, cert, key])}
     const server = new TCPServerSocket(0, { localAddress: '127.0.0.1', cert, key, useSecureTransport: true })
     server.onconnect = ({ socket }) => { socket.send('hello'); socket.close() }
     const socket = new TCPSocket('localhost', server.localPort, { ca, useSecureTransport: true })
     socket.onclose = () => server.close()`,
  )
  t.is(status, 0)
  t.regex(stderr, /TLS: TLSv1\.3, TLS_\w+, for localhost$/m)
  t.regex(stderr, /#\d+ {3}subject CN=localhost$/m)
  t.regex(stderr, /#\d+ {3}issuer {2}CN=Throwaway-CA$/m)
  t.regex(stderr, /#\d+ {3}valid {3}\w.*GMT to .*GMT$/m)
  t.regex(stderr, /#\d+ {3}sha256 {2}(?:[\dA-F]{2}:){31}[\dA-F]{2}$/m)
  t.notRegex(stderr, /PRIVATE|CERTIFICATE-----/)
  t.false(stderr.includes(key.split('\n')[1]))
})

test.serial('traceSockets traces those that it is to, and stops', async (t) => {
  const own = scope(t)
  const { server, port, accepted } = own.listen()
  const lines = []
  const only = new WeakSet([server])
  const stop = traceSockets((line) => lines.push(line), { only })
  t.teardown(stop)
  const [client, events] = own.open('127.0.0.1', port)
  const [[socket]] = await Promise.all([accepted(), events.event('open')])
  socket.send('1')
  await events.data(1)
  stop()
  socket.send('22')
  await events.data(3)
  t.is(lines.length, 2)
  t.regex(lines[0], /accepted by #\d+ from/)
  t.regex(lines[1], /send: 1 byte, 1 pending$/)
  t.false(only.has(client))
  t.true(only.has(socket))
})

test('traceSockets says what is wrong with its arguments', (t) => {
  t.throws(() => traceSockets(), { instanceOf: TypeError, message: /write/ })
  t.throws(() => traceSockets(() => {}, { hex: 1 }), { instanceOf: TypeError, message: /hex/ })
  t.throws(() => traceSockets(() => {}, { only: [] }), { instanceOf: TypeError, message: /only/ })
})

test('what a peer chose cannot control the terminal', (t) => {
  t.is(printable('a\u001b[31mb\nc\u009bd\u202ee ä 漢'), 'a\\x1b[31mb\\x0ac\\x9bd\\u{202e}e ä 漢')
})

test('bytes are shown in lines of sixteen, of long pieces the beginning', (t) => {
  t.deepEqual(hexLines(''), [])
  t.deepEqual(hexLines(Uint8Array.from({ length: 17 }, (_, index) => index + 60).buffer), [
    '00000000  3c 3d 3e 3f 40 41 42 43  44 45 46 47 48 49 4a 4b  |<=>?@ABCDEFGHIJK|',
    '00000010  4c                                                |L|',
  ])
  const long = hexLines('x'.repeat(70_000))
  t.is(long.length, 4097)
  t.is(long.at(-1), '… 4464 bytes more')
})

test('every error of the engine has a meaning', (t) => {
  const engine = readFileSync(join(root, 'src/net/error.rs'), 'utf8')
  const errors = [...engine.matchAll(/^ {2}(\w+Error), \w+, 0x/gm)].map(([, name]) => name)
  t.deepEqual(Object.keys(MEANINGS).sort(), errors.sort())
})

test('docs/diagnostics.md and the types have every channel, and no other', (t) => {
  t.true(names.length > 10)
  const documented = readFileSync(join(root, 'docs/diagnostics.md'), 'utf8')
  const listed = [...documented.matchAll(/^\| `(moz-tcp-socket:[\w:]+)` +\|/gm)].map(([, name]) => name)
  t.deepEqual(listed, names)
  const typed = readFileSync(join(root, 'index.d.ts'), 'utf8')
  t.deepEqual(
    [...typed.matchAll(/^ {2}'(moz-tcp-socket:[\w:]+)':/gm)].map(([, name]) => name),
    names,
  )
})
