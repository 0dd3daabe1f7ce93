'use strict'

// The server under load: one process with one listener that echoes, driven over IPC by servers.js. Its only argument is JSON:
// `{ port, backlog, reusePort, cert, key }`; with a certificate it speaks TLS.
//
// Commands are `{ id, command, … }`, and each is answered with `{ id, … }`:
// counts      what is open, what went wrong, CPU, and the longest turn of the loop
// report      the same, with descriptors, threads, and memory after a garbage collection
// reset       forgets the longest turn and the CPU so far; with `watch` false turns are not watched, which takes CPU itself
// broadcast   sends `count` messages of `size` bytes to every socket, one each `every` ms; each begins with the time
// close       closes every socket and the listener, and says how long that took

const { readdirSync, readFileSync } = require('node:fs')
const timers = require('node:timers/promises')

const { TCPServerSocket } = require('../../index.js')

const { port = 0, backlog, reusePort = false, cert, key } = JSON.parse(process.argv[2])

const sockets = new Set()
const sum = { accepted: 0, closed: 0, errors: 0, messages: 0 }
const reasons = new Map()
let whenEmpty = () => {}

const server = new TCPServerSocket(
  port,
  {
    localAddress: '127.0.0.1',
    binaryType: 'arraybuffer',
    reusePort,
    ...(cert && { useSSL: true, cert, key }),
  },
  backlog,
)
server.onconnect = ({ socket }) => {
  sum.accepted++
  sockets.add(socket)
  // The same functions for all: what a socket of the application costs beyond that is the application's.
  socket.ondata = onData
  socket.onerror = onError
  socket.onclose = onClose
}
server.onerror = onError

function onData({ data }) {
  sum.messages++
  this.send(data)
}

function onError({ data }) {
  sum.errors++
  reasons.set(String(data), (reasons.get(String(data)) ?? 0) + 1)
}

function onClose() {
  sum.closed++
  sockets.delete(this)
  if (sockets.size === 0) whenEmpty()
}

/** The longest time for which no timer could run, in milliseconds. */
let gap = 0
let last = performance.now()
let usage = process.cpuUsage()
let usedSince = last
const TICK_MS = 5
let ticking

function tick() {
  const now = performance.now()
  gap = Math.max(gap, now - last - TICK_MS)
  last = now
}

function reset({ watch = true }) {
  clearInterval(ticking)
  if (watch) ticking = setInterval(tick, TICK_MS).unref()
  gap = 0
  last = usedSince = performance.now()
  usage = process.cpuUsage()
  return {}
}

/** Kilobytes of memory that are resident. */
function resident() {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))[1])
}

function counts() {
  const { user, system } = process.cpuUsage(usage)
  return {
    open: sockets.size,
    ...sum,
    reasons: Object.fromEntries(reasons),
    cpuPercent: (user + system) / 10 / (performance.now() - usedSince),
    gapMs: gap,
  }
}

function report() {
  const counted = counts()
  // A collection stops the loop as well, and is none of its work.
  gc()
  gc()
  last = performance.now()
  const { heapUsed, external } = process.memoryUsage()
  return {
    ...counted,
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    residentKb: resident(),
    heapKb: heapUsed / 1024,
    externalKb: external / 1024,
  }
}

async function broadcast({ count, size, every }) {
  const message = Buffer.alloc(size, 'b')
  let full = 0
  const started = performance.now()
  for (let number = 0; number < count; number++) {
    await timers.setTimeout(Math.max(0, started + number * every - performance.now()))
    // CLOCK_MONOTONIC, which the client reads as well.
    message.writeBigUInt64LE(process.hrtime.bigint())
    for (const socket of sockets) if (!socket.send(message)) full++
  }
  return { full }
}

async function close() {
  const started = performance.now()
  const empty = new Promise((resolve) => {
    whenEmpty = resolve
  })
  server.close()
  if (sockets.size === 0) whenEmpty()
  for (const socket of sockets) socket.close()
  await empty
  return { ms: performance.now() - started }
}

const commands = { counts, report, reset, broadcast, close }
process.on('message', async ({ id, command, ...rest }) => {
  process.send({ id, ...(await commands[command](rest)) })
})
process.on('disconnect', () => process.exit())
process.send({ port: server.localPort })
