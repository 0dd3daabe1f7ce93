'use strict'

// What Node's own tests say of names: one that cannot exist, and one with addresses of both families of which some are dead
// (REL-144, REL-145). A family that is a black hole is in reliability/names.

const test = require('ava')

const { ask } = require('../fixtures/reliability/children.js')
const { whyNoDns, withDns } = require('../helpers/dns/dns.js')
const { serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

const inNamespace = serialWhere(test, whyNoDns() === '', whyNoDns())

/** Longer than a label may be: no resolver has to be asked. */
const NO_NAME = 'x'.repeat(64)

for (const useSecureTransport of [false, true]) {
  test(`REL-144: a name that cannot exist is DomainNotFoundError, then close (${useSecureTransport ? 'TLS' : 'plain'})`, async (t) => {
    const own = scope(t)
    const [socket, events] = own.open(NO_NAME, 80, { useSecureTransport })
    t.is(socket.readyState, 'connecting', 'nothing is told in the turn of open')
    t.deepEqual(await events.closed(), ['error', 'close'])
    const { name, message, data } = await events.event('error')
    t.deepEqual([name, message], ['DomainNotFoundError', 'Network'])
    t.true(data.message.includes(NO_NAME), data.message)
    t.deepEqual([socket.readyState, socket.host, socket.remoteAddress], ['closed', NO_NAME, null])
  })
}

test('REL-144: what is no name at all throws, where Node would look it up', (t) => {
  const own = scope(t)
  for (const host of ['not a name', '', 'http://localhost', 'name\0'])
    t.throws(() => own.open(host, 80), { instanceOf: TypeError, message: /^host / })
})

const tell = (t, ...args) => ask(scope(t), '../node/families.js', args, { wrapper: withDns('normal') })

/** Of the first connection to a name. Two attempts are 250 ms apart, and a family that refuses is not waited for. */
const MOST_MS = 600

for (const [dead, address] of [
  ['IPv6', '127.0.0.1'],
  ['IPv4', '::1'],
]) {
  inNamespace(
    `REL-145: where ${dead} is refused the other family is connected to, without a wait`,
    async (t) => {
      const { ms, types, remoteAddress, accepted, errors } = await tell(t, 'both.test', address)
      t.log(`open after ${Math.round(ms)} ms`)
      t.is(types, 'open,close')
      t.is(remoteAddress, address)
      t.deepEqual(accepted, [address])
      t.deepEqual(errors, [])
      t.true(ms <= MOST_MS, `${ms} ms`)
    },
  )
}

inNamespace(
  'REL-145: where both families are good the first one is connected to, and only that',
  async (t) => {
    const { types, remoteAddress, accepted } = await tell(t, 'both.test', '::')
    t.is(types, 'open,close')
    t.is(remoteAddress, '::1')
    t.deepEqual(accepted, ['::1'])
  },
)

inNamespace('REL-145: where both families are refused there is one error, which tells of both', async (t) => {
  const { ms, types, remoteAddress, errors } = await tell(t, 'both.test', 'nowhere')
  t.is(types, 'error,close')
  t.is(remoteAddress, null)
  t.is(errors.length, 1)
  const [{ name, code, message }] = errors
  t.deepEqual([name, code], ['ConnectionRefusedError', 'ECONNREFUSED'])
  t.true(message.includes('::1') && message.includes('127.0.0.1'), message)
  t.true(ms <= MOST_MS, `${ms} ms`)
})
