'use strict'

// `moz-tcp-socket serve`, as it is typed.

const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')

const test = require('ava')

const { ask, tokenIn } = require('../helpers/bridge-client.js')
const { makeApp } = require('../helpers/chromium.js')

const bin = join(__dirname, '..', '..', 'bin', 'moz-tcp-socket.js')

test('it prints where the app is, serves it, and ends with a signal', async (t) => {
  const child = spawn(process.execPath, [bin, 'serve', makeApp(t), '--allow', '127.0.0.1:*'])
  t.teardown(() => child.kill('SIGKILL'))
  const [printed] = await once(child.stdout.setEncoding('utf8'), 'data')
  const [url, panel] = printed.match(/http:\S+/g)
  t.regex(url, /^http:\/\/localhost:\d+\/index\.html$/)
  t.not(tokenIn((await ask(url)).body), undefined)
  t.is((await ask(panel)).status, 200)
  child.kill('SIGTERM')
  const [status] = await once(child, 'exit')
  t.is(status, 0)
})

test('what is wrong is one clear line, and the status says whose mistake it is', (t) => {
  const app = makeApp(t)
  for (const [args, status, message] of [
    [[], 2, /^moz-tcp-socket: serve takes one APP/],
    [[app, 'more'], 2, /^moz-tcp-socket: serve takes one APP/],
    [[app, '--port', '70000'], 2, /^moz-tcp-socket: --port "70000": must be a port/],
    [[app, '--port', 'x'], 2, /^moz-tcp-socket: --port "x": must be a port/],
    [[app, '--open'], 2, /^moz-tcp-socket: Unknown option '--open'/],
    [[app, '--allow', 'nowhere'], 1, /^moz-tcp-socket: allow\[0\] "nowhere": must be HOST:PORT/],
    [[join(app, 'none')], 1, /none: does not exist\n$/],
    [[join(app, 'index.html')], 1, /index\.html: must be a manifest/],
    [[__filename], 1, /is a script; serve takes an app with a page\n$/],
  ]) {
    const result = spawnSync(process.execPath, [bin, 'serve', ...args], { encoding: 'utf8', timeout: 30_000 })
    t.is(result.status, status, args.join(' '))
    t.regex(result.stderr, message)
    t.is(result.stdout, '')
  }
})
