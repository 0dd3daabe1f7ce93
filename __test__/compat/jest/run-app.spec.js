'use strict'

// runApp of moz-tcp-socket-dev in Jest, in the `node` environment; in that of jsdom, jsdom itself does not load. Jest waits for what is left open, so that an app has to
// close with all it has.

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { TCPServerSocket } = require('moz-tcp-socket')
const { runApp } = require('moz-tcp-socket-dev')

/** Milliseconds: on a busy machine it takes jsdom a while to load. */
const LIMIT = 60_000

/** What an app does depends on the environment, of which each has its own test. */
const [inNode, inJsdom] = typeof TextEncoder === 'function' ? [test, () => {}] : [() => {}, test]

inJsdom('in the jsdom environment, runApp says what to do', async () => {
  await expect(runApp('app')).rejects.toThrow(/@jest-environment node/)
})

inNode(
  'an app runs, stores, closes, and runs again with what it stored',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-jest-'))
    const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
    server.onconnect = ({ socket }) => {
      socket.ondata = ({ data }) => socket.send(data)
    }
    try {
      writeFileSync(
        join(root, 'manifest.webapp'),
        JSON.stringify({ type: 'privileged', launch_path: '/index.html', permissions: { 'tcp-socket': {} } }),
      )
      writeFileSync(
        join(root, 'index.html'),
        `<!DOCTYPE html><script>
        localStorage.runs = Number(localStorage.runs || 0) + 1
        var socket = navigator.mozTCPSocket.open('127.0.0.1', ${server.localPort}, { binaryType: 'arraybuffer' })
        socket.onopen = function () { socket.send(new Uint8Array([1, 2, 3]).buffer) }
        socket.ondata = function (event) {
          document.title = [event.data instanceof ArrayBuffer, event.data.byteLength, localStorage.runs].join()
          window.close()
        }
      </script>`,
      )
      for (const runs of [1, 2]) {
        const errors = []
        const app = await runApp(root, { data: join(root, 'data'), onError: (error) => errors.push(error) })
        const { document } = app.window
        await app.closed
        expect(document.title).toBe(`true,3,${runs}`)
        await app.close()
        expect(errors).toEqual([])
      }
    } finally {
      server.close()
      rmSync(root, { recursive: true, force: true })
    }
  },
  LIMIT,
)
