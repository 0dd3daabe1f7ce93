'use strict'

// Torture: each call of each function of the system that the engine makes fails once, on its own, while clients and servers of all
// kinds talk (see torture.js). What can only fail at the beginning of a process does so in processes of their own.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { addon, isFresh } = require('../../../scripts/build-fault-addon.js')
const { start } = require('../../fixtures/reliability/children.js')
const { controlFile, failsys } = require('../../helpers/failsys.js')
const { serialWhere } = require('../../helpers/needs.js')
const { temporaryDirectory } = require('../../helpers/peers.js')
const { scope } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')
const { pkiOf } = require('../helpers/torture.js')

const possible = failsys('') !== undefined && isFresh()
const tortured = serialWhere(
  test,
  possible,
  'Linux with glibc and gcc, and the engine of `node scripts/build-fault-addon.js`',
)

/** A rule that fails nothing, but lets one byte through. */
const SHORT = '0'

/** By what they do: `[call, errors]`. An error that cannot come from that call would show nothing. */
const SWEPT = {
  'sockets are made': [
    ['socket', ['EMFILE', 'ENOBUFS']],
    ['bind', ['EADDRINUSE', 'ENOMEM']],
    ['listen', ['EADDRINUSE']],
    ['accept4', ['ECONNABORTED', 'EMFILE', 'ENOBUFS', 'EINTR', 'EAGAIN', 'EPROTO']],
    ['connect', ['ECONNREFUSED', 'EADDRNOTAVAIL', 'ENETUNREACH', 'EINTR']],
  ],
  'sockets are set up, asked and shut down': [
    ['setsockopt', ['ENOMEM']],
    ['getsockopt', ['ENOBUFS']],
    ['getsockname', ['ENOBUFS']],
    ['getpeername', ['ENOTCONN']],
    ['shutdown', ['ENOTCONN']],
    ['ioctl', ['ENOMEM']],
  ],
  'bytes come and go': [
    ['recv', ['ECONNRESET', 'ENOMEM', 'EINTR', 'EAGAIN']],
    ['send', ['EPIPE', 'ENOBUFS', 'EINTR', 'EAGAIN']],
    ['sendmsg', ['EPIPE', 'ENOBUFS', 'EINTR', 'EAGAIN']],
    ['shortrecv', [SHORT]],
    ['shortsend', [SHORT]],
  ],
  'descriptors are watched': [
    ['epoll_ctl', ['ENOMEM', 'ENOSPC']],
    ['epoll_wait', ['EINTR']],
  ],
  'names are looked up': [['getaddrinfo', ['EAI_AGAIN', 'EAI_SYSTEM', 'EAI_MEMORY']]],
}

/** Of calls that are made thousands of times in a round, so many fail, at equal distances. Others all do. */
const MOST = { memory: Number(globalThis.process.env.TORTURE_MEMORY ?? 0) }

// Not by default: OpenSSL 3.6 itself reads through a null pointer (SSL_set0_rbio) where the record layer of a new connection gets no
// memory.
if (MOST.memory > 0) SWEPT['OpenSSL gets memory'] = [['memory', ['ENOMEM']]]

/** What happens in the first round of a process alone. */
const AT_FIRST = [
  ['epoll_create1', ['EMFILE', 'ENOMEM']],
  ['eventfd', ['EMFILE']],
  ['socketpair', ['EMFILE']],
  ['fcntl', ['EMFILE']],
  ['epoll_ctl', ['ENOMEM']],
  ['pthread_create', ['EAGAIN']],
  ['open', ['EMFILE']],
  ['fileread', ['EINTR']],
]

/** More calls of a kind than a round makes. */
const MOST_AT_FIRST = 40

/** A process of torture.js in `mode`, and what its rule says now. */
function victim(t, own, mode) {
  const directory = temporaryDirectory(own)
  const control = controlFile(join(directory, 'control'))
  const env = { ...failsys('', { control }), ...pkiOf(directory), NAPI_RS_NATIVE_LIBRARY_PATH: addon }
  const started = start(own, join('..', 'faults', 'torture.js'), [mode], { env })
  const rule = () => {
    const bytes = readFileSync(control)
    return `${bytes.toString('latin1', 40).replace(/\0.*$/s, '')} number ${bytes.readBigInt64LE(24)} (error ${bytes.readInt32LE(4)})`
  }
  /** Resolves with its answer; `undefined` where it has crashed. */
  const answer = async (message) => {
    started.tell(message)
    try {
      return await started.next()
    } catch (error) {
      t.log(`${rule()}: ${error.message}`)
      return undefined
    }
  }
  return { ...started, answer }
}

function add(account, t, problems, runs) {
  const wrong = {}
  for (const { column, count, text } of problems) {
    t.log(text)
    wrong[column] = (wrong[column] ?? 0) + count
  }
  account.run({ runs, ...wrong })
}

for (const [what, calls] of Object.entries(SWEPT)) {
  tortured(`each call by which ${what} fails once`, async (t) => {
    const own = scope(t)
    const names = calls.map(([call]) => call).join(', ')
    const account = openAccount(t, __filename, {
      ids: ['REL-34', 'REL-35'],
      fault: `a system call by which ${what} fails: ${names}`,
      did: 'each of them in turn, in rounds of 4 conversations, plain, TLS and STARTTLS, 150 KB each way',
    })
    let process
    for (const [call, errors] of calls) {
      for (const error of errors) {
        process ??= victim(t, own, 'sweep')
        const result = await process.answer({ call, error, most: MOST[call] })
        if (!result) {
          account.run({ crashes: 1 })
          process = undefined
          continue
        }
        const { rounds, whole, seen, problems, slowest } = result
        t.log(
          `${call} ${error}: ${rounds} rounds, ${whole} whole, ${seen} calls, the slowest ${slowest.toFixed(1)} s`,
        )
        for (const [text, count] of Object.entries(result.errors))
          if (globalThis.process.env.VERBOSE) t.log(`    ${count} × ${text}`)
        t.true(rounds > 1, `${call} is never called`)
        add(account, t, problems, rounds)
      }
    }
    if (process) {
      process.tell('end')
      const { code, signal, stderr } = await process.result
      t.deepEqual({ code, signal }, { code: 0, signal: null }, stderr)
    }
    account.close()
  })
}

tortured('each call by which the engine begins fails once', async (t) => {
  const account = openAccount(t, __filename, {
    ids: ['REL-34'],
    fault: `a system call by which the engine begins fails: ${AT_FIRST.map(([call]) => call).join(', ')}`,
    did: 'each of them in turn, in a process of its own: a round as above with the fault, then one without',
  })
  for (const [call, errors] of AT_FIRST) {
    for (const error of errors) {
      for (let from = 1, struck = 1; struck > 0 && from <= MOST_AT_FIRST; from++) {
        const own = scope(t)
        const process = victim(t, own, 'once')
        const result = await process.answer({ call, error, from })
        if (!result) {
          account.run({ crashes: 1 })
          continue
        }
        struck = result.struck
        if (globalThis.process.env.VERBOSE)
          t.log(`${call} ${error} number ${from}: ${result.errors.join('; ') || 'works'}`)
        add(
          account,
          t,
          result.problems.map((one) =>
            Object.assign(one, { text: `${call} number ${from} ${error}: ${one.text}` }),
          ),
          1,
        )
        const { code, signal, stderr } = await process.result
        t.deepEqual({ code, signal }, { code: 0, signal: null }, `${call} number ${from}: ${stderr}`)
      }
    }
  }
  account.close()
})
