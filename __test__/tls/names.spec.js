'use strict'

// Host names and certificates: what is asked for by SNI, and which names a certificate is good for (REL-66 to REL-69,
// REL-74, REL-156). Names other than localhost are resolved in child processes by a preloaded library.

const { execFileSync, execFile } = require('node:child_process')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { hasIPv6, hasTools, testOn, testWhere } = require('../helpers/needs.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { tlsServer, toldName, trusting } = require('../helpers/tls-peers.js')

const MISMATCH = [toldName('SecurityCertificateDomainMismatchError'), 'close']
const FINE = ['open', 'close']

const fixture = (name) => join(__dirname, '../fixtures/tls', name)

/** A library that resolves every name; made when a test needs it. */
let library

const named = testWhere(test, process.platform === 'linux' && hasTools('cc'), 'Linux with a C compiler')

function compile() {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-names-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const output = join(directory, 'every-name.so')
  execFileSync('cc', ['-shared', '-fPIC', '-o', output, fixture('every-name.c'), '-ldl'])
  return output
}

/** Opens `host`, a name under .test, in a child process, to a server with the certificate called `name`. */
async function openNamed(t, host, name) {
  library ??= compile()
  const server = await tlsServer(scope(t), name)
  const options = { ca: certificate('root').ca }
  const argument = JSON.stringify({ host, port: server.port, options })
  const env = { ...process.env, LD_PRELOAD: [library, process.env.LD_PRELOAD].filter(Boolean).join(':') }
  const { stdout } = await promisify(execFile)(process.execPath, [fixture('open.js'), argument], { env })
  return { ...JSON.parse(stdout), names: server.names }
}

const NAMED = [
  ['REL-66', 'a name that the certificate lists', 'server.test', 'server.test', FINE],
  ['REL-61', 'a name in other case', 'SERVER.Test', 'SERVER.Test', FINE],
  ['REL-74', 'a name with a trailing dot, which is stripped', 'server.test.', 'server.test', FINE],
  ['REL-66', 'a wildcard for one label', 'mail.wild.test', 'mail.wild.test', FINE],
  ['REL-74', 'an internationalized name, as its A-label', 'bücher.test', 'xn--bcher-kva.test', FINE],
  ['REL-74', 'an A-label', 'xn--bcher-kva.test', 'xn--bcher-kva.test', FINE],
  ['REL-66', 'a name that is not listed', 'else.test', undefined, MISMATCH],
  ['REL-66', 'a wildcard does not stand for two labels', 'a.b.wild.test', undefined, MISMATCH],
  ['REL-66', 'a wildcard does not stand for none', 'wild.test', undefined, MISMATCH],
  ['REL-66', 'a name that only begins like a listed one', 'server.test.evil.test', undefined, MISMATCH],
]

for (const [check, what, host, sni, expected] of NAMED) {
  named(`${check}: ${what}: ${host} ${expected === FINE ? 'is accepted' : 'is refused'}`, async (t) => {
    const result = await openNamed(t, host, 'test')
    t.deepEqual(result.events, expected)
    t.is(result.host, host, 'the host attribute stays as given')
    if (sni !== undefined) t.deepEqual(result.names, [sni])
  })
}

test('REL-156: SNI carries the host of open', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own)
  const [socket, events] = own.open('localhost', server.port, trusting())
  await events.event('open')
  socket.close()
  await events.closed()
  await server.ended
  t.deepEqual(server.names, ['localhost'])
})

for (const host of ['127.0.0.1', '::1']) {
  const onAddress = testOn(test, host !== '::1' || hasIPv6, 'an IPv6 loopback address')
  onAddress(
    `REL-67, REL-68, REL-156: the address ${host} is verified against addresses, and no SNI is sent`,
    async (t) => {
      const own = scope(t)
      const server = await tlsServer(own, 'good', { host })
      const [socket, events] = own.open(host, server.port, trusting())
      await events.event('open')
      socket.close()
      await events.closed()
      await server.ended
      t.deepEqual(server.names, [false])
    },
  )
}
