'use strict'

// Puts each name that occurs in the code of the package on Object.prototype, one after the other, with values of several kinds, and
// has a conversation each time. Prints `{ runs, names, wrong }` as JSON. Options that a program passes are another matter: they
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
  'toJSON',
])

/** Words of the code that could be names of properties. */
function names() {
  const words = new Set()
  for (const file of readdirSync(lib)) {
    const code = readFileSync(join(lib, file), 'utf8').replaceAll(/\/\*.*?\*\/|^\s*\/\/.*$/gms, '')
    for (const [word] of code.matchAll(/[A-Za-z_$][\w$]*/g)) words.add(word)
  }
  return [...words].filter((word) => !(word in Object.prototype) && !OF_NODE.has(word)).sort()
}

const VALUES = {
  true: true,
  'a number': 1,
  'a function': () => 1,
  'an object': {},
}

function within(promise) {
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ events: 'hangs' }), PATIENCE)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

async function main() {
  const usual = JSON.stringify([await talk(pki, false), await talk(pki, true), await talk(pki, false, 1)])
  const wrong = []
  let runs = 0
  const all = names()
  const exceptions = []
  process.on('uncaughtException', (error) => exceptions.push(error.message))
  for (const name of all) {
    for (const [kind, value] of Object.entries(VALUES)) {
      runs++
      // oxlint-disable-next-line no-extend-native
      Object.defineProperty(Object.prototype, name, {
        value,
        configurable: true,
        writable: true,
        enumerable: false,
      })
      let result
      try {
        const plain = within(talk(pki, false))
        // With every value it would take minutes.
        const secure = kind === 'true' ? within(talk(pki, true)) : undefined
        const refused = within(talk(pki, false, 1))
        const [one, two, three] = [await plain, await secure, await refused]
        result = two === undefined ? [one, JSON.parse(usual)[1], three] : [one, two, three]
      } catch (error) {
        result = `threw ${error.stack}`
      } finally {
        delete Object.prototype[name]
      }
      const text = JSON.stringify(result)
      if (text !== usual) wrong.push(`Object.prototype.${name} is ${kind}: ${text.slice(0, 300)}`)
      if (exceptions.length > 0) wrong.push(`Object.prototype.${name} is ${kind}: ${exceptions.splice(0)}`)
    }
  }
  console.log(JSON.stringify({ runs, names: all.length, wrong }))
  process.exit()
}

main()
