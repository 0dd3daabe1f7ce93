'use strict'

// The engine as a file: what a user reads where none was installed or built, and what it shows to others in the process.

const { execFileSync, spawnSync } = require('node:child_process')
const { join } = require('node:path')
const test = require('ava')

const { testWith } = require('./helpers/peers.js')

test('without an engine, requiring the package says so and what to do', (t) => {
  const { stderr, status } = spawnSync(process.execPath, ['-e', 'require(".")'], {
    cwd: join(__dirname, '..'),
    env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: join(__dirname, 'no-such.node') },
    encoding: 'utf8',
  })
  t.is(status, 1)
  t.regex(stderr, new RegExp(`no engine for ${process.platform}-${process.arch}`))
  t.regex(stderr, /npm run build/)
  t.regex(stderr, /\[cause\]/)
})

/** Of OpenSSL, and of libssl and libcrypto alone. */
const OPENSSL = /^(?:SSL|EVP|X509|BIO|CRYPTO|OPENSSL|RSA|EC|ASN1|PEM|ERR|BN|TLS|DTLS)_/

// Node exports its own OpenSSL. If ours were visible as well, each could be bound to the other's (REL-97).
testWith(
  process.platform === 'linux' ? test : test.skip,
  'nm',
  'the engine has its OpenSSL to itself: it neither exports it nor wants any from outside',
  (t) => {
    require('../index.js')
    const engine = process.report.getReport().sharedObjects.find((file) => file.endsWith('.node'))
    const symbols = (...options) =>
      execFileSync('nm', ['--dynamic', '--format=posix', ...options, engine], { encoding: 'utf8' })
        .split('\n')
        .map((line) => line.split(/[ @]/)[0])
    const [defined, wanted] = [symbols('--defined-only'), symbols('--undefined-only')]
    t.true(defined.includes('napi_register_module_v1'), 'nm tells what is exported')
    t.true(wanted.includes('malloc'), 'nm tells what is wanted')
    t.deepEqual(
      [...defined, ...wanted].filter((name) => OPENSSL.test(name)),
      [],
    )
  },
)
