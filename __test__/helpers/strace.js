'use strict'

// strace, for what cannot be preloaded: the engine makes some system calls without libc.

const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { readFileSync, readdirSync } = require('node:fs')

/** Whether a running process may be traced. Where it may not, nothing can be installed to change that. */
function mayAttach() {
  // Whichever of the two ends first ends the other. No other signal: one that is traced can get lost.
  const script =
    'sleep 60 & id=$!; strace -o /dev/null -p $id 2>&1 | { grep -q " attached"; code=$?; kill -9 $id; exit $code; }'
  return spawnSync('sh', ['-c', script]).status === 0
}

/** The threads of process `pid` with that name. */
function threads(pid, name) {
  const tasks = `/proc/${pid}/task`
  return readdirSync(tasks).filter((id) => readFileSync(`${tasks}/${id}/comm`, 'latin1').trim() === name)
}

/** Resolves when thread `id`, and no other, is traced with `options`. `ended()` lets it go, and resolves with the log. */
async function attach(own, id, ...options) {
  const child = spawn('strace', [...options, '-p', String(id)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text
    child.emit('news')
  })
  const closed = once(child, 'close').then(() => child.emit('news'))
  const ended = async () => {
    child.kill('SIGINT')
    await closed
    return log
  }
  own.onEnd(ended)
  while (!log.includes(' attached')) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`strace: ${log}`)
    await once(child, 'news')
  }
  return { ended }
}

module.exports = { attach, mayAttach, threads }
