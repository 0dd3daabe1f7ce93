'use strict'

// The engine as a file: what it shows to others in the process. What a user reads where it cannot be loaded is in load/.

const { execFileSync } = require('node:child_process')

const test = require('ava')

const { testWith } = require('./helpers/peers.js')

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
