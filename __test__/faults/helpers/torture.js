'use strict'

// The environment of torture.js: certificates that are made once, and trusted by way of the system's store.

const { mkdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const { makePki } = require('../../helpers/pki.js')

/** Environment variables for torture.js, with files in `directory`. */
function pkiOf(directory) {
  const pki = makePki()
  const file = join(directory, 'anchors.pem')
  const none = join(directory, 'none')
  writeFileSync(file, pki.ca)
  mkdirSync(none)
  return { PKI: JSON.stringify(pki), SSL_CERT_FILE: file, SSL_CERT_DIR: none, NODE_EXTRA_CA_CERTS: '' }
}

module.exports = { pkiOf }
