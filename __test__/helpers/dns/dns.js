'use strict'

// Whether, and how, a command can be run where names are resolved by dnsstub.py. See dns.sh.

const { spawnSync } = require('node:child_process')
const { join } = require('node:path')

const SCRIPT = join(__dirname, 'dns.sh')

let reason

/** Why it is not possible on this machine: a sentence, or `''` when it is. Found out by trying. */
function whyNoDns() {
  if (reason !== undefined) return reason
  if (process.platform !== 'linux' || process.getuid() !== 0) {
    reason = 'Linux and root'
  } else {
    const { status, stderr } = spawnSync('bash', [SCRIPT, 'normal', 'true'], { encoding: 'utf8' })
    reason =
      status === 0
        ? ''
        : `network namespaces, iptables, ip6tables and python3 (${stderr.trim().split('\n')[0]})`
  }
  return reason
}

/** The beginning of a command line that runs the rest of it with the resolver in `mode`: normal, silent or garbage. */
function withDns(mode) {
  return ['bash', SCRIPT, mode]
}

module.exports = { whyNoDns, withDns }
