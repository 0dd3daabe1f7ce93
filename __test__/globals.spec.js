'use strict'

// What a program does to built-ins after it loaded the package (test runners with fake timers or another EventTarget, polyfills,
// instrumentation) does not reach sockets: they use what there was. See lib/builtins.js.

const { execFile } = require('node:child_process')
const { X509Certificate } = require('node:crypto')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const { testOn } = require('./helpers/needs.js')
const { makePki } = require('./helpers/pki.js')
const { TELLS_REASONS } = require('./helpers/tls-peers.js')

/** Runs a fixture, which must end by itself, and well. Resolves with what it printed. */
async function run(script, ...args) {
  const file = join(__dirname, 'fixtures/globals', script)
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', file, ...args], {
    timeout: 60_000,
  })
  return JSON.parse(stdout)
}

const { ca, cert, key } = makePki()
const identity = JSON.stringify({ ca, cert, key, fingerprint256: new X509Certificate(cert).fingerprint256 })

/** What happens in smoke.js, whatever becomes of built-ins. */
const HAPPENS = {
  plain:
    'open sent:true large:false buffered:500014 drain answer:9 closed 500014 9 true 127.0.0.1 TCPSocket ' +
    'TCPServerSocket',
  'plain, accepted': 'all:500014',
  views: 'TypeError(send) TypeError(send) TypeError(send) data:11 close',
  listeners: 'own:2:1:true true handler once signal object true handler signal object own:2:1:true true',
  failures:
    'EADDRINUSE error ConnectionRefusedError Network 2152398861 ECONNREFUSED undefined true close ' +
    'TypeError(host "") TypeError(host "[) TypeError(host "a b") TypeError(host "a..b") TypeError(host ' +
    '"0x7f.1") TypeError(host "http) TypeError(port "y") RangeError(port 70000) TypeError(options 5) ' +
    'TypeError(binaryType "blob") TypeError(tls) RangeError(timeout -1) TypeError(signal an object of ' +
    'type Object) TypeError(fingerprint256 "zz") TypeError(alpnProtocols "") TypeError(pfx "x") ' +
    'TypeError(ca) TypeError(TCPSocket constructor) NS_ERROR_FAILURE(Socket not open.) ' +
    'NS_ERROR_FAILURE(Calling resume() on a connection that was not suspended.) NS_ERROR_FAILURE(Socket ' +
    'not open.) ERR_INVALID_ARG_TYPE',
  secure:
    'open data:8 TLSv1.3 a true CN=localhost close SecurityCertificate unable to get local issuer ' +
    'certificate number',
  starttls: 'open TypeError(ca) in secret close',
  suspended: 'true 30 RangeError(timeout type 2) waits close',
  options: 'open close close TypeError(localAddress ") closed 0 true',
  policy: 'Error(port 80) Error(TCPSocket does not have permission in this context.) TypeError(type "other")',
  rights:
    'SecurityError(connect a.test) SecurityError(connect [) SecurityError(listen 0.0.0.0) TypeError(origin "mail") ' +
    'true true',
  disposal: 'open close closed',
  firstGeneration: 'early true',
}

for (const [mode, what] of [
  ['note', 'nothing calls a built-in that was replaced later'],
  ['refuse', 'all events come where each built-in that was replaced later throws'],
]) {
  const testAll = testOn(test, TELLS_REASONS, 'sessionFrom')
  testAll(
    `${what}: plain, TLS, STARTTLS, listeners, errors, options, policy, rights, disposal`,
    async (t) => {
      const { seen, exceptions, count, called } = await run('smoke.js', mode, identity)
      t.deepEqual(called, [])
      t.deepEqual(seen, HAPPENS)
      t.deepEqual(exceptions, ['of a handler', 'of a listener', 'of an asynchronous handler'])
      t.true(count > 1000, `${count} were replaced`)
    },
  )
}

test('sockets do their work in a program whose built-ins throw, whoever calls them', async (t) => {
  const { client, accepted, broken } = await run('broken.js')
  t.is(client, 'onopen open drain data:thanks close own')
  t.is(accepted, 'close')
  t.true(broken > 500, `${broken} are broken`)
})
