'use strict'

// What the specs of runApp in Jest and in Vitest have in common: an app that counts its runs, gets an echo, and closes its own window.

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const MANIFEST = { type: 'privileged', launch_path: '/index.html', permissions: { 'tcp-socket': {} } }

const page = (port) => `<!DOCTYPE html><script>
  localStorage.runs = Number(localStorage.runs || 0) + 1
  var socket = navigator.mozTCPSocket.open('127.0.0.1', ${port}, { binaryType: 'arraybuffer' })
  socket.onopen = function () { socket.send(new Uint8Array([1, 2, 3]).buffer) }
  socket.ondata = function (event) {
    document.title = [event.data instanceof ArrayBuffer, event.data.byteLength, localStorage.runs].join()
    window.close()
  }
</script>`

/** Runs the app twice with the same folder for what it stores. Resolves with `{ title, errors }` of each run, when all is closed. */
async function runTwice({ runApp, TCPServerSocket }) {
  const root = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-runner-'))
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  server.onconnect = ({ socket }) => {
    socket.ondata = ({ data }) => socket.send(data)
  }
  try {
    writeFileSync(join(root, 'manifest.webapp'), JSON.stringify(MANIFEST))
    writeFileSync(join(root, 'index.html'), page(server.localPort))
    const runs = []
    for (let i = 0; i < 2; i++) {
      const errors = []
      const app = await runApp(root, { data: join(root, 'data'), onError: (error) => errors.push(error) })
      const { document } = app.window
      await app.closed
      const { title } = document
      await app.close()
      runs.push({ title, errors })
    }
    return runs
  } finally {
    server.close()
    rmSync(root, { recursive: true, force: true })
  }
}

module.exports = { runTwice }
