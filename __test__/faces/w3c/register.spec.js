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

test('what somebody puts on Object.prototype is no option', async (t) => {
  const code = `
    const streams = require('moz-tcp-socket/w3c')
    const events = require('moz-tcp-socket/w3c/events')
    const bare = (options) => Object.assign(Object.create(null), options)
    const here = bare({ localAddress: '127.0.0.1' })
    for (const name of ['noDelay', 'signal', 'localPort', 'family', 'address', 'givenUp', 'local', 'onDemand', 'reuseAddress', 'peer', 'data',
      'multicastHops', 'sendBufferSize', 'type', 'highWaterMark', 'ipv6Only', 'keepAliveInterval', 'remoteAddress', 'kind', 'cancelled', 'isOne'])
      Object.defineProperty(Object.prototype, name, { value: {}, writable: true, configurable: true })
    const bytes = new TextEncoder().encode('fine')
    const main = async () => {
      const server = new streams.TCPServerSocket(here)
      await server.opened
      const socket = new streams.TCPSocket('127.0.0.1', server.localPort, bare({}))
      await socket.writeable.write('fine')
      const accepted = await server.listen()
      const datagrams = new streams.UDPSocket(here)
      await datagrams.opened
      const sender = new streams.UDPSocket(bare({ localAddress: '127.0.0.1', remoteAddress: '127.0.0.1', remotePort: datagrams.localPort }))
      await sender.writeable.write(bare({ data: bytes }))
      const chunks = [(await accepted.readable.getReader().read()).value, (await datagrams.readable.getReader().read()).value.data]
      const client = new events.TCPSocket('127.0.0.1', server.localPort, bare({}))
      client.onopen = () => client.send('fine')
      chunks.push((await (await server.listen()).readable.getReader().read()).value)
      require('node:fs').writeSync(1, chunks.map((chunk) => Buffer.from(chunk).toString()).join(' '))
      process.exit()
    }
    main()`
  t.is((await printed(code)).stdout, 'fine fine fine')
})
