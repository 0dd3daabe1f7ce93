'use strict'

// `converse.js CODE`: runs CODE, then loads the package, and has a conversation with a server of the package, plain and with TLS, and
// one with nobody. Prints what happened.

const { writeSync } = require('node:fs')

const pki = JSON.parse(process.env.CALLERS_PKI)

const [code] = process.argv.slice(2)
if (code) new (require('node:vm').Script)(code).runInThisContext()

const { talk } = require('./talk.js')

async function main() {
  const plain = await talk(pki, false)
  const tls = await talk(pki, true)
  const refused = await talk(pki, false, { __proto__: null, port: 1 })
  writeSync(
    1,
    `plain ${plain.events}; tls ${tls.events}; refused ${refused.events}; ${plain.bytes} ${tls.bytes}\n`,
  )
}

main()
