'use strict'

// Handlers, as applications set and use them: whenever they like, with `this`, with events that they identify by
// target, and with exceptions (users.md sections 2 and 5, item 10).

const { once } = require('node:events')

const test = require('ava')

const api = require('../../index.js')
const { settle } = require('../gecko/helpers/trial.js')
const { arrayBuffer, mozTCPSocket, scope } = require('../helpers/sockets.js')

const TYPES = ['open', 'data', 'drain', 'error', 'close']

/** A socket of the first generation to a server that calls `serve(raw)`. */
async function openTo(t, serve, options) {
  const own = scope(t)
  const server = await own.netServer({}, serve)
  const socket = mozTCPSocket.open('127.0.0.1', server.port, options)
  own.onEnd(() => socket.closeImmediately())
  return { socket, server, closed: new Promise((resolve) => socket.addEventListener('close', resolve)) }
}

test('nothing is delivered in the turn of open(), so handlers may be set in any order there', async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.end('data'))
  const seen = []
  for (const type of [...TYPES].reverse()) socket[`on${type}`] = (event) => seen.push(event.type)
  await closed
  t.deepEqual(seen, ['open', 'data', 'close'])
})

test('Commander: handlers that are set after the last event get nothing, close included', async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.end('data'))
  await closed
  const seen = []
  for (const type of TYPES) socket[`on${type}`] = (event) => seen.push(event.type)
  await settle(api)
  t.deepEqual(seen, [])
  t.is(socket.readyState, 'closed')
})

test("fxos-irc: handlers set by name, conn['on' + name] = …, get 'data' in event for each of them", async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.end('x'))
  const seen = []
  for (const name of TYPES) {
    socket[`on${name}`] = function (event) {
      seen.push([name, 'data' in event, event.type === name])
    }
  }
  await closed
  t.deepEqual(seen, [
    ['open', true, true],
    ['data', true, true],
    ['close', true, true],
  ])
})

test('event.data is an empty string on open, drain and close', async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.resume().on('end', () => raw.end()))
  const seen = {}
  for (const type of ['open', 'drain', 'close']) socket[`on${type}`] = ({ data }) => (seen[type] = data)
  socket.addEventListener('open', () => {
    socket.send('x'.repeat(100_000))
    socket.close()
  })
  await closed
  t.deepEqual(seen, { open: '', drain: '', close: '' })
})

test('roBrowser: `this` is the socket in every handler', async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.once('data', () => raw.end('x')))
  const owners = {}
  for (const type of TYPES) {
    socket[`on${type}`] = function () {
      owners[type] = this
      if (type === 'open') this.send('x'.repeat(100_000))
      if (type === 'close') this.close()
    }
  }
  await closed
  t.true(['open', 'data', 'close'].every((type) => owners[type] === socket))
})

test('MozillaOnline assistant: pools find their socket by the identity of event.target', async (t) => {
  const own = scope(t)
  const server = await own.netServer({}, (raw) => raw.end('x'))
  const pool = new Map()
  const found = []
  const closed = Array.from({ length: 5 }, (_, i) => {
    const socket = mozTCPSocket.open('127.0.0.1', server.port)
    pool.set(socket, i)
    return new Promise((resolve) => {
      socket.ondata = (event) => found.push(pool.get(event.target))
      socket.onclose = (event) => resolve(event.target === socket && event.currentTarget === socket)
    })
  })
  t.true((await Promise.all(closed)).every(Boolean))
  t.deepEqual(
    found.sort((a, b) => a - b),
    [0, 1, 2, 3, 4],
  )
})

test('MozillaOnline heartbeat: a socket with onclose alone', async (t) => {
  const { socket } = await openTo(t, (raw) => raw.end('unread'))
  await new Promise((resolve) => (socket.onclose = resolve))
  t.is(socket.readyState, 'closed')
})

test('irc.js: no onopen at all; the first data says that it is open', async (t) => {
  const { socket } = await openTo(t, (raw) => raw.write(':irc.test NOTICE * :hello\r\n'))
  await new Promise((resolve) => (socket.ondata = resolve))
  t.is(socket.readyState, 'open')
  t.true(socket.send('NICK me\r\n'))
})

test('FoxyMPD: ondata re-assigned for each command, from inside the handler before', async (t) => {
  const { socket } = await openTo(t, (raw) => raw.on('data', (bytes) => raw.write(`OK ${bytes}`)))
  await new Promise((resolve) => (socket.onopen = resolve))
  const answers = []
  const commands = ['status', 'currentsong', 'playlist']
  await new Promise((resolve) => {
    const next = () => {
      const command = commands.shift()
      if (command === undefined) return resolve()
      socket.ondata = ({ data }) => {
        answers.push([command, data])
        next()
      }
      socket.send(command)
    }
    next()
  })
  t.deepEqual(answers, [
    ['status', 'OK status'],
    ['currentsong', 'OK currentsong'],
    ['playlist', 'OK playlist'],
  ])
})

test('null, undefined and values that are no functions silence a handler, and read as null', async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.end('x'))
  for (const value of [null, undefined, 0, '', 'text', 42, false]) {
    socket.ondata = () => t.fail('was replaced')
    socket.ondata = value
    t.is(socket.ondata, null)
  }
  socket.onopen = {}
  await closed
})

test('CIRCuit: bound methods as handlers are called, and read back as they were set', async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.end('x'))
  const client = {
    seen: [],
    onData(event) {
      this.seen.push(event.data)
    },
  }
  const bound = client.onData.bind(client)
  socket.ondata = bound
  t.is(socket.ondata, bound)
  await closed
  t.deepEqual(client.seen, ['x'])
})

test('kaios.dev article: addEventListener for data and close, next to handlers, in order', async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.end('x'))
  const seen = []
  socket.addEventListener('data', ({ type }) => seen.push(`first ${type}`))
  socket.ondata = () => seen.push('handler')
  socket.addEventListener('data', { handleEvent: () => seen.push('object') })
  socket.addEventListener('data', () => seen.push('once'), { once: true })
  const gone = () => seen.push('removed')
  socket.addEventListener('data', gone)
  socket.removeEventListener('data', gone)
  await closed
  t.deepEqual(seen, ['first data', 'handler', 'object', 'once'])
})

test('WebAPI_pf: all events can be queued and replayed later, with their data', async (t) => {
  const { socket, closed } = await openTo(t, (raw) => raw.end('abc'), { binaryType: 'arraybuffer' })
  const queue = []
  for (const type of TYPES) socket[`on${type}`] = (event) => queue.push(event)
  await closed
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(
    queue.map(({ type }) => type),
    ['open', 'data', 'close'],
  )
  t.true(queue.every(({ target }) => target === socket))
  t.deepEqual(new Uint8Array(queue[1].data), new Uint8Array(arrayBuffer(Buffer.from('abc'))))
})

test.serial('gelam, fxos-irc: an exception in a handler is reported, and the socket lives on', async (t) => {
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const uncaught = []
  process.on('uncaughtException', (error) => uncaught.push(error))
  t.teardown(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  const { socket, closed } = await openTo(t, (raw) => {
    raw.on('data', (bytes) => raw.write(bytes))
    raw.on('end', () => raw.end())
  })
  const thrown = []
  const seen = []
  const throwIn = (type) => () => {
    seen.push(type)
    thrown.push(new Error(type))
    throw thrown.at(-1)
  }
  for (const type of TYPES) socket[`on${type}`] = throwIn(type)
  await once(socket, 'open')
  socket.send('echo')
  await once(socket, 'data')
  t.is(socket.readyState, 'open')
  t.true(socket.send('again'))
  await once(socket, 'data')
  socket.close()
  await closed
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(seen, ['open', 'data', 'data', 'close'])
  t.deepEqual(uncaught, thrown)
})
