'use strict'

// Puts each name that occurs in the code of the package on Object.prototype, one after the other, and has a conversation each time.
// Prints `{ names, wrong }` as JSON. Options that a program passes are another matter: they
// have what they inherit, as in every API of the web.

const { readdirSync, readFileSync } = require('node:fs')
const { join } = require('node:path')

const { talk } = require('./talk.js')

const pki = JSON.parse(process.env.CALLERS_PKI)
const lib = join(__dirname, '..', '..', '..', 'lib')

/** Milliseconds. */
const PATIENCE = 10_000

/** Node's own code, and the language, go by these of any object: what they do then is not the package's. */
const OF_NODE = new Set([
  '__proto__',
  'constructor',
  'get',
  'set',
  'value',
  'writable',
  'enumerable',
  'configurable',
  'then',
  'return',
  'next',
  'done',
  'toJSON',
])

/** Words of the code that could be names of properties. */
function names() {
  const words = new Set()
  // What helps tests is a program of its own.
  const isFacade = (name) => name.endsWith('.js') && !name.startsWith('testing')
  for (const file of readdirSync(lib, { recursive: true }).filter(isFacade)) {
    const code = readFileSync(join(lib, file), 'utf8')
      .replaceAll(/\/\*.*?\*\//gs, '')
      .replaceAll(/^\s*\/\/.*$/gm, '')
    for (const [word] of code.matchAll(/[A-Za-z_$][\w$]*/g)) words.add(word)
  }
  return [...words].filter((word) => !(word in Object.prototype) && !OF_NODE.has(word)).sort()
}

/** Those of the names get one after the other: with each it would take minutes. */
const VALUES = [true, 1, () => 1, {}]

/** Bytes of a conversation, enough for a `drain`. */
const SIZE = 200_000

function within(promise) {
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ events: 'hangs' }), PATIENCE)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function converse() {
  return Promise.all([
    within(talk(pki, false, { __proto__: null, size: SIZE })),
    within(talk(pki, true, { __proto__: null, size: SIZE })),
    within(talk(pki, false, { __proto__: null, port: 1 })),
  ])
}

async function main() {
  const usual = JSON.stringify(await converse())
  const wrong = []
  const all = names()
  const exceptions = []
  process.on('uncaughtException', (error) => exceptions.push(error.message))
  for (const [index, name] of all.entries()) {
    const value = VALUES[index % VALUES.length]
    // oxlint-disable-next-line no-extend-native
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    let result
    try {
      result = await converse()
    } catch (error) {
      result = `threw ${error.stack}`
    } finally {
      delete Object.prototype[name]
    }
    const text = JSON.stringify(result)
    if (text !== usual) wrong.push(`Object.prototype.${name} = ${String(value)}: ${text.slice(0, 300)}`)
    if (exceptions.length > 0)
      wrong.push(`Object.prototype.${name} = ${String(value)}: ${exceptions.splice(0)}`)
  }
  console.log(JSON.stringify({ names: all.length, wrong }))
  process.exit()
}

main()
