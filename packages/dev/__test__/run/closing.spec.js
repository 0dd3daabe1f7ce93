'use strict'

// How an app ends: by whoever runs it, and by itself.

const { readFileSync, rmSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { runApp } = require('../../index.js')
const { command, folder, listenAgain, makeApp, page, resultOf, start } = require('../helpers/apps.js')

test('window.close() of an app closes all of it, also while it loads', async (t) => {
  const data = folder(t)
  const script = (when) => `
    localStorage.kept = '${when}'
    var server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
    window.port = server.localPort
    ${when === 'loading' ? 'window.close()' : 'addEventListener("load", function () { setTimeout(window.close, 10) })'}`
  for (const when of ['loading', 'loaded']) {
    const app = await start(t, makeApp(t, { 'index.html': page(script(when)) }), { data })
    const { port } = app.window
    await app.closed
    t.deepEqual(JSON.parse(readFileSync(join(data, 'local-storage.json'), 'utf8')), { kept: when })
    await listenAgain(port)
    t.deepEqual(app.errors, [])
  }
})

test('an app whose storage cannot be kept says so, and is closed nevertheless', async (t) => {
  const data = join(folder(t), 'data')
  const script = `
    localStorage.a = 1
    var server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
    window.result = [server.localPort, location.port]`
  const app = await runApp(makeApp(t, { 'index.html': page(script) }), { data })
  const ports = await resultOf(app)
  rmSync(data, { recursive: true })
  writeFileSync(data, 'no folder')
  await t.throwsAsync(app.close(), { code: 'EEXIST' })
  await app.closed
  for (const port of ports) await listenAgain(port)
})

test('the command ends when the app closes its window', async (t) => {
  const root = makeApp(t, { 'index.html': page('setTimeout(window.close, 10)') })
  const { ended, output } = command(t, [root, '--data', folder(t)], '\0')
  t.deepEqual(await ended, [0, null], output())
})
