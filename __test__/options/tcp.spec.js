'use strict'

// keepAlive and noDelay, as the kernel has them: of what a client connects, and of what a listener accepts.

const { spawnSync } = require('node:child_process')

const test = require('ava')

const { hasTools, testWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')
const { attach, mayAttach } = require('../helpers/strace.js')
const { trusting } = require('../helpers/tls-peers.js')
const { listenSecurely, nodeClient } = require('../helpers/tls-servers.js')

const withSs = testWhere(test, hasTools('ss'), 'ss (iproute2)')
const withStrace = testWhere(test.serial, hasTools('strace') && mayAttach(), 'strace')

/** Seconds until the first keep-alive probe of the connection from port `from` to port `to`; `null` if there is none. */
function probedIn(from, to) {
  const filter = ['sport', '=', String(from), 'and', 'dport', '=', String(to)]
  // A connection has one timer at a time: while something is not acknowledged, that is another.
  let stdout
  do ({ stdout } = spawnSync('ss', ['-tnoH', ...filter], { encoding: 'utf8' }))
  while (stdout.includes('timer:(on,'))
  // timer:(keepalive,1min59sec,0), or 59sec, or 9.950ms for less than ten.
  const [, time] = /timer:\(keepalive,([^,]*)/.exec(stdout) ?? []
  if (time === undefined) return null
  const [, minutes = 0, seconds] = /^(?:(\d+)min)?(?:(\d+(?:\.\d+)?)(?:sec|ms))?$/.exec(time)
  return Number(minutes) * 60 + Number(seconds ?? 0)
}

const probed = (socket) => probedIn(socket.localPort, socket.remotePort)

/** An open connection of ours by each way of connecting, with `options`. */
async function clients(own, options) {
  const server = await own.netServer()
  const secure = listenSecurely(own)
  const all = [
    own.open('127.0.0.1', server.port, options),
    own.open('localhost', server.port, options),
    own.open('localhost', secure.port, trusting(options)),
  ]
  await Promise.all(all.map(([, events]) => events.event('open')))
  return all.map(([socket]) => socket)
}

/** What a plain listener and one with TLS accept, with `options`. */
async function accepted(own, options) {
  const plain = own.listen(options)
  own.open('127.0.0.1', plain.port)
  const secure = listenSecurely(own, options)
  nodeClient(own, secure.port).on('error', () => {})
  return Promise.all([plain, secure].map(({ accepted: next }) => next().then(([socket]) => socket)))
}

for (const [side, connections] of [
  ['a client', clients],
  ['an accepted socket', accepted],
]) {
  withSs(`keepAlive of ${side}: the first probe comes after keepAliveDelay, in whole seconds`, async (t) => {
    const own = scope(t)
    for (const [keepAliveDelay, seconds] of [
      [55_000, 55],
      [54_001, 55],
      ['90000', 90],
    ]) {
      for (const socket of await connections(own, { keepAlive: true, keepAliveDelay })) {
        const left = probed(socket)
        t.true(left !== null && left <= seconds && left > seconds - 20, `${left} of ${seconds} s`)
      }
    }
  })

  withSs(`keepAlive of ${side} without a delay leaves that to the system: two hours, mostly`, async (t) => {
    const own = scope(t)
    for (const options of [{ keepAlive: true }, { keepAlive: true, keepAliveDelay: 0 }]) {
      for (const socket of await connections(own, options)) t.true(probed(socket) > 90, `${probed(socket)} s`)
    }
  })

  withSs(`nobody is probed without keepAlive: ${side}`, async (t) => {
    const own = scope(t)
    for (const options of [{}, { keepAlive: false }, { noDelay: false }]) {
      for (const socket of await connections(own, options)) t.is(probed(socket), null)
    }
  })
}

withSs('STARTTLS leaves it as it is', async (t) => {
  const own = scope(t)
  const { client } = await own.pair({ keepAlive: true, keepAliveDelay: 60_000 })
  client.upgradeToSecure()
  t.true(probed(client) > 30)
})

withStrace('Nagle’s algorithm is off by default, and on with noDelay: false', async (t) => {
  const own = scope(t)
  const trace = await attach(own, process.pid, '-f', '-e', 'trace=setsockopt')
  await clients(own, {})
  const byDefault = (await trace.ended()).match(/TCP_NODELAY, \[\d\]/g)
  t.true(byDefault.every((call) => call.includes('[1]')))
  const second = await attach(own, process.pid, '-f', '-e', 'trace=setsockopt')
  await clients(own, { noDelay: false })
  const log = await second.ended()
  // The servers beside them, which are node:net and a listener of ours, have it off.
  t.is(log.match(/TCP_NODELAY, \[0\]/g)?.length, 3, log)
})
