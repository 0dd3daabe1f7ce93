'use strict'

// What is written down in several places must agree: the table of errors, the public names, the decisions, the links.

const { existsSync, readFileSync, readdirSync } = require('node:fs')
const { dirname, join } = require('node:path')

const test = require('ava')

const api = require('../index.js')

const root = join(__dirname, '..')
const read = (file) => readFileSync(join(root, file), 'utf8')

/** `[name, class, code]` of each error, from the engine's own table. */
const errors = [...read('src/net/error.rs').matchAll(/^ {2}(\w+Error), (\w+), 0x([\dA-F_]+);$/gm)].map(
  ([, name, kind, code]) => [name, kind, `0x${code.replace('_', '')}`],
)

test('docs/api.md lists the errors of the engine, with their numbers and classes', (t) => {
  t.true(errors.length > 10)
  const listed = [...read('docs/api.md').matchAll(/^\| `(\w+Error)` +\| (0x[\dA-F]{8}) +\| (\w+) +\|/gm)]
  t.deepEqual(
    listed.map(([, name, code, kind]) => [name, kind, code]),
    errors,
  )
})

test('the types know the error names of the engine', (t) => {
  const names = [...read('index.d.ts').matchAll(/^ {2}\| '(\w+Error)'$/gm)].map(([, name]) => name)
  t.deepEqual(names.sort(), errors.map(([name]) => name).sort())
})

test('the types declare what is exported, and docs/api.md describes it', (t) => {
  const declared = [...read('index.d.ts').matchAll(/^export declare (?:const|class|function) (\w+)/gm)]
  t.deepEqual(declared.map(([, name]) => name).sort(), Object.keys(api).sort())
  const text = read('docs/api.md')
  for (const name of Object.keys(api)) t.true(text.includes(`\`${name}\``), name)
})

/** The part of docs/api.md that begins with the heading `## name`. */
function sectionOf(name) {
  const [, section] = read('docs/api.md').split(`\n## ${name}\n`)
  return section.split('\n## ')[0]
}

/** What has a heading of its own there, alone or with others, or a row of a table. */
function describedIn(section) {
  const headings = [...section.matchAll(/^### (.+)$/gm)].flatMap(([, heading]) =>
    heading.replaceAll(/\(.*?\)/g, '').split(', '),
  )
  const rows = [...section.matchAll(/^\| `(\w+)` +\|/gm)].map(([, first]) => first)
  return new Set([...headings, ...rows])
}

for (const [name, value] of Object.entries({
  TCPSocket: api.TCPSocket.prototype,
  TCPServerSocket: api.TCPServerSocket.prototype,
})) {
  test(`docs/api.md and the types have every member of ${name}`, (t) => {
    const described = describedIn(sectionOf(name))
    const types = read('index.d.ts')
    const members = Object.keys(value)
    t.true(members.length > 4)
    for (const member of members) {
      t.true(described.has(member), `${member} has neither a heading nor a row of a table`)
      t.regex(types, new RegExp(`^ {2}(?:readonly )?${member}[(:]`, 'm'), member)
    }
  })
}

test('docs/porting.md has every decision once, in order', (t) => {
  const ids = [...read('docs/porting.md').matchAll(/^\| (Q-\d\d) \|/gm)].map(([, id]) => id)
  t.deepEqual(
    ids,
    Array.from({ length: 50 }, (_, index) => `Q-${String(index + 1).padStart(2, '0')}`),
  )
})

function checkId(number) {
  return `REL-${String(number).padStart(2, '0')}`
}

test('each check of docs/reliability.md is named by a spec, or excepted there with a reason', (t) => {
  const specs = readdirSync(__dirname, { recursive: true }).filter((name) => name.endsWith('.spec.js'))
  const texts = specs.filter((name) => name !== 'docs.spec.js').map((name) => read(join('__test__', name)))
  const named = new Set(texts.join('\n').match(/\bREL-\d+/g))
  const excepted = new Set(
    [...read('docs/reliability.md').matchAll(/^\| (REL-\d+) +\| \S/gm)].map(([, id]) => id),
  )
  for (let number = 1; number <= 166; number++) {
    const id = checkId(number)
    t.not(named.has(id), excepted.has(id), `${id}: named ${named.has(id)}, excepted ${excepted.has(id)}`)
  }
})

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

for (const file of documents) {
  test(`links of ${file} lead somewhere`, (t) => {
    const text = read(file)
    const anchorsOf = (markdown) =>
      [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
        heading
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      )
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path, anchor] = target.split('#')
      const linked = path === '' ? file : join(dirname(file), path)
      t.true(existsSync(join(root, linked)), target)
      if (anchor) t.true(anchorsOf(read(linked)).includes(anchor), target)
    }
    t.pass()
  })
}
