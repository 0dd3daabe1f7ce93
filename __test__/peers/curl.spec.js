'use strict'

// curl against an HTTP/1.1 responder on TCPServerSocket: keep-alive, pipelines of requests on one connection, big
// bodies both ways with drain, HEAD, and the end of a connection as the end of a body.

const { createHash, randomBytes } = require('node:crypto')
const { readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { run, temporaryDirectory, testWith } = require('../helpers/peers.js')
const { TCPServerSocket, scope } = require('../helpers/sockets.js')

const BIG = 20 * 1024 * 1024

/**
 * A server that calls `respond(request, connection)` for each request: `{ method, path, body }`, and a connection with
 * `head(status, headers)` and `write(bytes)`, which waits for drain. Counts its connections.
 */
function httpServer(own, respond) {
  const state = { connections: 0, drains: 0, full: 0, answered: Promise.resolve() }
  const server = new TCPServerSocket(0, { binaryType: 'arraybuffer' })
  server.onconnect = ({ socket }) => {
    state.connections++
    let input = Buffer.alloc(0)
    let busy = Promise.resolve()
    let drained = () => {}
    socket.ondrain = () => {
      state.drains++
      drained()
    }
    const connection = {
      socket,
      head: (status, headers) => {
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
        socket.send(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`)
      },
      write: async (bytes) => {
        if (socket.send(bytes)) return
        state.full++
        await new Promise((resolve) => (drained = resolve))
      },
    }
    socket.ondata = ({ data }) => {
      input = Buffer.concat([input, Buffer.from(data)])
      for (;;) {
        const request = takeRequest()
        if (!request) break
        busy = state.answered = busy.then(() => respond(request, connection))
      }
    }
    const takeRequest = () => {
      const end = input.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = input.toString('latin1', 0, end)
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
      if (input.length < end + 4 + length) return
      const body = input.subarray(end + 4, end + 4 + length)
      input = input.subarray(end + 4 + length)
      const [method, path] = head.split(' ', 2)
      return { method, path, body }
    }
  }
  own.onEnd(() => server.close())
  return Object.assign(state, { url: `http://127.0.0.1:${server.localPort}` })
}

const curl = (...args) => run('curl', ['--silent', '--show-error', '--noproxy', '*', ...args])

testWith(test, 'curl', 'three requests use one connection', async (t) => {
  const server = httpServer(scope(t), ({ path }, connection) => {
    connection.head('200 OK', { 'Content-Length': path.length })
    return connection.write(path)
  })
  const { code, stdout, stderr } = await curl(`${server.url}/a`, `${server.url}/bc`, `${server.url}/def`)
  t.is(code, 0, stderr)
  t.is(String(stdout), '/a/bc/def')
  t.is(server.connections, 1)
})

testWith(
  test,
  'curl',
  'a body of 20 MB arrives whole, with a drain for each time that send said false',
  async (t) => {
    const body = randomBytes(BIG)
    const server = httpServer(scope(t), async (request, connection) => {
      connection.head('200 OK', { 'Content-Length': BIG })
      for (let at = 0; at < BIG; at += 200_000) await connection.write(body.subarray(at, at + 200_000))
    })
    const { code, stdout, stderr } = await curl(server.url)
    t.is(code, 0, stderr)
    t.true(stdout.equals(body))
    await server.answered
    t.is(server.full, Math.ceil(BIG / 200_000))
    t.is(server.drains, server.full)
  },
)

testWith(test, 'curl', 'a body of 20 MB from curl arrives whole', async (t) => {
  const own = scope(t)
  const body = randomBytes(BIG)
  const file = join(temporaryDirectory(own), 'body')
  writeFileSync(file, body)
  const server = httpServer(own, (request, connection) => {
    const digest = createHash('sha256').update(request.body).digest('hex')
    connection.head('200 OK', { 'Content-Length': digest.length })
    return connection.write(digest)
  })
  const { code, stdout, stderr } = await curl('--header', 'Expect:', '--data-binary', `@${file}`, server.url)
  t.is(code, 0, stderr)
  t.is(String(stdout), createHash('sha256').update(body).digest('hex'))
})

testWith(test, 'curl', 'HEAD gets a head and no body, and the connection goes on', async (t) => {
  const server = httpServer(scope(t), ({ method }, connection) => {
    connection.head('200 OK', { 'Content-Length': 5 })
    return method === 'HEAD' ? undefined : connection.write('hello')
  })
  const { code, stdout, stderr } = await curl('--head', server.url, '--next', '--silent', server.url)
  t.is(code, 0, stderr)
  t.is(String(stdout), 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
})

testWith(test, 'curl', 'a body without a length ends with close(), which delivers all of it', async (t) => {
  const body = randomBytes(3 * 1024 * 1024)
  const server = httpServer(scope(t), (request, { head, socket }) => {
    head('200 OK', { Connection: 'close' })
    t.false(socket.send(body))
    socket.close()
  })
  const { code, stdout, stderr } = await curl(server.url)
  t.is(code, 0, stderr)
  t.true(stdout.equals(body))
})

testWith(test, 'curl', 'a chunked body arrives whole', async (t) => {
  const body = randomBytes(500_000)
  const server = httpServer(scope(t), async (request, connection) => {
    connection.head('200 OK', { 'Transfer-Encoding': 'chunked' })
    for (let at = 0; at < body.length; at += 7001) {
      const piece = body.subarray(at, at + 7001)
      await connection.write(`${piece.length.toString(16)}\r\n`)
      await connection.write(piece)
      await connection.write('\r\n')
    }
    await connection.write('0\r\n\r\n')
  })
  const { code, stdout, stderr } = await curl(server.url)
  t.is(code, 0, stderr)
  t.true(stdout.equals(body))
})

testWith(
  test,
  'curl',
  'a connection that is cut in the body is an error for curl, not a whole answer',
  async (t) => {
    const server = httpServer(scope(t), (request, { head, socket }) => {
      head('200 OK', { 'Content-Length': 100 })
      socket.send('half')
      socket.close()
    })
    const { code, stdout } = await curl(server.url)
    t.is(code, 18)
    t.is(String(stdout), 'half')
  },
)

testWith(test, 'curl', 'thirty-two requests at once each get their own answer', async (t) => {
  const own = scope(t)
  const directory = temporaryDirectory(own)
  const answer = (path) => path.slice(1).padEnd(100_000, '.')
  const server = httpServer(own, ({ path }, connection) => {
    connection.head('200 OK', { 'Content-Length': 100_000 })
    return connection.write(answer(path))
  })
  const options = ['--parallel', '--parallel-immediate', '--output', join(directory, '#1')]
  const { code, stderr } = await curl(...options, `${server.url}/[0-31]`)
  t.is(code, 0, stderr)
  for (let i = 0; i < 32; i++) t.is(readFileSync(join(directory, String(i)), 'utf8'), answer(`/${i}`))
})
