'use strict'

// The cipher suites of a client (REL-76): none whose traffic a stolen key can read later, and of those with a MAC of
// their own only what mail servers need that have nothing better.

const test = require('ava')

const { certificate } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, WAYS, accepted, helloCiphers, meet, refused } = require('../helpers/tls-peers.js')

/** Declares a test of what the TLS libraries of Windows and macOS decide by themselves. */
const testFull = TELLS_REASONS ? test : test.skip

const ca = () => certificate('root').ca

/** A server of TLS 1.2 that has these `ciphers` alone, meets a client of ours. */
const meetWith = (own, way, ciphers) =>
  meet(
    own,
    way,
    { ca: ca() },
    { name: 'goodRsa', server: { ciphers, maxVersion: 'TLSv1.2', dhparam: 'auto' } },
  )

for (const ciphers of [
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA256',
  'DHE-RSA-AES256-SHA',
  'DHE-RSA-AES128-SHA256',
]) {
  for (const way of WAYS) {
    testFull(`a server that has ${ciphers} alone is refused (${way})`, async (t) => {
      const { data } = await refused(t, await meetWith(scope(t), way, ciphers), 'SecurityError')
      t.regex(data.reason, /handshake failure/)
    })
  }
}

for (const [ciphers, name] of [
  ['ECDHE-RSA-AES128-SHA', 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA'],
  ['ECDHE-RSA-AES256-SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384'],
  ['DHE-RSA-AES128-GCM-SHA256', 'TLS_DHE_RSA_WITH_AES_128_GCM_SHA256'],
]) {
  testFull(`a server that has ${ciphers} alone is accepted`, async (t) => {
    const there = await meetWith(scope(t), WAYS[0], ciphers)
    await accepted(t, there)
    t.is(there.socket.tls.cipher, name)
  })
}

testFull(
  'what a server could have in common with a client is asked for in the order of its strength',
  async (t) => {
    const offered = await helloCiphers(scope(t), 'localhost', { maxVersion: 'TLSv1.2' })
    const isAead = (suite) =>
      (suite >= 0xc02b && suite <= 0xc030) || [0x9e, 0x9f].includes(suite) || suite >> 8 === 0xcc
    const isEcdheCbc = (suite) =>
      [0xc009, 0xc00a, 0xc013, 0xc014, 0xc023, 0xc024, 0xc027, 0xc028].includes(suite)
    // The signalling value of RFC 5746.
    const suites = offered.filter((suite) => suite !== 0xff)
    t.deepEqual(
      suites.filter((suite) => !isAead(suite) && !isEcdheCbc(suite)),
      [],
    )
    const firstCbc = suites.findIndex(isEcdheCbc)
    t.true(firstCbc > 0)
    t.deepEqual(suites.slice(firstCbc).filter(isAead), [])
  },
)
