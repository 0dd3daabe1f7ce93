'use strict'

// The examples of docs/testing.md, run by their runners as a reader would run them: in a directory of their own, where the
// packages are in node_modules.

const { execFile } = require('node:child_process')
const {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { scriptedPeer } = require('../../testing.js')

const root = join(__dirname, '../..')
const text = readFileSync(join(root, 'docs/testing.md'), 'utf8')

/** By file name: what the document says is in it. */
const files = Object.fromEntries(
  [...text.matchAll(/^<!-- file: (\S+) -->\n\n```js\n(.*?)^```$/gms)].map(([, name, code]) => [name, code]),
)

/** A new directory with the files of those names and `more`, removed when the test ends. */
function directory(t, names, more = {}) {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'moz-tcp-socket-testing-')))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(join(path, 'node_modules'))
  const modules = { 'moz-tcp-socket': root }
  for (const name of ['ava', 'vitest']) modules[name] = join(root, 'node_modules', name)
  for (const [name, target] of Object.entries(modules)) {
    symlinkSync(target, join(path, 'node_modules', name), 'junction')
  }
  const chosen = Object.fromEntries(names.map((name) => [name, files[name]]))
  for (const [name, code] of Object.entries({ 'package.json': '{}', ...chosen, ...more })) {
    if (code === undefined) throw new Error(`docs/testing.md has no ${name}`)
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), code)
  }
  return path
}

/** Runs a program to its end, and resolves with all that it says; rejects unless it exits with 0. */
async function run(cwd, args) {
  const env = { ...process.env, NO_COLOR: '1' }
  // They would tell a runner that it is inside of another one.
  for (const name of ['NODE_TEST_CONTEXT', 'AVA_PATH', 'FORCE_COLOR']) delete env[name]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd, env, timeout: 100_000 })
  return stdout + stderr
}

const jest = [join(root, 'node_modules/jest/bin/jest.js'), '--detectOpenHandles']

test('each file that docs/testing.md shows is run below', (t) => {
  t.deepEqual(Object.keys(files).sort(), [
    '__mocks__/moz-tcp-socket.js',
    'faults.test.js',
    'greeting.ava.js',
    'greeting.js',
    'greeting.mjs',
    'greeting.mock.spec.mjs',
    'greeting.mock.test.js',
    'starttls.test.js',
  ])
  t.is(text.match(/^```js$/gm).length, Object.keys(files).length)
})

test('Jest: the mock', async (t) => {
  const path = directory(t, ['greeting.js', 'greeting.mock.test.js'], {
    'jest.config.js': 'module.exports = {}',
  })
  const output = await run(path, jest)
  t.regex(output, /^Tests: +2 passed, 2 total$/m)
  t.notRegex(output, /open handle|did not exit/)
})

test('Jest: the mock in __mocks__, and why an automatic mock is of no use', async (t) => {
  const path = directory(t, ['__mocks__/moz-tcp-socket.js'], {
    'jest.config.js': 'module.exports = {}',
    'mocked.test.js': `
      test('is there without jest.mock()', () => {
        const { TCPSocket, mock } = require('moz-tcp-socket')
        const socket = new TCPSocket('example.org', 25)
        mock.lastSocket.mock.open()
        socket.send('x')
        expect(socket.send).toHaveBeenCalledWith('x')
      })
    `,
  })
  t.regex(await run(path, jest), /^Tests: +1 passed, 1 total$/m)

  const automatic = directory(t, [], {
    'jest.config.js': 'module.exports = {}',
    'automatic.test.js': `
      jest.mock('moz-tcp-socket')
      test('has no methods', () => {
        const { TCPSocket, mozTCPSocket } = require('moz-tcp-socket')
        expect(new TCPSocket('example.org', 25).send).toBeUndefined()
        expect(mozTCPSocket).toBeUndefined()
      })
    `,
  })
  t.regex(await run(automatic, jest), /^Tests: +1 passed, 1 total$/m)
})

test('Vitest: the mock', async (t) => {
  const path = directory(t, ['greeting.mjs', 'greeting.mock.spec.mjs'])
  const output = await run(path, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', path])
  t.regex(output, /Tests +1 passed/)
})

test('Vitest: why an automatic mock is of no use', async (t) => {
  const path = directory(t, [], {
    'automatic.spec.mjs': `
      import { TCPSocket, mozTCPSocket } from 'moz-tcp-socket'
      import { expect, test, vi } from 'vitest'
      vi.mock('moz-tcp-socket')
      test('has methods, and nothing else', () => {
        const socket = new TCPSocket('example.org', 25)
        expect(vi.isMockFunction(socket.send)).toBe(true)
        expect(() => socket.readyState).toThrow(TypeError)
        expect(vi.isMockFunction(mozTCPSocket.open)).toBe(false)
      })
    `,
  })
  const output = await run(path, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', path])
  t.regex(output, /Tests +1 passed/)
})

test('ava: the scripted peer', async (t) => {
  const path = directory(t, ['greeting.js', 'greeting.ava.js'])
  const output = await run(path, [join(root, 'node_modules/ava/entrypoints/cli.mjs'), 'greeting.ava.js'])
  t.regex(output, /2 tests passed/)
})

test('node:test: STARTTLS, and the fault proxy', async (t) => {
  const path = directory(t, ['greeting.js', 'starttls.test.js', 'faults.test.js'])
  const output = await run(path, ['--test', '--test-reporter=tap', 'starttls.test.js', 'faults.test.js'])
  t.regex(output, /^# pass 2$/m)
  t.regex(output, /^# fail 0$/m)
})

test('the message of a deviation is the one that is shown', async (t) => {
  const [, shown] = /^```text\n(.*?)^```$/ms.exec(text)
  const peer = await scriptedPeer()
  t.teardown(() => peer.close())
  peer.expect('HELLO Ada\r\n').cut({ after: 8 }).reply('Good morning, Ada\r\n')
  const { TCPSocket } = require('../../index.js')
  const socket = new TCPSocket('127.0.0.1', peer.port)
  t.teardown(() => socket.closeImmediately())
  socket.onopen = () => socket.send('HELO Ada\r\n')
  const { message } = await t.throwsAsync(peer.done)
  t.is(message, shown)
})

/** What a runner prints of two transcripts that differ. */
const DIFFERENT = (start) => `
  const { scriptedPeer } = require('moz-tcp-socket/testing')
  const { TCPSocket } = require('moz-tcp-socket')
  const { once } = require('node:events')
  ${start}
  async function talk() {
    const peer = await scriptedPeer()
    peer.reply('220 hi\\r\\n').end()
    const socket = new TCPSocket('127.0.0.1', peer.port)
    await new Promise((resolve) => (socket.onclose = resolve))
    await peer.close()
    return peer.transcript
  }
`

test('Jest and ava show transcripts that differ line by line', async (t) => {
  const path = directory(t, [], {
    'jest.config.js': 'module.exports = {}',
    'shown.test.js': `${DIFFERENT('')}
      test('differs', async () => {
        const transcript = await talk()
        expect(transcript.lines).toEqual(['-- a client connected', 'S: 250 hi␍␊'])
      })
    `,
    'shown.ava.js': `${DIFFERENT("const test = require('ava')")}
      test('differs', async (t) => {
        const transcript = await talk()
        t.deepEqual(transcript.lines, ['-- a client connected', 'S: 250 hi␍␊'])
      })
    `,
  })
  const failed = async (args) => {
    const error = await t.throwsAsync(run(path, args))
    return error.stdout + error.stderr
  }
  const shownByJest = await failed(jest)
  t.regex(shownByJest, /^ +- +"S: 250 hi␍␊",$/m)
  t.regex(shownByJest, /^ +\+ +"S: 220 hi␍␊",$/m)
  const shownByAva = await failed([join(root, 'node_modules/ava/entrypoints/cli.mjs'), 'shown.ava.js'])
  t.regex(shownByAva, /^ *- +'S: 220 hi␍␊',$/m)
  t.regex(shownByAva, /^ *\+ +'S: 250 hi␍␊',$/m)
})
