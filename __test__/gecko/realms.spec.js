'use strict'

// Suite E of Gecko's tests (GT-39): suite C again, with the API loaded in another global. Gecko used a JSM and later an
// ES module; here it is a `vm` context with a copy of the package of its own, and an ES module.

const test = require('ava')

const api = require('../../index.js')
const { loadInNewRealm } = require('./helpers/realm.js')
const suiteOf = require('./helpers/suite-c.js')
const { declare, runCase } = require('./helpers/trial.js')

const other = loadInNewRealm()

test('GT-39 the other realm has classes of its own, so that what follows tests something', (t) => {
  t.not(other.realm.ArrayBuffer, ArrayBuffer)
  t.not(other.api.TCPSocket, api.TCPSocket)
})

declare(
  test,
  suiteOf(other.api, other.realm),
  (title) => `GT-39 in a realm with its own ArrayBuffer: ${title}`,
)

test('GT-39 what the API throws in another realm is of the classes of that realm', (t) => {
  const { TCPSocket, TCPServerSocket, mozTCPSocket } = other.api
  const { Error, RangeError, TypeError } = other.realm
  t.throws(() => new TCPSocket('127.0.0.1'), { instanceOf: TypeError })
  t.throws(() => new TCPServerSocket(0, { binaryType: 'blob' }), { instanceOf: TypeError })
  t.throws(() => new TCPServerSocket(65536), { instanceOf: RangeError })
  t.throws(() => mozTCPSocket.send('\u0100'), { instanceOf: TypeError })
  t.throws(() => mozTCPSocket.send('a'), { instanceOf: Error, message: 'Socket not open.' })
})

test('GT-39 a socket of the main realm takes an ArrayBuffer of another realm', async (t) => {
  const mixed = { Uint8Array: other.realm.Uint8Array, ArrayBuffer }
  const suite = suiteOf(api, mixed)
  t.not(mixed.Uint8Array.from([1]).buffer.constructor, ArrayBuffer)
  await t.notThrowsAsync(runCase(suite, ['connect', 'smallToServer', 'slicesToClient', 'thresholdBothWays']))
})

test('GT-39 an ES module imports the very same classes by name, and suite C passes with them', async (t) => {
  const imported = await import('../fixtures/gecko/named-imports.mjs')
  t.deepEqual(Object.keys(imported).toSorted(), Object.keys(api).toSorted())
  for (const [name, value] of Object.entries(api)) t.is(imported[name], value, name)
  const suite = suiteOf(imported)
  await t.notThrowsAsync(runCase(suite, suite.cases.at(-1).steps))
})
