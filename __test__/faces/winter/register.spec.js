'use strict'

// `moz-tcp-socket/winter/register`: `cloudflare:sockets` and `sockets` as modules.

const { execFile } = require('node:child_process')
const { mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { promisify } = require('node:util')

const test = require('ava')

const run = promisify(execFile)
const REGISTER = ['--import', 'moz-tcp-socket/winter/register']

/** What `code` prints, as a module or not. */
async function printed(type, code, flags = REGISTER) {
  const args = [...flags, `--input-type=${type}`, '-e', code]
  const { stdout } = await run(process.execPath, args, { cwd: __dirname })
  return stdout.trim()
}

for (const specifier of ['cloudflare:sockets', 'sockets']) {
  test(`${specifier} can be imported, and is moz-tcp-socket/winter`, async (t) => {
    const code = `
      import { connect, SocketError } from '${specifier}'
      import * as winter from 'moz-tcp-socket/winter'
      console.log(connect === winter.connect, SocketError === winter.SocketError,
        (await import('${specifier}')).connect === connect)`
    t.is(await printed('module', code), 'true true true')
  })

  test(`${specifier} can be required, and is moz-tcp-socket/winter`, async (t) => {
    const code = `console.log(require('${specifier}') === require('moz-tcp-socket/winter'))`
    t.is(await printed('commonjs', code), 'true')
  })
}

test('it can be required, and twice', async (t) => {
  const code = `
    require('moz-tcp-socket/winter/register')
    require('moz-tcp-socket/winter/register')
    import('cloudflare:sockets').then(({ connect }) => console.log(connect === require('sockets').connect))`
  t.is(await printed('commonjs', code, []), 'true')
})

test('without it there is no such module', async (t) => {
  await t.throwsAsync(printed('module', `import 'cloudflare:sockets'`, []), { message: /cloudflare/ })
})

test('a package that is called sockets keeps its name, and what is not there is still missing', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-sockets-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const folder = join(directory, 'node_modules', 'sockets')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'index.js'), 'module.exports = "theirs"')
  writeFileSync(
    join(directory, 'app.mjs'),
    `import sockets from 'sockets'
     import { createRequire } from 'node:module'
     const require = createRequire(import.meta.url)
     const missing = await import('no-such-package').catch(({ code }) => code)
     console.log(sockets, require('sockets'), missing)`,
  )
  const register = require.resolve('moz-tcp-socket/winter/register')
  const { stdout } = await run(process.execPath, ['--import', register, 'app.mjs'], { cwd: directory })
  t.is(stdout.trim(), 'theirs theirs ERR_MODULE_NOT_FOUND')
})

test('loading it loads nothing of the other entries', async (t) => {
  const code = `
    require('moz-tcp-socket/winter')
    const files = Object.keys(require.cache).map((file) => require('node:path').basename(file))
    console.log(files.filter((file) => /^(tcp-socket|tcp-server-socket|moz-tcp-socket|index|events|event-target|udp-socket)\\.js$/.test(file)).join())`
  t.is(await printed('commonjs', code, []), '')
})
