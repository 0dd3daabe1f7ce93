'use strict'

// What the ported suites check with. They run under ava, in a worker thread and in other realms, so they know no test
// runner: a trial collects the first failure, and everything that waits on the trial ends with it.

const assert = require('node:assert/strict')

const { deferred } = require('../../helpers/sockets.js')

class Trial {
  #failed = deferred()
  /** The first failure. */
  failure = null

  constructor() {
    // Whether anybody waits at the moment does not matter: `check` looks at the end.
    this.#failed.promise.catch(() => {})
  }

  /** The trial is lost. */
  fail(reason) {
    this.failure ??= reason instanceof Error ? reason : new Error(reason)
    this.#failed.reject(this.failure)
  }

  /** Strict equality. Usable in handlers: it never throws there, where the API would swallow it. */
  is(actual, expected, what) {
    if (!Object.is(actual, expected)) {
      this.fail(new assert.AssertionError({ message: what, actual, expected, operator: 'strictEqual' }))
    }
  }

  /** `actual` has exactly the bytes of `expected`. */
  sameBytes(actual, expected, what) {
    this.is(actual.length, expected.length, `${what}: number of bytes`)
    if (Buffer.compare(actual, expected) !== 0) this.fail(`${what}: the bytes differ`)
  }

  /** `run()` must not throw. */
  quiet(run, what) {
    try {
      run()
    } catch (thrown) {
      this.fail(new Error(`${what} threw`, { cause: thrown }))
    }
  }

  /** A handler that must not be called. */
  unexpected(what) {
    return (event) => this.fail(`unexpected: ${what} ${event?.name ?? ''} ${event?.data?.message ?? ''}`)
  }

  /**
   * Things that must all happen, once each and in any order. `step(name)` is the handler that notes one, `all` resolves
   * with the last one.
   */
  joint(...names) {
    const missing = new Set(names)
    const { promise, resolve } = deferred()
    const step = (name, look) => (event) => {
      if (!missing.delete(name)) this.fail(`${name}: not expected, or not a second time`)
      look?.(event)
      if (missing.size === 0) resolve()
    }
    return { step, all: promise }
  }

  /**
   * Takes chunks, and calls `complete` once they make up exactly the bytes `expected`. Bytes after that are a failure.
   */
  collector(what, expected, complete) {
    const chunks = []
    let bytes = 0
    return (chunk) => {
      if (bytes >= expected.length) this.fail(`${what}: data after everything expected had arrived`)
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes < expected.length) return
      this.sameBytes(Buffer.concat(chunks), expected, what)
      complete()
    }
  }

  /** Waits for `promise`, but not beyond a failure. */
  until(promise) {
    return Promise.race([promise, this.#failed.promise])
  }

  /** Throws what failed. */
  check() {
    if (this.failure) throw this.failure
  }
}

/** Bytes that a listener of ours, whose sockets are in arraybuffer mode, was given. */
function bytesOf(trial, event) {
  trial.is(event.data instanceof ArrayBuffer, true, 'event.data is an ArrayBuffer')
  return new Uint8Array(event.data)
}

/**
 * Runs one case of a suite: its steps in order, on a fixture of its own. `settle` comes after them, so that an event
 * that should not have come has a chance to come while somebody still looks.
 */
async function runCase(suite, steps) {
  const trial = new Trial()
  const fixture = await suite.start(trial)
  try {
    for (const step of steps) {
      await suite.steps[step](fixture)
      trial.check()
    }
    await settle(fixture.api)
    trial.check()
  } finally {
    await suite.stop(fixture)
  }
}

/** Makes an ava test of each case of a suite. */
function declare(test, suite, describe = (title) => title) {
  for (const { title, steps } of suite.cases) {
    test(describe(title), async (t) => {
      await t.notThrowsAsync(runCase(suite, steps))
    })
  }
}

/** A whole life of another connection: events that were under way come before its end. */
async function settle({ TCPSocket, TCPServerSocket }) {
  const server = new TCPServerSocket(0)
  try {
    await new Promise((resolve, reject) => {
      server.onconnect = ({ socket }) => {
        socket.ondata = () => socket.close()
      }
      const client = new TCPSocket('127.0.0.1', server.localPort)
      client.onopen = () => client.send('x')
      client.onerror = ({ data }) => reject(data)
      client.onclose = resolve
    })
  } finally {
    server.close()
  }
}

module.exports = { Trial, bytesOf, declare, runCase, settle }
