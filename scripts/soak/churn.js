'use strict'

// `node --expose-gc churn.js PLAIN TLS`: so many short connections with this process itself, of which three in ten fail, are reset or
// are aborted. Prints, as JSON, what the process has after each quarter of them, and what went wrong: `{ samples, problems }`.

const { setTimeout: delay } = require('node:timers/promises')

const { TCPServerSocket, TCPSocket } = require('../../index.js')
const { makePki } = require('../../__test__/helpers/pki.js')
const { closedPort } = require('../../__test__/helpers/sockets.js')
const { sample } = require('./figures.js')

const HOST = '127.0.0.1'
const LANES = 32
const QUARTERS = 4

/** Each leads to others from the same port, of which there are fewer than connections here. */
const LISTENERS = 8

/** Connections that come first, after which allocators have taken what they need. A tenth of TLS. */
const WARM_UP = 2000

const QUESTION = new Uint8Array(64).fill(63)

/** Listens, and answers each connection with what it sent. */
function listen(options) {
  const server = new TCPServerSocket(0, { localAddress: HOST, binaryType: 'arraybuffer', ...options })
  server.onconnect = ({ socket }) => {
    socket.ondata = ({ data }) => socket.send(data)
  }
  return server
}

/** Resolves when `socket` is closed: with the name of its error, the number of bytes that came, or `undefined`. */
function ended(socket) {
  return new Promise((resolve) => {
    let result
    socket.onerror = ({ name }) => (result = name)
    socket.onclose = () => resolve(result ?? socket.bytesRead)
  })
}

/** Sends the question, and does `then` when all of the answer is there. */
function ask(port, options, then) {
  const socket = new TCPSocket(HOST, port, { binaryType: 'arraybuffer', ...options })
  socket.onopen = () => socket.send(QUESTION)
  socket.ondata = () => socket.bytesRead === QUESTION.length && then(socket)
  return ended(socket)
}

/** How the connection number `index` goes, and how it should end: `[end, expected]`, where `undefined` is any way. */
function stories({ ports, options, failure, aborted }) {
  const closes = (socket) => socket.close()
  return async (index) => {
    const port = ports[index % ports.length]
    switch (index % 10) {
      case 0:
        return [await ended(new TCPSocket(HOST, failure.port ?? port, failure.options)), failure.name]
      case 1:
        // The answer to the second question is on its way.
        return [
          await ask(port, options, (socket) => {
            socket.send(QUESTION)
            socket.closeImmediately()
          }),
          QUESTION.length,
        ]
      case 2: {
        const controller = new AbortController()
        const socket = new TCPSocket(HOST, port, { ...options, signal: controller.signal })
        const end = ended(socket)
        await (aborted ? delay(index % 3) : undefined)
        controller.abort()
        return [await end, 0]
      }
      default:
        return [await ask(port, options, closes), QUESTION.length]
    }
  }
}

/** Makes connections number `from` to `to - 1`, several at a time. */
async function make(from, to, story, problems) {
  let next = from
  const lane = async () => {
    while (next < to) {
      const index = next++
      const [end, expected] = await story(index)
      if (end !== expected) problems.push(`connection ${index}: ended with ${end} instead of ${expected}`)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

async function main([plain, secure]) {
  const { ca, cert, key } = makePki()
  const tls = { useSecureTransport: true }
  const kinds = [
    {
      kind: 'plain',
      warmUp: WARM_UP,
      total: plain,
      listener: {},
      options: {},
      failure: { port: await closedPort(), name: 'ConnectionRefusedError' },
    },
    {
      kind: 'TLS',
      warmUp: WARM_UP / 10,
      total: secure,
      listener: { ...tls, cert, key },
      options: { ...tls, ca },
      failure: { options: tls, name: 'SecurityUntrustedCertificateIssuerError' },
      aborted: true,
    },
  ]
  const [samples, problems] = [[], []]
  for (const { kind, warmUp, total, listener, ...rest } of kinds) {
    const servers = Array.from({ length: LISTENERS }, () => listen(listener))
    const story = stories({ ...rest, ports: servers.map(({ localPort }) => localPort) })
    await make(0, warmUp, story, problems)
    let before
    for (let quarter = 0; quarter < QUARTERS; quarter++) {
      const [from, to] = [quarter, quarter + 1].map((part) => Math.round((total * part) / QUARTERS))
      await make(from, to, story, problems)
      const figures = await sample(before)
      before ??= figures
      samples.push({ kind, connections: to, ...figures })
    }
    for (const server of servers) server.close()
  }
  process.stdout.write(JSON.stringify({ samples, problems }), () => process.exit(0))
}

main(process.argv.slice(2).map(Number))
