'use strict'

// The examples of the guide: each that is followed by what it prints is run, in a folder of its own where the package is installed, and prints
// just that. The others are run elsewhere, or say why nobody can run them.

const { execFile } = require('node:child_process')
const {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const root = join(__dirname, '..', '..')

const PAGES = [
  'back-pressure',
  'bytes',
  'client',
  'closing',
  'faq',
  'permissions',
  'running-apps',
  'server',
  'starttls',
  'timeouts',
  'tls',
  'udp',
  'walkthrough',
]

/** Words of examples that readme.spec.js and the specs of the tools run, because they need a server, a certificate or an app. */
const ELSEWHERE = [
  'EHLO client.example.org',
  'new TCPServerSocket(7000',
  "readFileSync('cert.pem')",
  'heartbeat',
  'what time is it',
  'hello, everybody',
  'installInWindow',
  'serveApp',
]

/** `{ code, info, output }` of each example in a page. */
function examplesOf(page) {
  const text = readFileSync(join(root, 'docs', `${page}.md`), 'utf8')
  const pattern = /^```js([^\n]*)\n([^]*?)^```\n(?:\n```text\n([^]*?)^```\n)?/gm
  return [...text.matchAll(pattern)].map(([, info, code, output]) => ({ info: info.trim(), code, output }))
}

for (const page of PAGES) {
  const examples = examplesOf(page)
  for (const [index, { info, code, output }] of examples.entries()) {
    const name = `docs/${page}.md, example ${index + 1}`
    if (output !== undefined) {
      test(`${name} prints what the page says, and ends`, async (t) => {
        const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'moz-tcp-socket-guide-')))
        t.teardown(() => rmSync(cwd, { recursive: true, force: true }))
        mkdirSync(join(cwd, 'node_modules'))
        symlinkSync(root, join(cwd, 'node_modules', 'moz-tcp-socket'), 'junction')
        writeFileSync(join(cwd, 'example.js'), code)
        const { stdout, stderr } = await promisify(execFile)(process.execPath, ['example.js'], {
          cwd,
          timeout: 60_000,
        })
        t.is(stdout, output)
        t.is(stderr, '')
      })
      continue
    }
    test(`${name} is run by another spec, or says why it is not`, (t) => {
      const mark = ELSEWHERE.find((words) => code.includes(words))
      t.true(mark !== undefined || /^no-run: .{8}/.test(info), code)
    })
  }
}
