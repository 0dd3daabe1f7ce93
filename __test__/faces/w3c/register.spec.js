'use strict'

// `moz-tcp-socket/w3c/register`, and what is loaded with each entry.

const { execFile } = require('node:child_process')
const { promisify } = require('node:util')

const test = require('ava')

const run = promisify(execFile)

/** What `code` prints, with `flags`. */
async function printed(code, ...flags) {
  const { stdout, stderr } = await run(process.execPath, [...flags, '-e', code], { cwd: __dirname })
  return { stdout: stdout.trim(), stderr }
}

const REGISTER = ['--import', 'moz-tcp-socket/w3c/register']

test('the classes are globals, and the permissions are on navigator', async (t) => {
  const code = `
    const api = require('moz-tcp-socket/w3c')
    console.log(Object.keys(api).every((name) => (name.endsWith('Permission') ? navigator : globalThis)[name] === api[name]))
    navigator.tcpPermission.hasPermission({ remotePort: 80 }).then(console.log)`
  t.deepEqual(await printed(code, ...REGISTER), { stdout: 'true\ngranted', stderr: '' })
  t.deepEqual(await printed(code, ...REGISTER, '--require', 'moz-tcp-socket/w3c/register'), {
    stdout: 'true\ngranted',
    stderr: '',
  })
})

test('what is there already stays, with a warning', async (t) => {
  const code = `
    const main = require('moz-tcp-socket')
    console.log(TCPSocket === main.TCPSocket, TCPServerSocket === main.TCPServerSocket, 'tcpPermission' in navigator)`
  const { stdout, stderr } = await printed(code, '--import', 'moz-tcp-socket/register', ...REGISTER)
  t.is(stdout, 'true true true')
  t.regex(stderr, /MOZ_TCP_SOCKET_REGISTERED.*TCPSocket: is there already, and stays/)
})

test('classes are not those of other faces, and no other face is loaded', async (t) => {
  const code = `
    const streams = require('moz-tcp-socket/w3c')
    const loaded = Object.keys(require.cache).filter((file) => /faces/.test(file) && !/faces.w3c/.test(file))
    const own = Object.keys(require.cache).filter((file) => /faces.w3c.events/.test(file))
    console.log(loaded.length, own.length, Object.keys(require.cache).some((file) => /lib.(tcp|udp)(-server)?-socket/.test(file)))
    const events = require('moz-tcp-socket/w3c/events')
    const main = require('moz-tcp-socket')
    for (const name of ['TCPSocket', 'TCPServerSocket', 'UDPSocket'])
      console.log(streams[name] === events[name] || streams[name] === main[name] || events[name] === main[name])
    console.log(streams.tcpPermission === events.tcpPermission, events.UDPMessageEvent === main.UDPMessageEvent)`
  t.is((await printed(code)).stdout, '0 0 false\nfalse\nfalse\nfalse\ntrue false')
})
