'use strict'

// moz-tcp-socket/direct/register, and what loading a face loads.

const { execFile } = require('node:child_process')
const { promisify } = require('node:util')

const test = require('ava')

const run = promisify(execFile)

const node = (...args) => run(process.execPath, args, { cwd: __dirname, timeout: 30_000 })

const NAMES = `['TCPSocket', 'TCPServerSocket', 'UDPSocket', 'MulticastController']`

test('direct/register puts the classes on the global object, where nothing enumerates them', async (t) => {
  const program = `
    const direct = require('moz-tcp-socket/direct')
    console.log(${NAMES}.every((name) => globalThis[name] === direct[name]), Object.keys(globalThis).includes('TCPSocket'))`
  const { stdout, stderr } = await node('--import', 'moz-tcp-socket/direct/register', '-e', program)
  t.is(stdout, 'true false\n')
  t.is(stderr, '')
})

test('what is there already stays, and a warning for each says so, once', async (t) => {
  const program = `
    const { TCPSocket } = require('moz-tcp-socket')
    require('moz-tcp-socket/direct/register')
    console.log(globalThis.TCPSocket === TCPSocket)`
  const { stdout, stderr } = await node('--import', 'moz-tcp-socket/register', '-e', program)
  t.is(stdout, 'true\n')
  for (const name of ['TCPSocket', 'TCPServerSocket', 'UDPSocket']) {
    t.is(stderr.match(new RegExp(`Warning: ${name}: is there already`, 'g'))?.length, 1)
  }
  t.notRegex(stderr, /MulticastController:/)
})

test('a face loads nothing of the others', async (t) => {
  for (const face of ['direct', 'winter']) {
    const program = `
      require('moz-tcp-socket/${face}')
      const files = Object.keys(require.cache).map((file) => file.replaceAll('\\\\\\\\', '/'))
      console.log(JSON.stringify(files.filter((file) => /lib\\/(?:faces\\/|tcp-socket|tcp-server-socket|udp-socket)/.test(file))))`
    const { stdout } = await node('-e', program)
    const files = JSON.parse(stdout)
    t.true(files.length > 0)
    t.true(
      files.every((file) => file.includes(`/lib/faces/${face}/`)),
      stdout,
    )
  }
})
