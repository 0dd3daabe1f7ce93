'use strict'

// Worker threads: each has its own copy of the facade and its own events. A worker whose sockets are closed ends by
// itself, and what arrives can be transferred without a copy.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')

const { TCPServerSocket } = require('moz-tcp-socket')

const server = new TCPServerSocket(0, { binaryType: 'arraybuffer', localAddress: '127.0.0.1' })
server.onconnect = ({ socket }) => {
  socket.ondata = ({ data }) => socket.send(data)
}

async function main() {
  const workers = [1, 2, 3].map((number) => {
    const worker = new Worker(join(__dirname, 'client.js'), {
      workerData: { port: server.localPort, number },
    })
    return Promise.all([once(worker, 'message'), once(worker, 'exit')])
  })
  for (const [index, [[message], [code]]] of (await Promise.all(workers)).entries()) {
    assert.equal(code, 0)
    assert.ok(message instanceof ArrayBuffer)
    assert.deepEqual([...new Uint8Array(message)], [index + 1])
  }
  server.close()
  console.log('ok')
}

main()
