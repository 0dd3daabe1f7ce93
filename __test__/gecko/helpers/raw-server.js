'use strict'

// The peer of suite A: a plain TCP server that is not of this API. It holds at most one live connection, hands on the
// bytes it receives, and reports the end of the stream (a FIN, never a reset) through a handler of its own.

const { once } = require('node:events')
const net = require('node:net')

class RawServer {
  #server
  #trial
  #connection = null
  port

  /** What happens on the connection. Each test puts in what it expects. */
  onaccept
  ondata
  onclose

  constructor(trial) {
    this.#trial = trial
    this.expectNothing()
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#accept(socket))
  }

  static async start(trial, address = '127.0.0.1') {
    const server = new RawServer(trial)
    server.#server.listen(0, address)
    await once(server.#server, 'listening')
    server.port = server.#server.address().port
    return server
  }

  #accept(socket) {
    if (this.#connection) {
      this.#trial.fail('the server got a second connection')
      socket.destroy()
      return
    }
    this.#connection = socket
    socket.on('data', (chunk) => this.ondata(chunk))
    socket.on('end', () => this.onclose())
    socket.on('error', (error) => this.#trial.fail(error))
    this.onaccept()
  }

  expectNothing() {
    this.onaccept = this.#trial.unexpected('connection at the server')
    this.ondata = this.#trial.unexpected('data at the server')
    this.onclose = this.#trial.unexpected('end of stream at the server')
  }

  /** Lets the next connection come. */
  forget() {
    this.#connection = null
    this.expectNothing()
  }

  write(bytes) {
    this.#connection.write(bytes)
  }

  closeConnection() {
    this.#connection.end()
  }

  stop() {
    this.#connection?.destroy()
    this.#server.close()
  }
}

module.exports = { RawServer }
