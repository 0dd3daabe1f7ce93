'use strict'

// `moz-tcp-socket/node-stream`: sockets of every face as streams of Node.js. `node-stream.d.ts` describes it, docs/node-stream.md how it behaves.

const { toNodeStream } = require('./lib/faces/node-stream/to-node-stream.js')

module.exports = { toNodeStream }
