'use strict'

// Specs whose subject is what comes before what, run again under a hostile scheduler (REL-59): one core for everything, the lowest
// priority, and a random wait of up to 0.4 milliseconds (a fifth of a turn) before each system call of the addon. What holds only because a thread is quick,
// or another core is free, fails here.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { failsys } = require('../../helpers/failsys.js')
const { hasTools, serialWhere } = require('../../helpers/needs.js')
const { openAccount } = require('../helpers/ledger.js')

const root = join(__dirname, '..', '..', '..')
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')

const SPECS = [
  'gecko/client-and-server',
  'gecko/x-ends',
  'gecko/x-events',
  'gecko/x-suspend',
  'gecko/x-upgrade',
  'lifecycle/tasks',
  'reliability/half-close',
  'reliability/reset-and-fin',
  'reliability/received-buffers',
  'tls/close-in-handshake',
  'tls/starttls',
  'tls/truncation',
].map((name) => `__test__/${name}.spec.js`)

/** Milliseconds for all of them. */
const LIMIT = 200_000

/** Runs `SPECS` behind the command `before`, and counts their tests. */
async function play(before, env) {
  const args = [...before, process.execPath, ava, '--tap', ...SPECS]
  const child = spawn(args[0], args.slice(1), {
    cwd: root,
    env: { ...process.env, MOZ_TCP_SOCKET_FAULT_LEDGER: '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT,
    killSignal: 'SIGKILL',
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  const [code, signal] = await once(child, 'close')
  const titles = (pattern) => [...output.matchAll(pattern)].map(([, title]) => title)
  return {
    code,
    signal,
    passed: titles(/^ok \d+ - (.+)$/gm),
    failed: titles(/^not ok \d+ - (.+)$/gm),
    output,
  }
}

/** A core that this process may run on, which in a container need not be the first of the machine. */
function ownCore() {
  if (process.platform !== 'linux') return '0'
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]
}

const onOneCore = ['taskset', '-c', ownCore()]

const HOSTILE = {
  'one core and the lowest priority': [[...onOneCore, 'nice', '-n', '19'], {}],
  'one core, and a random wait before each system call': [onOneCore, failsys('', { jitter: '400' })],
}

const possible = failsys('') !== undefined && hasTools('taskset', 'nice')

for (const [what, [before, env]] of Object.entries(HOSTILE)) {
  const hostile = serialWhere(test, possible, 'Linux with glibc and gcc, taskset and nice')
  hostile(`events come in the same order with ${what}`, async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-59'],
      fault: `a hostile scheduler: ${what}`,
      did: `${SPECS.length} specs about order, ends, suspension, STARTTLS`,
    })
    const { code, signal, passed, failed, output } = await play(before, env)
    for (const title of failed) t.log(title)
    account.run({ runs: passed.length + failed.length, wrongOrders: failed.length, hangs: signal ? 1 : 0 })
    t.is(code, 0, output.slice(-4000))
    t.true(passed.length > 100, `${passed.length} tests`)
    account.close()
  })
}
