'use strict'

// Synchronous XMLHttpRequest, as apps of those years used it for their own files: the thread of the window waits, so that whoever answers
// must not need it.

const { once } = require('node:events')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')

const test = require('ava')

const { command, folder, makeApp, page } = require('../helpers/apps.js')

/** A server that answers while this thread is busy, as servers elsewhere do. Resolves with its port. */
async function busyProofServer(t) {
  const source = `
    const { parentPort } = require('node:worker_threads')
    const server = require('node:http').createServer((request, response) => response.end('from elsewhere'))
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`
  const worker = new Worker(source, { eval: true })
  t.teardown(() => worker.terminate())
  const [port] = await once(worker, 'message')
  return port
}

test('a synchronous request gets files of the app, nothing beside them, and with mozSystem other servers', async (t) => {
  const port = await busyProofServer(t)
  const script = `
    function ask(options, url) {
      var xhr = new XMLHttpRequest(options)
      try {
        xhr.open('GET', url, false)
        xhr.send()
        return xhr.status + ' ' + xhr.responseText
      } catch (error) { return error.name }
    }
    console.log(JSON.stringify([
      ask(null, 'data/words.txt'), ask(null, '/%2e%2e/app/nothing'), ask({ mozSystem: true }, 'http://127.0.0.1:${port}/'),
      ask(null, 'http://127.0.0.1:${port}/'), ask({ mozSystem: true }, 'file://' + ${JSON.stringify(__filename)}),
    ]))
    window.close()`
  const root = makeApp(t, { 'index.html': page(script), 'data/words.txt': 'words' })
  // In a process of its own, so that waiting without end is a failure of this test.
  const { ended, output } = command(t, [root, '--data', join(folder(t), 'data')], '\0')
  t.deepEqual(await ended, [0, null], output())
  t.deepEqual(JSON.parse(output()), [
    '200 words',
    '404 ',
    '200 from elsewhere',
    'NetworkError',
    'NetworkError',
  ])
})
