'use strict'

// Revocation lists (crl). Where there is one, every certificate of a chain must be covered: what is not known
// to be good is refused.

const base = require('ava')

const { certificate, fingerprint, revocationList } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, WAYS, accepted, meet, refused } = require('../helpers/tls-peers.js')

// Windows and macOS do not take lists.
const test = TELLS_REASONS ? base : base.skip

const ca = () => certificate('root').ca

/** Declares a test for each of WAYS. */
function inEachWay(title, run) {
  for (const way of WAYS) test(`${title} (${way})`, (t) => run(t, way, scope(t)))
}

const list = (more) => revocationList('root', { revoked: ['revoked'], ...more })

inEachWay('REL-73: a certificate in the list is refused', async (t, way, own) => {
  const there = await meet(own, way, { ca: ca(), crl: list() }, { name: 'revoked' })
  const { data } = await refused(t, there, 'SecurityRevokedCertificateError')
  t.regex(data.reason, /revoked/)
})

inEachWay('a certificate that is not in the list is accepted', async (t, way, own) => {
  await accepted(t, await meet(own, way, { ca: ca(), crl: list() }))
})

inEachWay('REL-73: without a list, a revoked certificate is as good as another', async (t, way, own) => {
  for (const nothing of [{}, { crl: null }]) {
    await accepted(t, await meet(own, way, { ca: ca(), ...nothing }, { name: 'revoked' }))
  }
})

inEachWay('a list of another authority covers nothing', async (t, way, own) => {
  const crl = revocationList('stranger')
  for (const name of ['good', 'revoked']) {
    const { data } = await refused(t, await meet(own, way, { ca: ca(), crl }, { name }), 'SecurityError')
    t.regex(data.reason, /CRL/)
  }
})

inEachWay('a list that has expired covers nothing', async (t, way, own) => {
  const crl = list({ from: -20, until: -1 })
  const { data } = await refused(t, await meet(own, way, { ca: ca(), crl }), 'SecurityError')
  t.regex(data.reason, /CRL has expired/)
})

test('a list that is not valid yet covers nothing', async (t) => {
  const crl = list({ from: 2, until: 20 })
  const { data } = await refused(t, await meet(scope(t), WAYS[0], { ca: ca(), crl }), 'SecurityError')
  t.regex(data.reason, /CRL is not yet valid/)
})

test('a list that somebody else signed in the name of the authority covers nothing', async (t) => {
  const forged = revocationList('impostor')
  const options = { ca: ca(), crl: forged }
  await refused(t, await meet(scope(t), WAYS[0], options), 'SecurityError')
})

test('each authority of a chain needs a list', async (t) => {
  const own = scope(t)
  const lists = { root: list(), intermediate: revocationList('intermediate') }
  const chained = (crl) => meet(own, WAYS[0], { ca: ca(), crl }, { name: 'chained' })
  for (const crl of [lists.root, lists.intermediate]) await refused(t, await chained(crl), 'SecurityError')
  await accepted(t, await chained([lists.root, lists.intermediate]))
  await accepted(t, await chained(lists.root + lists.intermediate))
  const withoutIntermediate = revocationList('root', { revoked: ['intermediate'] })
  const revoked = await chained([withoutIntermediate, lists.intermediate])
  await refused(t, revoked, 'SecurityRevokedCertificateError')
})

test('crl may be a string, bytes, or an array of them, each with several lists', async (t) => {
  const own = scope(t)
  const [ours, other] = [list(), revocationList('stranger')]
  const bytes = (pem) => Buffer.from(pem)
  const forms = [ours, bytes(ours), Uint8Array.from(bytes(ours)).buffer, other + ours, `a list:\n${ours}`]
  for (const crl of [...forms, [ours], [other, bytes(ours)], [bytes(other + ours)]]) {
    await accepted(t, await meet(own, WAYS[0], { ca: ca(), crl }))
    const revoked = await meet(own, WAYS[0], { ca: ca(), crl }, { name: 'revoked' })
    await refused(t, revoked, 'SecurityRevokedCertificateError')
  }
})

test('with a list, a pin does not replace the verification', async (t) => {
  const own = scope(t)
  const pinned = (name, more) => ({ fingerprint256: fingerprint(name), crl: list(), ...more })
  await accepted(t, await meet(own, WAYS[0], pinned('good', { ca: ca() })))
  const revoked = await meet(own, WAYS[0], pinned('revoked', { ca: ca() }), { name: 'revoked' })
  await refused(t, revoked, 'SecurityRevokedCertificateError')
  const untrusted = await meet(own, WAYS[0], pinned('good'))
  await refused(t, untrusted, 'SecurityUntrustedCertificateIssuerError')
})

test('a list that upgradeToSecure brings goes with the ca of the constructor', async (t) => {
  const there = await meet(scope(t), WAYS[2], { crl: list() }, { made: { ca: ca() }, name: 'revoked' })
  await refused(t, there, 'SecurityRevokedCertificateError')
})
