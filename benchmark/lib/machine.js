'use strict'

// What the figures were measured on, without anything that identifies the machine.

const { execFileSync } = require('node:child_process')
const os = require('node:os')

function describeMachine() {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model.trim() || 'unknown',
    cores: cpus.length,
    memory: `${Math.round(os.totalmem() / 1024 ** 3)} GiB`,
    system: `${os.type()} ${os.release().split('-')[0]}, ${os.arch()}`,
    rust: execFileSync('rustc', ['--version'], { encoding: 'utf8' }).split(' ')[1],
  }
}

module.exports = { describeMachine }
