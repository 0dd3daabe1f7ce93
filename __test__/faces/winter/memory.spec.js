'use strict'

// A slow reader: what it does not read stays with the kernel.

const { execFile } = require('node:child_process')
const { promisify } = require('node:util')

const test = require('ava')

const { serverOf } = require('./support.js')

const run = promisify(execFile)

const SOCKETS = 20
const MOST = 512 * 1024

/** Reads a chunk of each socket, now and then, and prints how much memory that has taken, by the socket. */
const SLOW = `
  const { connect } = require('moz-tcp-socket/winter')
  const [port, count] = process.argv.slice(1).map(Number)
  const pause = (time) => new Promise((done) => setTimeout(done, time))
  const measure = () => {
    gc()
    const { rss, arrayBuffers } = process.memoryUsage()
    return { rss, arrayBuffers }
  }
  async function main() {
    const first = connect({ hostname: '127.0.0.1', port })
    await first.readable.getReader().read()
    const before = measure()
    const readers = []
    for (let i = 0; i < count; i++) {
      const socket = connect({ hostname: '127.0.0.1', port })
      await socket.opened
      readers.push(socket.readable.getReader())
    }
    let most = { rss: 0, arrayBuffers: 0 }
    for (let round = 0; round < 20; round++) {
      for (const reader of readers) await reader.read()
      await pause(10)
      const now = measure()
      for (const key of Object.keys(most)) most[key] = Math.max(most[key], (now[key] - before[key]) / count)
    }
    console.log(JSON.stringify(most))
    process.exit()
  }
  main()`

for (const driver of ['', 'tokio']) {
  test(`a slow reader costs less than 512 KiB for each socket, and is never left waiting${driver && ' (Tokio)'}`, async (t) => {
    const block = Buffer.alloc(1024 * 1024, 1)
    const port = await serverOf(t, (peer) => {
      const send = () => {
        while (!peer.destroyed && peer.write(block));
      }
      peer.on('drain', send)
      send()
    })
    const args = ['--expose-gc', '-e', SLOW, String(port), String(SOCKETS)]
    const { stdout } = await run(process.execPath, args, {
      cwd: __dirname,
      env: { ...process.env, MOZ_TCP_SOCKET_DRIVER: driver },
      timeout: 60_000,
    })
    const { rss, arrayBuffers } = JSON.parse(stdout)
    t.true(arrayBuffers < 160 * 1024, `${arrayBuffers} bytes in ArrayBuffers`)
    t.true(rss < MOST, `${rss} bytes`)
    t.log(
      `${Math.round(rss / 1024)} KiB of resident memory, ${Math.round(arrayBuffers / 1024)} in ArrayBuffers`,
    )
  })
}
