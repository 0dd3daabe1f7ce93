'use strict'

// REL-33 and REL-34: descriptors that cannot be had, and readiness that cannot be registered, fail one socket and
// nothing else; the next try works.

const test = require('ava')

const { ask, start } = require('../fixtures/reliability/children.js')
const { failsys } = require('../helpers/failsys.js')
const { hasTools, serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

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

// The runtime, the listener, the client and the accepted socket each register with epoll; and so on, as far as the calls
// of the first try go.
for (const [call, error, places] of [
  ['epoll_ctl', 'ENOMEM', 4],
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
