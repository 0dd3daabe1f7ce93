'use strict'

// Runs where the development tools were installed by name: an app of one page, which talks to a server of Node's own. It is run in
// Node.js, where the app must get its echo, and served, where the page must have the API put before its script. The command line is
// asked for its version. Exits with 0 when all of that is so.

const { execFileSync } = require('node:child_process')
const { mkdirSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { createServer } = require('node:net')
const { join } = require('node:path')

const require_ = createRequire(join(process.cwd(), 'index.js'))
const { runApp, serveApp } = require_('moz-tcp-socket-dev')

setTimeout(() => fail('it was not done within 60 s'), 60_000).unref()

function fail(why) {
  console.error(why)
  process.exit(1)
}

/** An app whose title becomes what `port` sends back. */
function makeApp(port) {
  const app = join(process.cwd(), 'app')
  mkdirSync(app)
  const manifest = {
    name: 'Echo',
    launch_path: '/index.html',
    type: 'privileged',
    permissions: { 'tcp-socket': { description: 'Echoes' } },
  }
  writeFileSync(join(app, 'manifest.webapp'), JSON.stringify(manifest))
  writeFileSync(
    join(app, 'index.html'),
    '<!DOCTYPE html><title>waiting</title><script src="echo.js"></script>',
  )
  const script = `
    var socket = navigator.mozTCPSocket.open('127.0.0.1', ${port})
    socket.onopen = function () { socket.send('hello') }
    socket.ondata = function (event) { document.title = event.data; socket.close() }
    socket.onerror = function (event) { document.title = event.data.name }`
  writeFileSync(join(app, 'echo.js'), script)
  return app
}

/** Resolves with the title when the app has changed it. */
function titleOf({ document, MutationObserver }) {
  return new Promise((resolve) => {
    const look = () => document.title !== 'waiting' && resolve(document.title)
    new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true })
    look()
  })
}

async function main() {
  const peer = createServer((socket) => socket.pipe(socket))
  await new Promise((resolve) => peer.listen(0, '127.0.0.1', resolve))
  const app = makeApp(peer.address().port)

  const running = await runApp(app)
  const title = await titleOf(running.window)
  if (title !== 'hello') fail(`the app that runs in Node.js has the title ${title}`)
  await running.close()

  const served = await serveApp(app)
  const page = await (await fetch(served.url)).text()
  const [api, own] = ['mozTCPSocket', 'echo.js'].map((word) => page.indexOf(word))
  if (own < 0) fail(`${served.url} serves something else: ${page}`)
  if (page.indexOf('<script') === page.lastIndexOf('<script')) fail(`nothing was put into ${page}`)
  if (api > own) fail('the API comes after the script of the app')
  await served.close()

  const bin = join(process.cwd(), 'node_modules', '.bin', 'moz-tcp-socket')
  execFileSync(process.execPath, [bin, '--version'], { stdio: 'inherit' })
  peer.close()
}

main().catch((error) => fail(error.stack))
