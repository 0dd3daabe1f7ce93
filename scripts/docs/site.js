'use strict'

// Builds the documentation site, and serves what was built: for `npm run docs`, and for the spec that looks at every page.

const { spawnSync } = require('node:child_process')
const { createReadStream, existsSync, readFileSync, rmSync, statSync, writeFileSync } = require('node:fs')
const http = require('node:http')
const { extname, join, relative, sep } = require('node:path')

const { root } = require('../engine.js')

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Runs a program of a development package to its end. Throws with what it said unless it exits with 0. */
function run(package_, file, args, env = {}) {
  const { status, error, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', package_, file), ...args],
    { cwd: root, encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 64 << 20 },
  )
  if (status !== 0) throw new Error(`${package_} failed: ${error?.message ?? ''}\n${stdout}${stderr}`)
}

/** The type declarations of what both packages export, but for what says of itself that it is internal. */
function typeFiles() {
  const files = ['.', 'packages/dev'].flatMap((folder) => {
    const { exports } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const declared = Object.values(exports).flatMap(({ types }) => types ?? [])
    return declared.map((file) => join(root, folder, file))
  })
  return [...new Set(files)].filter((file) => !readFileSync(file, 'utf8').startsWith('/** INTERNAL'))
}

/** Makes docs/reference/ anew, a page for each file of types. */
function makeReference() {
  const folder = join(root, 'docs', 'reference')
  rmSync(folder, { recursive: true, force: true })
  run('typedoc', 'bin/typedoc', ['--options', join(__dirname, 'typedoc.json'), ...typeFiles()])
  // Links between its own files are with .md, which is what VitePress wants. The first page has no words of its own.
  const first = join(folder, 'index.md')
  writeFileSync(first, readFileSync(first, 'utf8').replace(/^# .*\n/, `${INTRODUCTION}\n`))
}

const INTRODUCTION = `# Types

Made from the type declarations of the packages. [The API](../api.md) tells the same in prose, with what the types cannot say.
`

/** Builds the site into `folder`, for a host that has it at `base`. Returns the folder. */
function buildSite({ base = '/', folder = join(root, 'docs', '.vitepress', 'dist') } = {}) {
  makeReference()
  run('vitepress', 'bin/vitepress.js', ['build', 'docs', '--outDir', folder], { DOCS_BASE: base })
  return folder
}

/** The file in `folder` that a request for `path` gets, or undefined. */
function fileFor(folder, path) {
  const asked = join(folder, path.endsWith('/') ? `${path}index.html` : path)
  const below = relative(folder, asked)
  if (below === '..' || below.startsWith(`..${sep}`)) return undefined
  const file = [asked, `${asked}.html`].find((name) => existsSync(name) && statSync(name).isFile())
  return file
}

/** Serves what is in `folder` on the loopback, as a host of static files does. Resolves with `{ url, close() }`. */
function serveSite(folder, port = 0) {
  const server = http.createServer((request, response) => {
    let file
    try {
      file = fileFor(folder, decodeURIComponent(new URL(request.url, 'http://localhost').pathname))
    } catch {
      // No path at all: nothing is there.
    }
    if (file === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n')
      return
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
    createReadStream(file).pipe(response)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve({
        url: `http://127.0.0.1:${server.address().port}/`,
        close: () =>
          new Promise((done) => {
            server.close(done)
            server.closeAllConnections()
          }),
      })
    })
  })
}

module.exports = { buildSite, serveSite }
