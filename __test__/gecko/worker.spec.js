'use strict'

// GT-13 and GT-22: suites A and B where they are not in the main thread. Gecko relayed every call from a content
// process to its parent; a worker thread has its own copy of the API and its own channel to the engine.

const { once } = require('node:events')
const path = require('node:path')
const { Worker } = require('node:worker_threads')

const test = require('ava')

const api = require('../../index.js')

const script = path.join(__dirname, '../fixtures/gecko/suite-in-worker.js')

async function runInWorker(t, suite) {
  const expected = require(`./helpers/${suite}.js`)(api).cases.map(({ title }) => title)
  const worker = new Worker(script, { workerData: { suite } })
  t.teardown(() => worker.terminate())
  const passed = []
  worker.on('message', (title) => passed.push(title))
  // `once` rejects with what the worker threw. That it exits at all shows that nothing keeps it alive.
  const [code] = await once(worker, 'exit')
  t.deepEqual(passed, expected)
  t.is(code, 0)
}

test('GT-13 all of suite A passes in a worker thread, and the worker then ends by itself', (t) =>
  runInWorker(t, 'suite-a'))

test('GT-22 all of suite B passes in a worker thread, and the worker then ends by itself', (t) =>
  runInWorker(t, 'suite-b'))

test('GT-39 all of suite C passes in the global of a worker thread, and the worker then ends by itself', (t) =>
  runInWorker(t, 'suite-c'))
