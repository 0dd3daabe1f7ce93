'use strict'

// runApp and `moz-tcp-socket run`: whole apps, in folders that the test makes, against a server of Node's own.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const { createServer: createHttpServer } = require('node:http')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')

const test = require('ava')

const { runApp } = require('../../index.js')

const bin = join(__dirname, '..', '..', 'bin', 'moz-tcp-socket.js')

const MANIFEST = {
  name: 'Echo',
  launch_path: '/index.html',
  type: 'privileged',
  permissions: { 'tcp-socket': { description: 'to echo' }, systemXHR: { description: 'to ask others' } },
}

/** A folder that is gone when the test is over. */
function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-run-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** An app with these files. */
function makeApp(t, files, manifest = MANIFEST) {
  const root = join(folder(t), 'app')
  const all = { 'manifest.webapp': JSON.stringify(manifest), ...files }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

const page = (script) => `<!DOCTYPE html><title>waiting</title><script>${script}</script>`

/** Runs the app until the test is over. What goes wrong in it is in `errors`, what it prints in `printed`. */
async function start(t, path, options = {}) {
  const [errors, printed] = [[], []]
  const app = await runApp(path, {
    onError: (error) => errors.push(error),
    onConsole: (method, args) => printed.push(args.join(' ')),
    ...options,
  })
  t.teardown(() => app.close())
  return { ...app, errors, printed }
}

/** Resolves when `window.result` is there, with a copy of it. */
async function resultOf({ window, errors }) {
  for (const until = Date.now() + 20_000; Date.now() < until;) {
    if (window.result !== undefined) return JSON.parse(JSON.stringify(window.result))
    if (errors?.length > 0) throw errors[0]
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('no result')
}

async function echo(t) {
  const server = net.createServer((peer) => {
    peer.on('error', () => {})
    peer.pipe(peer)
  })
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server.address().port
}

test('an app of HTML has its scripts, its realm and its sockets, and closes with all of them', async (t) => {
  const port = await echo(t)
  const root = makeApp(t, {
    'index.html': '<!DOCTYPE html><script src="js/app.js"></script>',
    'js/app.js': `
      var socket = navigator.mozTCPSocket.open('127.0.0.1', ${port}, { binaryType: 'arraybuffer' })
      socket.onopen = function () { socket.send(new Uint8Array([7, 8])) }
      socket.ondata = function (event) {
        window.result = [event.data instanceof ArrayBuffer, event instanceof Event, event.data.byteLength, location.pathname]
      }
      socket.onclose = function () { window.closed = true }`,
  })
  for (const path of [root, join(root, 'manifest.webapp')]) {
    const app = await start(t, path)
    t.deepEqual(await resultOf(app), [true, true, 2, '/index.html'])
    await app.close()
    t.deepEqual(app.errors, [])
  }
})

test('the manifest decides: without the permission mozTCPSocket throws and the classes are absent', async (t) => {
  const script = `
    var thrown
    try { navigator.mozTCPSocket.open('127.0.0.1', 9) } catch (error) { thrown = error.message }
    window.result = [thrown, typeof TCPSocket]`
  const root = makeApp(t, { 'index.html': page(script) }, { ...MANIFEST, permissions: {} })
  t.deepEqual(await resultOf(await start(t, root)), [
    'TCPSocket does not have permission in this context.\n',
    'undefined',
  ])
})

test('an app of KaiOS 3 has the second generation alone', async (t) => {
  const b2g = {
    b2g_features: { type: 'signed', permissions: { 'tcp-socket': {} } },
    start_url: '/index.html',
  }
  const root = makeApp(t, {
    'index.html': page('window.result = [typeof TCPSocket, typeof TCPServerSocket]'),
  })
  rmSync(join(root, 'manifest.webapp'))
  writeFileSync(join(root, 'manifest.webmanifest'), JSON.stringify(b2g))
  t.deepEqual(await resultOf(await start(t, root)), ['function', 'function'])
})

test('localStorage and IndexedDB are there again when the app runs again, and not without a folder', async (t) => {
  const script = `
    var request = indexedDB.open('mail', 1)
    request.onupgradeneeded = function () {
      var store = request.result.createObjectStore('messages', { keyPath: 'id', autoIncrement: true })
      store.createIndex('from', 'from', { unique: false })
    }
    request.onsuccess = function () {
      var store = request.result.transaction('messages', 'readwrite').objectStore('messages')
      store.put({ from: 'a@example.org', bytes: new Uint8Array([1, 2]) })
      store.index('from').getAll('a@example.org').onsuccess = function (event) {
        localStorage.count = Number(localStorage.count || 0) + 1
        window.result = [Number(localStorage.count), event.target.result.map(function (one) { return one.id })]
      }
    }`
  const root = makeApp(t, { 'index.html': page(script) })
  const data = join(folder(t), 'data')
  for (const expected of [
    [1, [1]],
    [2, [1, 2]],
  ]) {
    const app = await start(t, root, { data })
    t.deepEqual(await resultOf(app), expected)
    await app.close()
  }
  t.deepEqual(await resultOf(await start(t, root)), [1, [1]])
})

test('what is kept and damaged is an error that names it, and is not overwritten', async (t) => {
  const root = makeApp(t, { 'index.html': page('') })
  const data = folder(t)
  writeFileSync(join(data, 'indexed-db.bin'), 'what is this')
  await t.throwsAsync(runApp(root, { data }), { message: /indexed-db\.bin.*damaged/ })
  rmSync(join(data, 'indexed-db.bin'))
  writeFileSync(join(data, 'local-storage.json'), '{')
  await t.throwsAsync(runApp(root, { data }), { message: /local-storage\.json.*damaged/ })
})

test('XMLHttpRequest reads files of the app, and with mozSystem asks other servers', async (t) => {
  const other = createHttpServer((request, response) => {
    response.setHeader('x-answer', request.headers['x-question'] ?? 'none')
    request.pipe(response)
  })
  t.teardown(() => new Promise((resolve) => other.close(resolve)))
  await once(other.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${other.address().port}/ask?a=1`
  const script = `
    function ask(options, method, url, body, then) {
      var xhr = new XMLHttpRequest(options)
      xhr.open(method, url)
      if (body) xhr.setRequestHeader('X-Question', 'why')
      xhr.onload = function () { then([xhr.status, xhr.responseText, xhr.getResponseHeader('x-answer')]) }
      xhr.onerror = function () { then('error') }
      xhr.send(body)
    }
    ask(null, 'GET', 'data/words.txt', null, function (own) {
      ask({ mozSystem: true }, 'POST', ${JSON.stringify(url)}, 'hello', function (system) {
        ask(null, 'GET', ${JSON.stringify(url)}, null, function (plain) {
          window.result = [own, system, plain]
        })
      })
    })`
  const root = makeApp(t, { 'index.html': page(script), 'data/words.txt': 'words' })
  // What is refused is an error of the window as well.
  const [own, system, plain] = await resultOf({ window: (await start(t, root)).window })
  t.deepEqual(own.slice(0, 2), [200, 'words'])
  t.deepEqual(system, [200, 'hello', 'why'])
  t.is(plain, 'error', 'the rules of the Web hold without it')
  const without = makeApp(
    t,
    { 'index.html': page(script), 'data/words.txt': '' },
    { ...MANIFEST, permissions: {} },
  )
  const { window } = await start(t, without)
  t.is((await resultOf({ window }))[1], 'error', 'and without the permission')
})

test('an app reads no file outside of its folder, by whatever URL', async (t) => {
  const root = makeApp(t, {})
  writeFileSync(join(root, '..', 'secret.txt'), 'secret')
  symlinkSync(join(root, '..', 'secret.txt'), join(root, 'link.txt'))
  const urls = [
    '../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    'link.txt',
    '/%00',
  ]
  const script = `
    var left = ${JSON.stringify(urls)}, found = []
    function next() {
      if (left.length === 0) return void (window.result = found)
      var xhr = new XMLHttpRequest()
      xhr.open('GET', left.shift())
      xhr.onloadend = function () { found.push(xhr.responseText); next() }
      xhr.send()
    }
    next()`
  writeFileSync(join(root, 'index.html'), page(script))
  t.deepEqual(
    await resultOf(await start(t, root)),
    urls.map(() => ''),
  )
})

test('scripts of elsewhere are not loaded, and that is said', async (t) => {
  const html =
    '<!DOCTYPE html><script src="http://127.0.0.1:9/evil.js"></script><script>window.result = 1</script>'
  const app = await start(t, makeApp(t, { 'index.html': html }))
  t.is(await resultOf(app), 1)
  t.regex(app.printed.join('\n'), /evil\.js: is no file of the app/)
})

test('what scripts and handlers throw is told, and the app goes on', async (t) => {
  const port = await echo(t)
  const script = `
    console.log('printed', 1)
    setTimeout(function () { throw new Error('in a timer') })
    var socket = navigator.mozTCPSocket.open('127.0.0.1', ${port})
    socket.onopen = function () { socket.close(); throw new Error('in a handler') }
    socket.onclose = function () { window.result = 'closed' }`
  const app = await start(t, makeApp(t, { 'index.html': page(script) }))
  t.is(await resultOf({ window: app.window }), 'closed')
  t.deepEqual(app.errors.map(({ message }) => message).sort(), ['in a handler', 'in a timer'])
  t.deepEqual(app.printed, ['printed 1'])
})

test('an app reads its own manifest by navigator.mozApps', async (t) => {
  const script = `
    navigator.mozApps.getSelf().onsuccess = function (event) { window.result = event.target.result.manifest.name }`
  t.is(await resultOf(await start(t, makeApp(t, { 'index.html': page(script) }))), 'Echo')
})

test('close() twice is closing once, and options that do not exist are refused', async (t) => {
  const root = makeApp(t, { 'index.html': page('') })
  const app = await start(t, root)
  t.is(app.close(), app.close())
  await t.throwsAsync(runApp(root, { dta: '' }), { instanceOf: TypeError, message: /^dta: / })
  await t.throwsAsync(runApp(join(root, 'nothing')), { message: /does not exist/ })
})

/** Runs the command. Resolves with what it printed when `until` is part of that, or it has ended. */
function command(t, args, until) {
  const child = spawn(process.execPath, [bin, 'run', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  const ended = once(child, 'close')
  const seen = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
        if (output.includes(until)) resolve()
      })
    }
  })
  return { child, ended, seen, output: () => output }
}

test('the command runs an app until Ctrl+C, which keeps what it stores', async (t) => {
  const root = makeApp(t, {
    'index.html': page(
      "localStorage.a = Number(localStorage.a || 0) + 1; console.log('at ' + localStorage.a)",
    ),
  })
  const data = folder(t)
  for (const expected of ['at 1', 'at 2']) {
    const { child, ended, seen, output } = command(t, [root, '--data', data], expected)
    await Promise.race([seen, ended])
    t.true(output().includes(expected), output())
    child.kill('SIGINT')
    t.deepEqual(await ended, [0, null])
  }
})

test('the command runs a script as a module of Node.js, which ends by itself', async (t) => {
  const port = await echo(t)
  const file = join(folder(t), 'script.cjs')
  writeFileSync(
    file,
    `const { EOL } = require('node:os')
     const socket = window.navigator.mozTCPSocket.open('127.0.0.1', ${port})
     socket.onopen = () => socket.send('over TCP')
     socket.ondata = ({ data }) => { process.stdout.write(data + ' ' + typeof localStorage + EOL); socket.close() }`,
  )
  const { ended, output } = command(t, [file, '--data', folder(t)], '\0')
  t.deepEqual(await ended, [0, null], output())
  t.is(output(), 'over TCP object\n')
})

test('the command names an app that is not there, and a wrong argument', async (t) => {
  const missing = command(t, ['/nowhere/at/all'], '\0')
  t.deepEqual(await missing.ended, [1, null])
  t.regex(missing.output(), /^moz-tcp-socket: \/nowhere\/at\/all: does not exist\n$/)
  const wrong = command(t, [], '\0')
  t.deepEqual(await wrong.ended, [2, null])
})

test('TextEncoder and TextDecoder are there, with bytes of the window that its sockets take', async (t) => {
  const server = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const script = String.raw`
    const bytes = new TextEncoder().encode('gr\u00fc\u00dfe \u{1f680}')
    const into = new Uint8Array(4)
    const { read, written } = new TextEncoder().encodeInto('\u00fcxyz', into)
    const socket = new TCPSocket('127.0.0.1', ${server.address().port}, { binaryType: 'arraybuffer' })
    socket.onopen = () => socket.send(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const decoder = new TextDecoder('utf-8')
    let text = ''
    socket.ondata = ({ data }) => {
      text += decoder.decode(data, { stream: true })
      if (!text.endsWith('\u{1f680}')) return
      socket.close()
      window.result = [text, bytes instanceof Uint8Array, bytes.buffer instanceof ArrayBuffer, read, written, [...into].join(), new TextEncoder().encode().length, TextEncoder.name]
    }`
  const app = await start(t, makeApp(t, { 'index.html': page(script) }))
  t.deepEqual(await resultOf(app), [
    'gr\u00fc\u00dfe \u{1f680}',
    true,
    true,
    3,
    4,
    '195,188,120,121',
    0,
    'TextEncoder',
  ])
  t.deepEqual(app.errors, [])
})
