'use strict'

// Commands in a network namespace of their own, which is gone with the last of its processes. It has no name, so that any number of
// them run at once.

const { spawnSync } = require('node:child_process')

/** Both families, with addresses that are not loopback ones; d1 is the other end of the wire, where nobody is. */
const SETUP = `set -e
ip link set lo up
ip link add d0 type veth peer name d1
ip link set d1 up
ip link set d0 up
ip addr add 10.79.0.1/24 dev d0
ip addr add fd78::1/64 dev d0 nodad`

/** The beginning of a command line that runs the rest of it in such a namespace, after the commands in `more`, for a shell. */
function unshared(more = '') {
  return ['unshare', '--net', 'sh', '-c', `${SETUP}\n${more}\nexec "$@"`, 'sh']
}

let reason

/** Why it is not possible on this machine: a sentence, or `''` when it is. Found out by trying. */
function whyNotUnshared() {
  if (reason !== undefined) return reason
  if (process.platform !== 'linux' || process.getuid() !== 0) {
    reason = 'Linux and root'
  } else {
    const [command, ...args] = [...unshared(), 'true']
    const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    reason =
      status === 0
        ? ''
        : `network namespaces, unshare and ip (${error?.message ?? stderr.trim().split('\n')[0]})`
  }
  return reason
}

module.exports = { unshared, whyNotUnshared }
