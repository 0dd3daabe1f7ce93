'use strict'

// installInWindow: in a window of jsdom or happy-dom, everything that applications get belongs to that window.

const { once } = require('node:events')
const net = require('node:net')
const { setFlagsFromString } = require('node:v8')
const vm = require('node:vm')

const test = require('ava')
const { Window } = require('happy-dom')
const { JSDOM } = require('jsdom')

const { installInWindow } = require('../../testing.js')

const WINDOWS = {
  jsdom: () => new JSDOM('', { runScripts: 'outside-only', url: 'http://localhost/' }).window,
  'happy-dom': () =>
    new Window({
      url: 'http://localhost/',
      settings: { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true },
    }),
}

const MANIFEST = { type: 'privileged', permissions: { 'tcp-socket': { description: 'to echo' } } }

/** A server of Node's own that echoes. Resolves with its port. */
async function echo(t) {
  const peers = new Set()
  const server = net.createServer((peer) => {
    peers.add(peer)
    peer.on('error', () => {})
    peer.on('close', () => peers.delete(peer))
    peer.pipe(peer)
  })
  t.teardown(() => {
    for (const peer of peers) peer.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: server.address().port, peers, server }
}

for (const [name, make] of Object.entries(WINDOWS)) {
  const open = (t, options) => {
    const window = make()
    const api = installInWindow(window, options)
    t.teardown(() => {
      api.close()
      window.close()
    })
    return { window, api }
  }

  test(`${name}: bytes, events, sockets and errors are of the window's realm`, async (t) => {
    const { window } = open(t)
    const { port } = await echo(t)
    const found = await new Promise((resolve) => {
      window.done = resolve
      window.port = port
      window.eval(`
        var socket = navigator.mozTCPSocket.open('127.0.0.1', port, { binaryType: 'arraybuffer' })
        socket.onopen = function () { socket.send(new Uint8Array([1, 2, 3])) }
        socket.ondata = function (event) {
          var thrown
          try { new TCPSocket('', 1) } catch (error) { thrown = error }
          done({
            bytes: event.data instanceof ArrayBuffer && Array.from(new Uint8Array(event.data)).join(),
            event: event instanceof Event,
            tcpEvent: event instanceof TCPSocketEvent,
            target: socket instanceof EventTarget,
            error: thrown instanceof TypeError,
          })
        }`)
    })
    t.deepEqual({ ...found }, { bytes: '1,2,3', event: true, tcpEvent: true, target: true, error: true })
    t.not(window.ArrayBuffer, ArrayBuffer, 'the window has a realm of its own')
  })

  test(`${name}: a manifest says what is there, for this window alone`, (t) => {
    const { window } = open(t, { manifest: MANIFEST, origin: 'app://mail.example' })
    t.is(typeof window.TCPSocket, 'function')
    const caught = (source) =>
      window.eval(`(function () { try { ${source} } catch (e) { return e.message } })()`)
    t.regex(caught('navigator.mozTCPSocket.listen(80)'), /only a certified application/)
    const { window: other } = open(t, { manifest: { type: 'web' } })
    t.is(other.TCPSocket, undefined)
    const refused = other.eval(
      "(function () { try { navigator.mozTCPSocket.open('127.0.0.1', 9) } catch (e) { return e.message } })()",
    )
    t.is(refused, 'TCPSocket does not have permission in this context.\n')
  })

  test(`${name}: close() closes sockets and listeners, and takes the API away`, async (t) => {
    const { window, api } = open(t)
    const { port, peers, server } = await echo(t)
    window.port = port
    const connected = once(server, 'connection')
    window.eval(
      "var s = new TCPSocket('127.0.0.1', port), l = new TCPServerSocket(0, { localAddress: '127.0.0.1' })",
    )
    await connected
    const ended = Promise.all([...peers].map((peer) => once(peer, 'close')))
    const { localPort } = window.l
    api.close()
    await ended
    const again = net.createServer()
    t.teardown(() => new Promise((resolve) => again.close(resolve)))
    await once(again.listen(localPort, '127.0.0.1'), 'listening')
    t.is(window.TCPSocket, undefined)
    t.is(window.navigator.mozTCPSocket, undefined)
    t.notThrows(() => api.close())
  })

  test(`${name}: after close() no handler of a socket runs any more, whether it was open or still connecting`, async (t) => {
    const { window, api } = open(t)
    const { port, server } = await echo(t)
    window.port = port
    const connected = once(server, 'connection')
    window.ran = (what) => t.fail(`on${what} ran`)
    window.eval(`
      function watch(socket) {
        for (const type of ['error', 'close', 'drain', 'data']) socket['on' + type] = () => ran(type)
        return socket
      }
      var open = watch(new TCPSocket('127.0.0.1', port))
      open.onopen = () => open.send('x'.repeat(4000000))`)
    await connected
    window.eval(
      "var connecting = watch(new TCPSocket('127.0.0.1', port)); connecting.onopen = () => ran('open')",
    )
    api.close()
    const states = () => window.eval('[open.readyState, connecting.readyState].join()')
    for (const until = Date.now() + 20_000; states() !== 'closed,closed' && Date.now() < until;) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    t.is(states(), 'closed,closed')
  })

  test(`${name}: a window that closes takes its sockets with it`, async (t) => {
    const { window } = open(t)
    const { port, peers, server } = await echo(t)
    window.port = port
    const connected = once(server, 'connection')
    window.eval("var s = new TCPSocket('127.0.0.1', port)")
    await connected
    const [peer] = peers
    const ended = once(peer, 'close')
    window.close()
    await ended
    t.pass()
  })

  test(`${name}: what a handler throws is an error event of the window`, async (t) => {
    const { window } = open(t)
    const { port } = await echo(t)
    window.port = port
    const caught = new Promise((resolve) => {
      window.addEventListener('error', (event) => {
        event.preventDefault()
        resolve(event.error)
      })
    })
    window.eval(
      "var s = new TCPSocket('127.0.0.1', port); s.onopen = function () { throw new TypeError('mine') }",
    )
    const error = await caught
    t.is(error.message, 'mine')
    t.true(error instanceof window.TypeError)
  })

  test(`${name}: onError gets what a handler throws, whatever it is`, async (t) => {
    const { port } = await echo(t)
    const thrown = await new Promise((resolve) => {
      const { window } = open(t, { onError: resolve })
      window.port = port
      window.eval("var s = new TCPSocket('127.0.0.1', port); s.onopen = function () { throw null }")
    })
    t.is(thrown, null)
  })
}

test('a window without scripts is refused, and so is what is no window', (t) => {
  t.throws(() => installInWindow(new JSDOM('').window), { instanceOf: TypeError, message: /runScripts/ })
  for (const value of [undefined, null, {}, 'window']) {
    t.throws(() => installInWindow(value), { instanceOf: TypeError, message: /must be a window/ })
  }
})

test('an option that does not exist is refused by name', (t) => {
  const window = WINDOWS.jsdom()
  t.throws(() => installInWindow(window, { manifests: {} }), {
    instanceOf: TypeError,
    message: /^manifests: /,
  })
  t.throws(() => installInWindow(window, { onError: 1 }), { instanceOf: TypeError, message: /^onError 1: / })
  window.close()
})

test('a window that is closed leaves nothing of its realm behind', async (t) => {
  setFlagsFromString('--expose-gc')
  const gc = vm.runInNewContext('gc')
  const use = async () => {
    const window = WINDOWS.jsdom()
    const api = installInWindow(window)
    const opened = new Promise((resolve) => {
      window.opened = resolve
    })
    window.eval(`
      var server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
      server.onconnect = function (event) { window.accepted = event.socket }
      var socket = new TCPSocket('127.0.0.1', server.localPort)
      socket.onopen = function () { opened() }`)
    await opened
    window.close()
    return { api, realm: new WeakRef(window.Array) }
  }
  // Whoever keeps what installInWindow returned keeps no window by it.
  const { api, realm } = await use()
  for (let round = 0; round < 50 && realm.deref() !== undefined; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    gc()
  }
  t.is(realm.deref(), undefined)
  t.notThrows(() => api.close())
})
