'use strict'

// The worker of main.js: asks the server for an echo of its number.

const { parentPort, workerData } = require('node:worker_threads')

const { TCPSocket } = require('moz-tcp-socket')

const socket = new TCPSocket('127.0.0.1', workerData.port, { binaryType: 'arraybuffer' })
socket.onopen = () => socket.send(Uint8Array.of(workerData.number))
socket.ondata = ({ data }) => {
  parentPort.postMessage(data, [data])
  // What was transferred is gone from here.
  if (data.byteLength !== 0) throw new Error('the buffer was copied')
  socket.close()
}
