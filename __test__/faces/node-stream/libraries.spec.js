'use strict'

// Libraries of npm, unmodified, over toNodeStream in place of their net.Socket, against real servers.

const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')

const { Aedes } = require('aedes')
const test = require('ava')
const Redis = require('ioredis')
const mqtt = require('mqtt')
const nodemailer = require('nodemailer')
const { Client } = require('pg')
const { WebSocket, WebSocketServer } = require('ws')

const { TCPServerSocket } = require('moz-tcp-socket')
const direct = require('moz-tcp-socket/direct')
const { LOGIN, smtpServer } = require('../../helpers/mail-servers.js')
const { hasTools, serialWhere } = require('../../helpers/needs.js')
const { startServer, temporaryDirectory } = require('../../helpers/peers.js')
const { binaries, startPostgres } = require('../../helpers/postgres.js')
const { certificate } = require('../../helpers/pki-matrix.js')
const { scope } = require('../../helpers/sockets.js')
const { FACES, WITH_CONTROL, listening, testFaces, toNodeStream } = require('./support.js')

const testRedis = serialWhere(test, hasTools('redis-server'), 'redis-server')
const testPostgres = serialWhere(test, binaries() !== undefined, 'postgresql')

function startRedis(own) {
  const dir = temporaryDirectory(own)
  const quiet = ['--save', '', '--appendonly', 'no', '--dir', dir, '--unixsocket', '']
  const command = (port) => ['redis-server', '--port', `${port}`, '--bind', '127.0.0.1', ...quiet]
  return startServer(own, /Ready to accept connections/, command)
}

/** What ioredis makes its connections with. */
function connectorOf(connect) {
  return class Connector {
    constructor(options) {
      this.options = options
    }

    check() {
      return true
    }

    disconnect() {
      this.stream?.end()
    }

    async connect() {
      this.stream = connect(this.options.port, this.options.host)
      return this.stream
    }
  }
}

testFaces(testRedis, FACES, 'ioredis pipelines, subscribes and reconnects', async (t, connect) => {
  const own = scope(t)
  const { port } = await startRedis(own)
  const options = { host: '127.0.0.1', port, keepAlive: 1000, Connector: connectorOf(connect) }
  const redis = new Redis(options)
  const subscriber = new Redis(options)
  own.onEnd(() => [redis, subscriber].forEach((client) => client.disconnect()))
  const value = Buffer.alloc(300_000, 'é\0')
  await redis.set('much', value)
  t.true((await redis.getBuffer('much')).equals(value))
  const pipeline = redis.pipeline()
  for (let i = 0; i < 2000; i++) pipeline.incr('count')
  t.deepEqual((await pipeline.exec()).at(-1), [null, 2000])
  await subscriber.subscribe('news')
  const heard = once(subscriber, 'message')
  await redis.publish('news', 'hello')
  t.deepEqual(await heard, ['news', 'hello'])
  // The server ends the connection of the other client, which connects again by itself.
  const ended = once(subscriber, 'reconnecting')
  await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await ended
  await once(subscriber, 'ready')
  // Without an answer `quit` would not resolve.
  t.is(await redis.quit(), 'OK')
  await once(redis, 'end')
})

testPostgres('pg queries in plaintext and with TLS above the stream', async (t) => {
  const own = scope(t)
  const { ca, ...place } = await startPostgres(own)
  for (const connect of Object.values(FACES)) {
    for (const ssl of [false, { ca, servername: 'localhost' }]) {
      const stream = () => connect(place.port, '127.0.0.1')
      const client = new Client({ ...place, host: '127.0.0.1', ssl, stream, keepAlive: true })
      await client.connect()
      const { rows } = await client.query(
        'select i, repeat($1, 100) as text from generate_series(1, 2000) as i',
        ['ä'],
      )
      t.is(rows.length, 2000)
      t.true(rows.every(({ i, text }, at) => i === at + 1 && text === 'ä'.repeat(100)))
      const { rows: secure } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
      t.is(secure[0].ssl, Boolean(ssl))
      await t.throwsAsync(client.query('select nothing'), { code: '42703' })
      await client.end()
    }
  }
})

testFaces(test, FACES, 'nodemailer delivers by STARTTLS and a login', async (t, connect) => {
  const server = await smtpServer(scope(t))
  const transport = nodemailer.createTransport({
    host: 'localhost',
    port: server.port,
    auth: LOGIN,
    requireTLS: true,
    tls: { ca: certificate('root').ca },
  })
  transport.getSocket = ({ port }, callback) => {
    const connection = connect(port)
    connection.once('connect', () => callback(null, { connection }))
    connection.once('error', callback)
  }
  const text = `${'line\n'.repeat(20_000)}.\nend`
  const { accepted } = await transport.sendMail({
    from: 'reader@example.org',
    to: 'writer@example.org',
    subject: 'Hello',
    text,
  })
  t.deepEqual(accepted, ['writer@example.org'])
  await server.served()
  t.true(server.commands.includes('tls AUTH') && !server.commands.includes('plain AUTH'))
  const [{ body }] = server.messages
  const received = body.split('\r\n\r\n').slice(1).join('\r\n\r\n').trimEnd()
  t.true(received === text.replaceAll('\n', '\r\n'))
})

testFaces(test, FACES, 'mqtt publishes and subscribes with every quality of service', async (t, connect) => {
  const broker = await Aedes.createBroker()
  t.teardown(() => broker.close())
  const port = await listening(t, net.createServer(broker.handle))

  const own = new mqtt.MqttClient(() => connect(port), { reconnectPeriod: 0, protocol: 'mqtt' })
  t.teardown(() => own.end(true))
  await own.subscribeAsync('news/#', { qos: 2 })
  const got = []
  const all = new Promise((resolve) => {
    own.on('message', (topic, payload) => {
      got.push(`${topic} ${payload.length}`)
      if (got.length === 30) resolve()
    })
  })
  for (let i = 0; i < 30; i++)
    await own.publishAsync(`news/${i % 3}`, Buffer.alloc(i * 1000, i), { qos: i % 3 })
  await all
  t.deepEqual(got.sort(), Array.from({ length: 30 }, (_, i) => `news/${i % 3} ${i * 1000}`).sort())
  await own.endAsync()
})

testFaces(
  test,
  WITH_CONTROL,
  'http.request posts and gets through an Agent that keeps it alive',
  async (t, connect) => {
    let connections = 0
    const server = http.createServer((request, response) => request.pipe(response))
    server.on('connection', () => connections++)
    const port = await listening(t, server)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    agent.createConnection = ({ port: to, host }) => connect(to, host)
    t.teardown(() => agent.destroy())
    const body = Buffer.alloc(700_000, 'http')
    for (let i = 0; i < 3; i++) {
      const request = http.request({ host: '127.0.0.1', port, method: 'POST', agent, timeout: 20_000 })
      request.end(body)
      const [response] = await once(request, 'response')
      const chunks = []
      for await (const chunk of response) chunks.push(chunk)
      t.true(Buffer.concat(chunks).equals(body))
    }
    t.is(connections, 1)
  },
)

testFaces(test, WITH_CONTROL, 'an http.Server serves it as a connection', async (t, connect) => {
  const web = http.createServer((request, response) => request.pipe(response))
  // Backwards: the one that connects is the server of HTTP.
  const port = await listening(
    t,
    net.createServer({ allowHalfOpen: true }, (socket) => accepted(socket)),
  )
  let accepted
  const socket = new Promise((resolve) => (accepted = resolve))
  web.emit('connection', connect(port))
  const inner = await socket
  const createConnection = () => inner
  const request = http.request({ method: 'PUT', createConnection, headers: { connection: 'close' } })
  request.end('hello')
  const [response] = await once(request, 'response')
  t.is(response.statusCode, 200)
  t.is((await response.toArray()).join(''), 'hello')
})

/** Listeners, by face: each calls `serve(socket)` for what it accepts, and resolves with its port. */
const LISTENERS = {
  async 'Firefox OS'(t, serve) {
    const listener = new TCPServerSocket(0)
    t.teardown(() => listener.close())
    listener.onconnect = ({ socket }) => serve(socket)
    return listener.localPort
  },
  async direct(t, serve) {
    const listener = new direct.TCPServerSocket('127.0.0.1')
    const { readable, localPort } = await listener.opened
    const reader = readable.getReader()
    t.teardown(() => reader.cancel())
    void (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) serve(next.value)
    })()
    return localPort
  },
}

for (const [face, listen] of Object.entries(LISTENERS)) {
  test(`an http.Server serves what a listener has accepted (${face})`, async (t) => {
    const web = http.createServer((request, response) => {
      const { remotePort } = request.socket
      request.toArray().then((chunks) => response.end(`${remotePort} ${Buffer.concat(chunks).length}`))
    })
    const port = await listen(t, (socket) =>
      web.emit('connection', toNodeStream(socket, { allowHalfOpen: true })),
    )
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })
    t.teardown(() => agent.destroy())
    const get = async () => {
      const request = http
        .request({ host: '127.0.0.1', port, agent, method: 'POST' })
        .end(Buffer.alloc(200_000))
      const [response] = await once(request, 'response')
      const { localPort } = request.socket
      return (await response.toArray()).join('') === `${localPort} 200000`
    }
    const answers = await Promise.all(Array.from({ length: 40 }, get))
    t.true(answers.every(Boolean))
  })
}

testFaces(test, WITH_CONTROL, 'ws talks over it, with pings and a close handshake', async (t, connect) => {
  const server = http.createServer()
  const sockets = new WebSocketServer({ server })
  t.teardown(() => sockets.close())
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  )
  const port = await listening(t, server)
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { createConnection: () => connect(port) })
  t.teardown(() => client.terminate())
  await once(client, 'open')
  for (const size of [0, 1, 126, 70_000, 1_000_000]) {
    client.send(Buffer.alloc(size, 7))
    const [data] = await once(client, 'message')
    t.true(data.equals(Buffer.alloc(size, 7)))
  }
  const pong = once(client, 'pong')
  client.ping('p')
  await pong
  client.close(1000, 'bye')
  const [code, reason] = await once(client, 'close')
  t.deepEqual([code, `${reason}`], [1000, 'bye'])
})
