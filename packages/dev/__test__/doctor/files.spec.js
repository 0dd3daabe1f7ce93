'use strict'

// What the doctor reads of an app, what it does with files that it cannot read, and its command.

const { spawnSync } = require('node:child_process')
const { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')

const test = require('ava')

const { examine } = require('../../index.js')

const bin = join(__dirname, '..', '..', 'bin', 'moz-tcp-socket.js')

/** A folder with `files`, by name, which goes with the test. */
function app(t, files) {
  const folder = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-doctor-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const MANIFEST = {
  name: 'Mail',
  launch_path: '/index.html',
  type: 'privileged',
  permissions: { 'tcp-socket': { description: 'mail' } },
}
const CODE = "navigator.mozTCPSocket.open('h', 1).suspend()\n"
const at = ({ file, line, column, rule }) => `${file}:${line}:${column} ${rule}`
const seen = (path, ...rules) =>
  examine(path)
    .findings.filter(({ rule }) => rules.includes(rule))
    .map(at)

test('all code of a folder is read, in the order of names, and not that of packages', (t) => {
  const folder = app(t, {
    'b.js': CODE,
    'a/x.mjs': CODE,
    'a/y.ts': CODE,
    'types.d.ts': CODE,
    'readme.md': CODE,
    'node_modules/z/z.js': CODE,
    '.git/hook.js': CODE,
    'bower_components/z.js': CODE,
  })
  const { files, counts } = examine(folder)
  t.is(files, 3)
  t.is(counts.differs, 3)
  t.deepEqual(seen(folder, 'suspend'), ['a/x.mjs:1:37 suspend', 'a/y.ts:1:37 suspend', 'b.js:1:37 suspend'])
})

test('scripts in pages are read at their places, data in them is not', (t) => {
  const page = `<!doctype html>
<body onload="navigator.mozTCPSocket.open('h', 1)">
<script src="other.js"></script>
<script type="text/template">navigator.mozTCPSocket.open('h', 0)</script>
<p>é</p><script>var s = navigator.mozTCPSocket.open('h', 1)
  s.suspend()</script>
<script type=module>
import './x.js'
new TCPSocket('h', 1).resume()
</script>\r\n<template><script>new TCPSocket('h', 1).close()</script></template>`
  const folder = app(t, { 'index.html': page })
  t.deepEqual(seen(folder, 'open', 'suspend', 'resume', 'close', 'bad-port', 'code-in-attribute'), [
    'index.html:2:7 code-in-attribute',
    'index.html:5:48 open',
    'index.html:6:5 suspend',
    'index.html:9:1 open',
    'index.html:9:23 resume',
    'index.html:11:19 open',
    'index.html:11:41 close',
  ])
})

test('a file that is no program is named with the place, and the others are read', (t) => {
  const folder = app(t, { 'a.js': 'var x = 1\nvar = ;\n', 'b.js': CODE, 'c.ts': 'let x: = 1' })
  const { findings } = examine(folder)
  t.deepEqual(findings.filter(({ rule }) => rule === 'unreadable').map(at), [
    'a.js:2:5 unreadable',
    'c.ts:1:8 unreadable',
  ])
  t.true(findings.some(({ file, rule }) => file === 'b.js' && rule === 'suspend'))
  t.regex(findings[0].code, /\S/)
})

test('old scripts are read as well: with, octal numbers, HTML comments', (t) => {
  const folder = app(t, { 'a.js': `<!-- hidden\nwith (navigator) { var n = 010 }\n${CODE}` })
  t.deepEqual(seen(folder, 'suspend', 'unreadable'), ['a.js:3:37 suspend'])
})

test('a file that is too long is named, a minified one gets a note', (t) => {
  const folder = app(t, {
    'big.js': ' '.repeat((2 << 20) + 1),
    'min.js': `${CODE.trim()};${'x=1;'.repeat(1000)}`,
  })
  t.deepEqual(seen(folder, 'too-long', 'minified', 'suspend'), [
    'big.js:1:1 too-long',
    'min.js:1:1 minified',
    'min.js:1:37 suspend',
  ])
})

test('links are not followed', (t) => {
  const folder = app(t, { 'a/b.js': CODE })
  const other = app(t, { 'secret.js': CODE })
  symlinkSync(folder, join(folder, 'a', 'round'))
  symlinkSync(join(other, 'secret.js'), join(folder, 'secret.js'))
  t.is(examine(folder).files, 1)
  symlinkSync(folder, join(other, 'app'))
  t.is(examine(join(other, 'app')).files, 1, 'what was asked for is')
})

test('a manifest is judged, and that of an app with the permission is fine', (t) => {
  const of = (manifest) => {
    const folder = app(t, { 'manifest.webapp': JSON.stringify(manifest), 'index.html': '' })
    return examine(join(folder, 'manifest.webapp')).findings.map(({ rule }) => rule)
  }
  t.deepEqual(of(MANIFEST), ['permission'])
  t.deepEqual(of({ ...MANIFEST, type: 'web' }), ['no-manifest-right', 'web-type'])
  t.deepEqual(of({ ...MANIFEST, permissions: {} }), ['no-manifest-right', 'no-permission'])
  const { launch_path: _, ...bad } = MANIFEST
  t.deepEqual(of({ ...bad, launch_path: 5 }), ['unreadable'])
})

test('what pages have is no news in an app with a page, and one in code alone', (t) => {
  const code = { 'a.js': 'document.title = localStorage.x\nvar alert = 1; alert' }
  t.deepEqual(seen(app(t, code), 'page-global'), ['a.js:1:1 page-global', 'a.js:1:18 page-global'])
  t.deepEqual(seen(app(t, { ...code, 'index.html': '' }), 'page-global'), [])
})

test('nothing of the app is run', (t) => {
  const folder = app(t, {
    'a.js': "globalThis.wasRun = true; require('node:fs').writeFileSync('/nowhere', ''); process.exit(9)",
    'index.html': '<script>globalThis.wasRun = true</script>',
    'package.json': '{ "type": "module", "main": "a.js" }',
  })
  t.is(examine(folder).findings.filter(({ verdict }) => verdict === 'missing').length, 0)
  t.is(globalThis.wasRun, undefined)
})

test('code that refers to itself, and deep code, come to an end', (t) => {
  const folder = app(t, {
    'a.js':
      'function f(x) { return f(g(x)) } function g(x) { x.y = x; return f(x.y) } f(new TCPSocket("h", 1))',
    'b.js': `x = ${'['.repeat(300)}${']'.repeat(300)}; y = ${Array.from({ length: 400 }, () => '"a"').join('+')}`,
    'c.js': Array.from(
      { length: 3000 },
      (_, i) => `function f${i}(s) { f${(i + 1) % 3000}(s); s.close() }`,
    ).join('\n'),
  })
  t.is(examine(folder).files, 3)
})

const run = (...args) =>
  spawnSync(process.execPath, [bin, 'doctor', ...args], { encoding: 'utf8', timeout: 60_000 })

test('the command prints by file and place what is not the same, with numbers, and --all the rest', (t) => {
  const folder = app(t, { 'a.js': CODE, 'b\u001b[31m.js': "navigator.mozTCPSocket.open('h', 1).resume()" })
  const { status, stdout, stderr } = run(folder)
  t.is(stderr, '')
  t.is(status, 0)
  t.is(
    stdout,
    [
      'a.js',
      "  1:37  differs     navigator.mozTCPSocket.open('h', 1).suspend(): a suspended socket hides what the peer does; the local close() completes (Q-13)",
      '',
      'b\\u{1b}[31m.js',
      "  1:37  differs     navigator.mozTCPSocket.open('h', 1).resume(): resume() without suspend() throws (Q-14)",
      '',
      `${folder}: 2 files; 0 missing, 2 differs, 0 unfollowed, 4 same, 0 note`,
      '',
    ].join('\n'),
  )
  t.regex(
    run(folder, '--all').stdout,
    /^ {2}1:24 {2}same {8}navigator\.mozTCPSocket\.open\('h', 1\): connects$/m,
  )
})

test('--json is what examine answers', (t) => {
  const folder = app(t, { 'a.js': CODE })
  const { status, stdout } = run(folder, '--json')
  t.is(status, 0)
  t.deepEqual(JSON.parse(stdout), examine(folder))
  t.deepEqual(JSON.parse(stdout).findings.at(-1), {
    file: 'a.js',
    line: 1,
    column: 37,
    verdict: 'differs',
    rule: 'suspend',
    q: 'Q-13',
    text: 'a suspended socket hides what the peer does; the local close() completes',
    code: "navigator.mozTCPSocket.open('h', 1).suspend()",
  })
})

test('the status is 1 where something is missing or unreadable, 2 for wrong arguments', (t) => {
  t.is(run(app(t, { 'a.js': 'navigator.mozContacts' })).status, 1)
  t.is(run(app(t, { 'a.js': 'var = 1' })).status, 1)
  for (const [args, pattern, status] of [
    [[], /doctor takes one PATH/, 2],
    [['a', 'b'], /doctor takes one PATH/, 2],
    [['.', '--xml'], /--xml/, 2],
    [['/nowhere/at/all'], /^moz-tcp-socket: \/nowhere\/at\/all: does not exist\n$/, 1],
    [[join(__dirname, '..', '..', 'LICENSE.txt')], /does not exist/, 1],
  ]) {
    const { status: found, stderr } = run(...args)
    t.is(found, status)
    t.regex(stderr, pattern)
  }
  t.throws(() => examine(''), { instanceOf: TypeError, message: /path/ })
  t.throws(() => examine(5), { instanceOf: TypeError })
})
