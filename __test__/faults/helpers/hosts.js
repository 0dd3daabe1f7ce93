'use strict'

// Two hosts in network namespaces of their own, joined by a wire that can be made to misbehave (wire.c) and by a cable that is as
// fast as the kernel (veth). Linux, root and a C compiler are needed. Everything ends with the test, also when that is killed.

const { execFileSync, spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { delimiter, join } = require('node:path')
const { createInterface } = require('node:readline')

const { hasTools, testWhere } = require('../../helpers/needs.js')

const TOOLS = ['cc', 'ip', 'nft', 'nsenter', 'setpriv', 'ss', 'sysctl', 'tc']

/** Addresses of the two hosts. */
const ON_WIRE = ['10.77.0.1', '10.77.0.2']
const ON_CABLE = ['10.78.0.1', '10.78.0.2']

// `npm run` puts the programs of npm packages first, and one of them is called nft as well.
process.env.PATH = process.env.PATH.split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter)

let program
let reason

/** The compiled wire.c. */
function wireProgram() {
  if (program) return program
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-wire-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'wire')
  execFileSync('cc', ['-O2', '-o', file, join(__dirname, 'wire.c')], { stdio: 'pipe' })
  program = file
  return program
}

/** Why there can be no hosts on this machine: a phrase, or `''` when there can. Found out by trying. */
function whyNoHosts() {
  if (reason !== undefined) return reason
  if (process.platform !== 'linux' || process.getuid() !== 0) {
    reason = 'Linux and root'
  } else if (!hasTools(...TOOLS)) {
    reason = `the commands ${TOOLS.join(', ')}`
  } else {
    // Without input it makes the hosts, and ends.
    const { status, stderr } = spawnSync(wireProgram(), { input: '', encoding: 'utf8' })
    reason = status === 0 ? '' : `network namespaces and TUN devices (${stderr.trim()})`
  }
  return reason
}

/** `test`, which is skipped, loudly, where there can be no hosts. */
function testOfHosts(test) {
  return testWhere(test, whyNoHosts() === '', whyNoHosts())
}

/** One of the two. */
class Host {
  constructor(namespace, index) {
    /** The beginning of a command line that runs the rest of it on this host, and not longer than this process lives. */
    this.wrapper = ['setpriv', '--pdeathsig', 'KILL', 'nsenter', `--net=${namespace}`, '--']
    this.onWire = ON_WIRE[index]
    this.onCable = ON_CABLE[index]
  }

  /** Runs a command to its end and returns what it prints. Words are split at spaces; `input` is its standard input. */
  run(command, input = '') {
    const [first, ...args] = [...this.wrapper, ...command.split(' ')]
    return execFileSync(first, args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
  }

  /** Settings of the kernel, such as `{ tcp_retries2: 3 }`, of this host alone. */
  set(settings) {
    for (const [name, value] of Object.entries(settings)) this.run(`sysctl -qw net.ipv4.${name}=${value}`)
  }

  /** Makes `rules` the only ones of the firewall that look at what comes in: statements of nft, such as `tcp dport 25 drop`. */
  filter(...rules) {
    const lines = [
      'add table inet faults',
      'add chain inet faults in { type filter hook input priority 0; }',
      'flush table inet faults',
      ...rules.map((rule) => `add rule inet faults in ${rule}`),
    ]
    this.run('nft -f -', lines.map((line) => `${line}\n`).join(''))
  }

  /** Makes the kernel end all TCP connections of this host. */
  kill() {
    this.run('ss -KHtn state connected')
  }

  /** How many segments TCP has sent once more. */
  sentAgain() {
    const [names, values] = this.run('cat /proc/net/snmp')
      .match(/^Tcp: .*$/gm)
      .map((row) => row.split(' '))
    return Number(values[names.indexOf('RetransSegs')])
  }

  /** What `ss` says of each established connection that `what` selects: its columns. */
  #established(what = '') {
    const rows = this.run(`ss -Htn state established ${what}`.trim()).split('\n')
    return rows.filter(Boolean).map((row) => row.trim().split(/\s+/))
  }

  /** How many connections from or to `port` are established. */
  established(port) {
    return this.#established(`( sport = :${port} or dport = :${port} )`).length
  }

  /** How many bytes of established connections the other host has not acknowledged. */
  unacknowledged() {
    return this.#established().reduce((sum, [, sendQueue]) => sum + Number(sendQueue), 0)
  }
}

/** The process of wire.c. */
class Wire {
  #child
  #answers

  constructor(child, answers) {
    this.#child = child
    this.#answers = answers
  }

  async #order(line) {
    this.#child.stdin.write(`${line}\n`)
    const { value, done } = await this.#answers.next()
    if (done || value.startsWith('wrong')) throw new Error(`the wire was told "${line}": ${value}`)
    return value
  }

  /** Sets what happens to packets, see wire.c: `{ delay: 50, loss: 5 }`, both ways, or `'forth'` or `'back'`. */
  async set(faults, way = 'both') {
    const words = Object.entries(faults).flat()
    await this.#order(['set', way, ...words].join(' '))
  }

  cut(way) {
    return this.set({ cut: 1 }, way)
  }

  join(way) {
    return this.set({ cut: 0 }, way)
  }

  /** How many packets had what happen to them. */
  async counts() {
    return JSON.parse(await this.#order('count'))
  }

  async end() {
    this.#child.stdin.end()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}

/** Makes both. `own` ends them (see `scope` of sockets.js). Resolves with `{ first, second, wire }`. */
async function makeHosts(own) {
  const child = spawn(wireProgram(), { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const wire = new Wire(child, answers)
  own.onEnd(() => wire.end())
  const { value: ready } = await answers.next()
  const namespaces = ready.match(/\d+/g).map((fd) => `/proc/${child.pid}/fd/${fd}`)
  const hosts = namespaces.map((namespace, index) => new Host(namespace, index))
  hosts[0].run(`ip link add cable type veth peer name cable netns ${namespaces[1]}`)
  for (const host of hosts) {
    const lines = [
      'link set lo up',
      `address add ${host.onWire}/24 dev wire`,
      `address add ${host.onCable}/24 dev cable`,
      'link set wire txqueuelen 2000 up',
      'link set cable up',
    ]
    host.run('ip -batch -', lines.map((line) => `${line}\n`).join(''))
  }
  return { first: hosts[0], second: hosts[1], wire }
}

module.exports = { makeHosts, testOfHosts, whyNoHosts }
