'use strict'

// What the kernel is asked to do: small messages leave at once, and those of one turn leave together.

const { spawnSync } = require('node:child_process')
const { mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const test = require('ava')

const { ask } = require('../fixtures/reliability/children.js')
const { hasTools, testOn, testWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

const [COUNT, SIZE] = [100, 16]

const hasStrace = process.platform === 'linux' && hasTools('strace')
const mayTrace = () => spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
const withTrace = hasStrace
  ? testOn(test.serial, mayTrace(), 'permission to trace')
  : testWhere(test.serial, false, 'Linux with strace')

/** Calls on TCP sockets in many-sends.js: `{ ports, calls }`, with `{ name, fd, socket, args, result }` for each. */
async function trace(own) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-trace-'))
  own.onEnd(() => rmSync(directory, { recursive: true, force: true }))
  const calls = 'trace=setsockopt,sendto,sendmsg,sendmmsg,write,writev'
  const wrapper = ['strace', '-ff', '-yy', '-s', '0', '-e', calls, '-o', join(directory, 'log')]
  const ports = await ask(own, 'many-sends.js', [COUNT, SIZE], { wrapper })
  // A file for each thread, or else one interrupts what is said of another.
  const log = readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), 'latin1'))
    .join('')
  const pattern = /^(\w+)\((\d+)<(TCP:\[[^\]]*\])>, (.*)\) += (-?\d+)/gm
  const found = [...log.matchAll(pattern)]
  return {
    ports,
    calls: found.map(([, name, fd, socket, args, result]) => ({ name, fd, socket, args, result: +result })),
  }
}

withTrace(
  'the sends of one turn are one write, on a client and on an accepted socket without delay',
  async (t) => {
    const { ports, calls } = await trace(scope(t))
    const ends = {
      client: `TCP:[127.0.0.1:${ports.client}->127.0.0.1:${ports.server}]`,
      accepted: `TCP:[127.0.0.1:${ports.server}->127.0.0.1:${ports.client}]`,
    }
    const listener = calls.find(({ args }) => args.startsWith('SOL_SOCKET, SO_REUSEADDR'))?.fd
    for (const [what, end] of Object.entries(ends)) {
      const writes = calls.filter(({ name, socket }) => name !== 'setsockopt' && socket === end)
      t.deepEqual(
        writes.map(({ result }) => result),
        [COUNT * SIZE],
        `${what}: ${JSON.stringify(calls)}`,
      )
      const [{ fd }] = writes
      // By number: a client sets it before it has an address. What is accepted may have it from its listener.
      const sources = what === 'accepted' ? [fd, listener] : [fd]
      const options = calls.filter((call) => call.name === 'setsockopt' && sources.includes(call.fd))
      t.true(
        options.some(({ args, result }) => args.startsWith('SOL_TCP, TCP_NODELAY, [1]') && result === 0),
        `${what}: ${JSON.stringify(calls)}`,
      )
    }
  },
)
