'use strict'

// How an app is found, what its manifest says, and what is said where it is wrong.

const { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync, realpathSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')

const test = require('ava')

const { AppError, fileOf, holds, readApp } = require('../../lib/app/manifest.js')

/** A folder with `files`, by path; an object becomes JSON. */
function folder(t, files) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'moz-app-')))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return root
}

const tcp = { 'tcp-socket': { description: 'mail' } }
const firefoxOs = {
  name: 'Mail',
  type: 'privileged',
  launch_path: '/app/main.html?a=1#top',
  permissions: tcp,
}

test('a folder stands for its manifest, whose members are the app', (t) => {
  const root = folder(t, { 'manifest.webapp': firefoxOs, 'app/main.html': '' })
  const app = readApp(root)
  t.is(app.kind, 'html')
  t.is(app.root, root)
  t.is(app.file, join(root, 'manifest.webapp'))
  t.is(app.launchPath, '/app/main.html?a=1#top')
  t.is(app.type, 'privileged')
  t.is(app.generation, 1)
  t.is(app.name, 'Mail')
  t.deepEqual({ ...app.permissions }, tcp)
  t.true(holds(app, 'tcp-socket'))
  t.false(holds(app, 'systemXHR'))
  t.false(holds(app, 'toString'))
  t.deepEqual(readApp(join(root, 'manifest.webapp')), app)
})

test('of KaiOS 3, b2g_features alone say what type it is and what it may', (t) => {
  const manifest = { start_url: '/', type: 'certified', b2g_features: { type: 'signed', permissions: tcp } }
  const app = readApp(
    folder(t, { 'manifest.webmanifest': `\uFEFF${JSON.stringify(manifest)}`, 'index.html': '' }),
  )
  t.is(app.type, 'privileged')
  t.is(app.generation, 3)
  t.is(app.launchPath, '/index.html')
  t.true(holds(app, 'tcp-socket'))
  const core = { b2g_features: { type: 'web', core: true, permissions: tcp } }
  t.is(readApp(folder(t, { 'manifest.webmanifest': core, 'index.html': '' })).type, 'certified')
})

test('an app of type "web" holds nothing, whatever its manifest asks for', (t) => {
  const app = readApp(folder(t, { 'manifest.webapp': { permissions: tcp }, 'index.html': '' }))
  t.is(app.type, 'web')
  t.is(app.launchPath, '/index.html')
  t.false(holds(app, 'tcp-socket'))
})

test('a script is an app without a manifest', (t) => {
  const root = folder(t, { 'main.mjs': '' })
  t.deepEqual(readApp(join(root, 'main.mjs')), { kind: 'script', file: join(root, 'main.mjs') })
  t.false(holds(readApp(join(root, 'main.mjs')), 'tcp-socket'))
})

for (const [what, files, message] of [
  ['no manifest', { 'index.html': '' }, /: has no manifest\.webapp and no manifest\.webmanifest$/],
  ['a manifest that is no JSON', { 'manifest.webapp': '{,}' }, /manifest\.webapp: is no manifest: /],
  ['a manifest that is a list', { 'manifest.webapp': [] }, /is no manifest, which is an object$/],
  [
    'a type that does not exist',
    { 'manifest.webapp': { type: 'root' } },
    /type "root": must be one of web, privileged, certified$/,
  ],
  [
    'a type of KaiOS in a manifest of Firefox OS',
    { 'manifest.webapp': { type: 'core' } },
    /type "core": must be one of web, privileged, certified$/,
  ],
  [
    'permissions that are a list',
    { 'manifest.webapp': { permissions: ['tcp-socket'] } },
    /permissions \["tcp-socket"\]: must be an object$/,
  ],
  [
    'a permission that is a flag',
    { 'manifest.webapp': { permissions: { 'tcp-socket': true } } },
    /permissions\.tcp-socket true: must be an object$/,
  ],
  [
    'a launch path elsewhere',
    { 'manifest.webapp': { launch_path: '//evil/x' } },
    /launch_path "\/\/evil\/x": must be a path/,
  ],
  [
    'a launch path that is a number',
    { 'manifest.webapp': { launch_path: 5 } },
    /launch_path 5: must be a path/,
  ],
  [
    'a first page that is missing',
    { 'manifest.webapp': {} },
    /launch_path "\/index\.html": must be a file of the app$/,
  ],
  [
    'a start_url with a scheme',
    { 'manifest.webmanifest': { start_url: 'javascript:1' } },
    /start_url "javascript:1": must/,
  ],
]) {
  test(`an error says what is wrong: ${what}`, (t) => {
    t.throws(() => readApp(folder(t, files)), { instanceOf: AppError, message })
  })
}

test('what is no app is named', (t) => {
  const root = folder(t, { 'a.txt': '' })
  t.throws(() => readApp(join(root, 'none')), { message: /none: does not exist$/ })
  t.throws(() => readApp(join(root, 'a.txt')), { message: /a\.txt: must be a manifest/ })
  t.throws(() => readApp(undefined), { message: /^app undefined: must be the path of/ })
})

test('only files of the folder are found, whatever the path says', (t) => {
  const root = folder(t, { 'app/a b.html': '', 'app/sub/x.js': '', secret: '' })
  const app = join(root, 'app')
  symlinkSync(join(root, 'secret'), join(app, 'link'))
  symlinkSync(root, join(app, 'up'))
  symlinkSync(join(app, 'sub'), join(app, 'inside'))
  t.is(fileOf(app, '/a%20b.html'), join(app, 'a b.html'))
  t.is(fileOf(app, '/inside/x.js'), join(app, 'sub', 'x.js'))
  for (const path of [
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/sub/../../secret',
    '/link',
    '/up/secret',
    '/..\\secret',
    '/a%00',
    '/%',
    '/sub',
    '/',
    '/none',
  ]) {
    t.is(fileOf(app, path), undefined, path)
  }
})
