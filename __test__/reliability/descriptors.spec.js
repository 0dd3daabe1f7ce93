'use strict'

// REL-33 and REL-34: descriptors that cannot be had, and readiness that cannot be registered, fail one socket and
// nothing else; the next try works.

const { once } = require('node:events')
const { copyFileSync } = require('node:fs')
const net = require('node:net')
const { join } = require('node:path')

const test = require('ava')

const { ask, start } = require('../fixtures/reliability/children.js')
const { failsys } = require('../helpers/failsys.js')
const { hasTools, serialWhere, testOn, testWhere } = require('../helpers/needs.js')
const { temporaryDirectory } = require('../helpers/peers.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { attach, mayAttach } = require('../helpers/strace.js')
const { TELLS_REASONS, tlsServer } = require('../helpers/tls-peers.js')

const withLimits = serialWhere(
  test,
  process.platform === 'linux' && hasTools('prlimit'),
  'Linux with prlimit',
)
const withFaults = serialWhere(test, failsys('') !== undefined, 'Linux with glibc and gcc')

withLimits(
  'REL-33: sockets for which there is no descriptor fail, the others work, and later ones too',
  async (t) => {
    const own = scope(t)
    const server = await own.netServer({}, (socket) => socket.resume())
    const { ended, stayedOpen, listening, last } = await ask(own, 'many-opens.js', [server.port, 60], {
      wrapper: ['prlimit', '--nofile=40:40'],
    })
    const failures = ended.filter(({ types }) => types.join() === 'error,close')
    const successes = ended.filter(({ types }) => types.join() === 'open,close')
    t.log(`${successes.length} open, ${failures.length} failed`)
    t.is(failures.length + successes.length, 60, JSON.stringify(ended))
    t.is(successes.length, stayedOpen)
    t.true(successes.length > 0 && failures.length > 0)
    for (const { name, code } of failures)
      t.deepEqual({ name, code }, { name: 'NetworkError', code: 'EMFILE' })
    t.is(listening, 'EMFILE')
    t.is(last, 'open,close')
  },
)

const withFiles = serialWhere(test, TELLS_REASONS && failsys('') !== undefined, 'Linux with glibc and gcc')

withFiles(
  'REL-33: certificates to trust that could not be read for want of descriptors are read the next time',
  async (t) => {
    const own = scope(t)
    const server = await tlsServer(own)
    const file = certificate('root').caFile
    const directory = temporaryDirectory(own)
    copyFileSync(file, join(directory, '01234567.0'))
    const nowhere = join(directory, 'nowhere')
    for (const where of [
      { SSL_CERT_FILE: file, SSL_CERT_DIR: nowhere },
      { SSL_CERT_FILE: nowhere, SSL_CERT_DIR: directory },
      { SSL_CERT_FILE: nowhere, SSL_CERT_DIR: nowhere, NODE_EXTRA_CA_CERTS: file },
    ]) {
      for (const code of ['EMFILE', 'ENFILE', 'ENOMEM']) {
        const env = { NODE_EXTRA_CA_CERTS: '', ...where, ...failsys(`open:${code}:1:1`) }
        const [first, second] = await ask(own, 'secure-twice.js', [server.port], { env })
        t.like(first, { types: 'error,close', name: 'NetworkError', code })
        t.regex(first.message, /^set up TLS: read the certificates to trust: .+/)
        t.is(second.types, 'open,close', second.message)
      }
    }
  },
)

const isInLoop = process.env.MOZ_TCP_SOCKET_DRIVER !== 'tokio'

// The runtime, the listener, the accepted socket and the client each register with epoll; and so on, as far as the calls
// of the first try go. Where Node's own loop moves the bytes, all but the runtime do so past libc: see below.
for (const [call, error, places] of [
  ['epoll_ctl', 'ENOMEM', isInLoop ? 1 : 4],
  ['socket', 'EMFILE', 2],
  ['socket', 'ENOBUFS', 2],
  ['eventfd', 'EMFILE', 1],
  ['setsockopt', 'ENOMEM', 3],
  ['getsockopt', 'ENOBUFS', 1],
  ['bind', 'ENOMEM', 1],
  ['listen', 'ENOMEM', 1],
]) {
  for (let place = 1; place <= places; place++) {
    withFaults(`REL-34: after ${error} from ${call} number ${place} the next try works`, async (t) => {
      const env = failsys(`${call}:${error}:${place}:1`, { log: '1' })
      const { next, result } = start(scope(t), 'try-until-it-works.js', [1000], { env })
      const tries = await next()
      t.log(tries.join(' | '))
      const { code, stderr } = await result
      t.is(code, 0)
      t.regex(stderr, /struck=1\n/, 'a rule that never strikes tests nothing')
      t.is(tries.at(-1), 'works', tries.join('\n'))
      t.true(tries.length <= 3, tries.join('\n'))
    })
  }
}

const isTraceable = process.platform === 'linux' && hasTools('strace')
const withTrace = isTraceable
  ? testOn(test.serial, mayAttach(), 'permission to trace')
  : testWhere(test.serial, false, 'Linux with strace')

/** Starts unwatched.js, in which the next connection to wait for something fails once told to go on. */
async function startUnwatched(own, story) {
  const server = await own.netServer({}, (socket) =>
    socket.on('data', (data) => socket.write(data, () => server.server.emit('echoed'))),
  )
  const started = start(own, 'unwatched.js', [story, server.port])
  const { next, tell } = started
  const watchless = async () => {
    if ((await next()) !== 'ready') throw new Error('not ready')
    const { pid } = started.child
    const fault = ['-yy', '-e', 'trace=epoll_ctl', '-e', 'inject=epoll_ctl:error=ENOMEM:when=1']
    // It is JavaScript's own thread that has connections watched.
    const trace = await attach(own, pid, ...fault)
    tell('go on')
    return trace
  }
  return { ...started, ...server, watchless }
}

const INJECTED = /EPOLL_CTL_ADD, \d+<TCP:.* = -1 ENOMEM .*\(INJECTED\)/
const FAILED = { types: 'error,close', code: 'ENOMEM' }
const WORKS = { types: 'open,close' }

withTrace(
  'REL-34: a connection that cannot be waited for is error and close, and the next one works',
  async (t) => {
    const own = scope(t)
    const { next, result, watchless } = await startUnwatched(own, 'connect')
    const { ended } = await watchless()
    t.deepEqual(await next(), { ended: FAILED, next: WORKS })
    t.is((await result).code, 0)
    t.regex(await ended(), INJECTED)
  },
)

withTrace(
  'REL-34: an accepted socket that cannot be waited for ends alone, and the next one is served',
  async (t) => {
    const own = scope(t)
    const { next, tell, result, watchless } = await startUnwatched(own, 'accepted')
    const port = await next()
    const { ended } = await watchless()
    const connect = () => net.connect({ port, host: '127.0.0.1' }).on('error', () => {})
    await once(connect(), 'close')
    const served = connect()
    served.write('?')
    t.is(String((await once(served, 'data'))[0]), '?')
    served.end()
    await once(served, 'close')
    tell('enough')
    // Elsewhere it was not even accepted.
    t.deepEqual(await next(), { ended: [...(isInLoop ? [FAILED] : []), { types: 'close' }], next: WORKS })
    t.is((await result).code, 0)
    t.regex(await ended(), INJECTED)
  },
)

// Elsewhere a suspended connection is watched all the time, and a listener by way of libc: see above.
if (isInLoop) {
  withTrace('REL-34: a listener that cannot be watched throws, and the next one works', async (t) => {
    const own = scope(t)
    const { next, result, watchless } = await startUnwatched(own, 'listen')
    const { ended } = await watchless()
    t.deepEqual(await next(), { ended: 'ENOMEM', next: WORKS })
    t.is((await result).code, 0)
    t.regex(await ended(), INJECTED)
  })

  withTrace(
    'REL-34: a socket that cannot be waited for again after resume() is error and close',
    async (t) => {
      const own = scope(t)
      const { server, next, tell, result, watchless } = await startUnwatched(own, 'resume')
      const echoed = once(server, 'echoed').then(() => once(server, 'echoed'))
      if ((await next()) !== 'sent') throw new Error('not sent')
      await echoed
      tell('go on')
      const { ended } = await watchless()
      t.deepEqual(await next(), { ended: { ...FAILED }, next: WORKS })
      t.is((await result).code, 0)
      t.regex(await ended(), INJECTED)
    },
  )
}
