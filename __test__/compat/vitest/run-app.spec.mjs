// runApp of moz-tcp-socket-dev in Vitest, in processes and in threads of both kinds; they end by themselves, so that an app has to
// close with all it has.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { TCPServerSocket } from 'moz-tcp-socket'
import { runApp } from 'moz-tcp-socket-dev'
import { expect, test } from 'vitest'

/** Milliseconds: on a busy machine it takes jsdom a while to load. */
const LIMIT = 60_000

test(
  'an app runs, stores, closes, and runs again with what it stored',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-vitest-'))
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
