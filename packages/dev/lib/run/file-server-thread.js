'use strict'

// The server of an app's files, on a thread of its own: a synchronous XMLHttpRequest holds the window's thread until it is answered, so a
// server on that thread would never answer.

const { once } = require('node:events')
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads')

const { FileServer } = require('./file-server.js')

/** A FileServer elsewhere, for the thread of the window. */
class FileServerThread {
  #worker
  #ended
  #base

  /** Serves the files of `root`. Resolves when it listens. */
  async listen(root) {
    this.#worker = new Worker(__filename, { workerData: { fileServerOf: root } })
    this.#ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    // Rejects where the thread fails.
    const [{ origin, base }] = await once(this.#worker, 'message')
    this.origin = origin
    this.#base = base
  }

  /** What to ask for in place of `url`, a whole one of another server. */
  elsewhere(url) {
    return this.#base + encodeURIComponent(url)
  }

  async close() {
    this.#worker.postMessage('close')
    await this.#ended
  }
}

async function serve(root) {
  const server = new FileServer(root)
  await server.listen()
  parentPort.once('message', () => server.close())
  parentPort.postMessage({ origin: server.origin, base: server.elsewhere('') })
}

// A test runner that has threads may load this file in one of them, which is no such server.
if (!isMainThread && workerData?.fileServerOf !== undefined) serve(workerData.fileServerOf)

module.exports = { FileServerThread }
