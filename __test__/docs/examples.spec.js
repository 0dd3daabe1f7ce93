'use strict'

// Every example of README.md and docs/ is run. Most are programs that end: those are run here, one after the other, in a directory of the
// page, and print what the page says. Those that need a peer, a test runner or a signal are run by specs of their own.

const { exec, execFile } = require('node:child_process')
const { readFileSync, symlinkSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { directory, examplesOf, pages, root } = require('../helpers/examples.js')
const { testOn } = require('../helpers/needs.js')
const { makePki } = require('../helpers/pki.js')

/** Pages all of whose examples have a spec, which says by itself that it runs them all. */
const WHOLE_PAGES = { 'docs/testing.md': '__test__/testing/docs.spec.js' }

/** The specs that run examples one by one: each by the page and a part of the example, `'docs/api.md', 'part'`. */
const ONE_BY_ONE = ['__test__/readme.spec.js', '__test__/docs/reference.spec.js']

const PAIR = /'((?:docs\/|packages\/dev\/)?[\w-]+\.md)',\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")/g

const elsewhere = ONE_BY_ONE.flatMap((spec) =>
  [...readFileSync(join(root, spec), 'utf8').matchAll(PAIR)].map(([, page, one, other]) => ({
    page,
    mark: one ?? other,
  })),
)

/** Whether another spec runs it. */
function isRunElsewhere({ page, code }) {
  return page in WHOLE_PAGES || elsewhere.some((each) => each.page === page && code.includes(each.mark))
}

/** An app, for commands and functions that take one. */
const APP = {
  'path/to/app/manifest.webapp': JSON.stringify({ name: 'App', type: 'web', launch_path: '/index.html' }),
  'path/to/app/index.html': '<!doctype html><title>App</title>',
}

/** What TLS fails with has other names on other systems (docs/api.md, Platforms). */
const LINUX_ONLY = new Set(['docs/tls.md'])

/** Runs one example in `cwd` to its end, for half a minute at most: `{ status, stdout, stderr }`. */
function play({ language, code, name, line }, cwd) {
  const env = { ...process.env, NO_COLOR: '1' }
  delete env.FORCE_COLOR
  const options = { cwd, env, timeout: 30_000 }
  return new Promise((resolve) => {
    const done = (error, stdout, stderr) =>
      resolve({ status: error ? (error.code ?? error.signal) : 0, stdout, stderr })
    if (isCommand({ language })) {
      exec(code, options, done)
      return
    }
    const isModule = language === 'mjs' || /^import /m.test(code)
    const file = name ?? `line-${line}.${isModule ? 'mjs' : 'cjs'}`
    writeFileSync(join(cwd, file), code)
    execFile(process.execPath, [file], options, done)
  })
}

/** Whether it is for a shell. */
function isCommand({ language }) {
  return ['bash', 'console', 'sh', 'shell'].includes(language)
}

for (const page of pages()) {
  const examples = examplesOf(page).filter((each) => each.reason === undefined && !isRunElsewhere(each))
  if (examples.length === 0) continue
  const there = testOn(test.serial, !LINUX_ONLY.has(page) || process.platform === 'linux', 'Linux')
  there(`${page}: ${examples.length} examples run to their end and print what it says`, async (t) => {
    t.timeout(100_000)
    const { ca, cert, key } = makePki()
    const files = { ...APP, 'ca.pem': ca, 'cert.pem': cert, 'key.pem': key }
    const cwd = directory(t, files, ['jsdom', 'moz-tcp-socket-dev'])
    symlinkSync(join(root, 'examples'), join(cwd, 'examples'), 'junction')
    for (const each of examples) {
      const { status, stdout, stderr } = await play(each, cwd)
      const where = `${page}, line ${each.line}`
      // Commands of others, such as openssl, tell there what they do.
      const expected = isCommand(each) ? stderr : ''
      t.deepEqual({ status, stderr }, { status: 0, stderr: expected }, where)
      if (each.output !== undefined) t.is(stdout, each.output, where)
    }
  })
}

test('an example that is not run says why', (t) => {
  const skipped = pages().flatMap((page) => examplesOf(page).filter(({ reason }) => reason !== undefined))
  for (const { page, line, reason } of skipped) {
    t.log(`${page}, line ${line}: ${reason}`)
    t.true(reason.split(' ').length >= 3, `${page}, line ${line} gives no reason`)
  }
})

test('a spec that is said to run examples reads the page', (t) => {
  for (const [page, spec] of Object.entries(WHOLE_PAGES)) {
    t.true(readFileSync(join(root, spec), 'utf8').includes(page), spec)
  }
  // Each mark is of an example that is there.
  for (const { page, mark } of elsewhere) {
    t.true(
      examplesOf(page).some(({ code }) => code.includes(mark)),
      `${page} has no example with ${mark}`,
    )
  }
})

test('an example that prints something else, or fails, is found', async (t) => {
  const [fine, wrong, failing, unexplained] = examplesOf(
    'page.md',
    '```js\nconsole.log(1)\n```\n\n```text\n1\n```\n\n' +
      '```js\nconsole.log(2)\n```\n\n```text\n3\n```\n\n```js\nthrow 1\n```\n\n```sh no-run\nfalse\n```\n',
  )
  const cwd = directory(t, {})
  t.is((await play(fine, cwd)).stdout, fine.output)
  t.not((await play(wrong, cwd)).stdout, wrong.output)
  t.is((await play(failing, cwd)).status, 1)
  t.is(unexplained.reason, '')
})

test('README.md is short', (t) => {
  t.true(readFileSync(join(root, 'README.md'), 'utf8').split('\n').length <= 200)
})
