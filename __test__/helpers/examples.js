'use strict'

// The examples of README.md and of the pages in docs/, as they are written there, and a place where each can be run as a reader would
// run it.
//
// An example is a fence of a language that can be run. What may stand behind the language, or around it, says how:
//
// - ```sh no-run: REASON        nobody runs it, for that reason
// - <!-- file: NAME -->         before it: it is saved by that name, and what uses it is run
// - ```text                     behind it: what it prints

const { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } = require('node:fs')
const { symlinkSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')

const root = join(__dirname, '../..')

/** Languages of what can be run. */
const RUN = new Set(['bash', 'console', 'cjs', 'javascript', 'js', 'mjs', 'sh', 'shell', 'ts', 'typescript'])

/** The pages that may have examples, as paths from the root. */
function pages() {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  return ['README.md', 'packages/dev/README.md', ...docs.map((name) => `docs/${name}`)]
}

const FENCE =
  /(?:^<!-- file: (\S+) -->\n+)?^ *(`{3,})(\w+)(.*)\n([^]*?)^ *\2$(?:\n+^```text\n([^]*?)^```$)?/gm

/**
 * The examples of `page`, in order: `{ page, line, language, code, name, output, reason }`. `reason` is why it is not run, and `''` where
 * no reason is given; `name` and `output` may be undefined.
 */
function examplesOf(page, text = readFileSync(join(root, page), 'utf8')) {
  return [...text.matchAll(FENCE)]
    .filter(([, , , language]) => RUN.has(language))
    .map(({ index, 1: name, 3: language, 4: info, 5: code, 6: output }) => {
      const line = text.slice(0, index).split('\n').length
      const reason = /^ no-run\b:? *(.*)/.exec(info)?.[1]
      return { page, line, language, code, name, output, reason }
    })
}

/** The one JavaScript example of `page` that contains `mark`, with `replacements` made, each of which must be there. */
function example(page, mark, replacements = {}) {
  const matching = examplesOf(page).filter(({ language, code }) => language === 'js' && code.includes(mark))
  if (matching.length !== 1) throw new Error(`${matching.length} examples of ${page} contain ${mark}`)
  let [{ code }] = matching
  for (const [from, to] of Object.entries(replacements)) {
    if (!code.includes(from)) throw new Error(`${from} is not in the example: ${code}`)
    code = code.replace(from, to)
  }
  return code
}

/** A new directory with `files`, where `require` finds the packages. Removed when the test ends. */
function directory(t, files, modules = []) {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'moz-tcp-socket-example-')))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(join(path, 'node_modules'))
  symlinkSync(root, join(path, 'node_modules', 'moz-tcp-socket'), 'junction')
  for (const name of modules) {
    symlinkSync(join(root, 'node_modules', name), join(path, 'node_modules', name), 'junction')
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return path
}

module.exports = { directory, example, examplesOf, pages, root }
