'use strict'

// Private keys are in the memory of a process as long as sockets or their options need them, and not afterwards: neither
// as they were given, nor as OpenSSL holds them, nor in memory that was freed.

const { spawn } = require('node:child_process')
const { createPrivateKey, createPublicKey } = require('node:crypto')
const { once } = require('node:events')
const { closeSync, openSync, readFileSync, readSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { createInterface } = require('node:readline')

const base = require('ava')

const { testOn } = require('../helpers/needs.js')
const { certificate, keyForms, pkcs12 } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const { TELLS_REASONS } = require('../helpers/tls-peers.js')

const test = testOn(base.serial, process.platform === 'linux' && TELLS_REASONS, '/proc, and our own OpenSSL')

const fixture = join(__dirname, '../fixtures/tls/keys-in-memory.js')

/** Everything of the key of certificate `name` that gives it away, each by what it is called. */
function traces(name) {
  const { key } = certificate(name)
  const private_ = createPrivateKey(key)
  const { d, p, q } = private_.export({ format: 'jwk' })
  const found = {}
  for (const [part, value] of Object.entries({ d, p, q })) {
    if (value === undefined) continue
    const number = Buffer.from(value, 'base64url')
    // Big numbers are in memory with the least first.
    found[`the number ${part}`] = number
    found[`the number ${part}, reversed`] = Buffer.from(number).reverse()
    found[`a part of the number ${part}`] = number.subarray(number.length / 2)
  }
  const forms = keyForms(name)
  for (const form of ['pkcs8', 'traditional']) {
    const lines = forms[form].trim().split('\n').slice(1, -1)
    for (const [i, line] of lines.entries()) {
      if (line.length === 64 && !isPublic(line, key))
        found[`line ${i} of the PEM (${form})`] = Buffer.from(line)
    }
  }
  return found
}

/** Whether a line of PEM is in the public key as well, which may stay; by its bytes. */
function isPublic(line, key) {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return der.includes(Buffer.from(line, 'base64').subarray(4, -4))
}

/** Which of `wanted` are somewhere in the memory of process `pid`. */
function search(pid, wanted) {
  const found = new Set()
  const memory = openSync(`/proc/${pid}/mem`)
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').trim().split('\n')) {
    const [range, access, , , , ...name] = line.split(/ +/)
    if (!access.startsWith('r') || name[0]?.startsWith('[v')) continue
    const [start, end] = range.split('-').map((address) => BigInt(`0x${address}`))
    const bytes = readRange(memory, start, end)
    for (const [what, pattern] of Object.entries(wanted)) if (bytes.includes(pattern)) found.add(what)
  }
  closeSync(memory)
  return [...found]
}

/** What of a range can be read: reserved parts cannot. */
function readRange(memory, start, end) {
  const bytes = Buffer.alloc(Number(end - start))
  let done = 0
  try {
    while (done < bytes.length) {
      const count = readSync(
        memory,
        bytes,
        done,
        Math.min(bytes.length - done, 1 << 24),
        start + BigInt(done),
      )
      if (count === 0) break
      done += count
    }
  } catch (error) {
    if (!['EIO', 'EFAULT'].includes(error.code)) throw error
  }
  return bytes.subarray(0, done)
}

/** What is in the memory of the fixture while it uses the key of certificate `name`, and what when it is done. */
async function look(t, way, name, options) {
  const own = scope(t)
  const { cert, ca } = certificate(name)
  const argument = JSON.stringify({ way, cert, ca, ...options })
  const child = spawn(process.execPath, ['--expose-gc', fixture, argument], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  own.onEnd(() => child.kill())
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const wanted = traces(name)
  t.is((await lines.next()).value, 'used')
  const used = search(child.pid, wanted)
  child.stdin.write('\n')
  t.is((await lines.next()).value, 'gone')
  const gone = search(child.pid, wanted)
  child.stdin.end('\n')
  t.deepEqual(await exited, [0, null])
  return { used, gone }
}

function file(name, content) {
  const path = join(dirname(certificate('root').caFile), name)
  writeFileSync(path, content)
  return path
}

const PASSPHRASE = 'open sesame'

const FORMS = {
  'in PEM': (name) => ({ key: certificate(name).keyFile }),
  'in PEM, encrypted': (name) => ({
    key: file(`${name}.encrypted`, keyForms(name).encrypted),
    passphrase: PASSPHRASE,
  }),
  'in PKCS #12': (name) => ({ pfx: file(`${name}.pfx`, pkcs12(name)), passphrase: PASSPHRASE }),
}

/** Which kind of key, in which form, is used how. */
const CASES = [
  ['good', 'in PEM', ['server', 'client', 'starttls', 'plain', 'refused']],
  ['good', 'in PEM, encrypted', ['client', 'plain']],
  ['good', 'in PKCS #12', ['client', 'starttls']],
  ['goodRsa', 'in PEM', ['client']],
  ['goodRsa', 'in PEM, encrypted', ['starttls']],
  ['goodRsa', 'in PKCS #12', ['client']],
]

for (const [name, form, ways] of CASES) {
  for (const way of ways) {
    test(`REL-96: nothing is left of a key ${form} (${name}, ${way})`, async (t) => {
      const { used, gone } = await look(t, way, name, FORMS[form](name))
      // What is looked for can be found.
      if (way !== 'refused') t.not(used.length, 0)
      t.deepEqual(gone, [])
    })
  }
}
