'use strict'

// The API in Chromium, over the bridge, against peers of node:net and node:tls. What a page does is in the functions that are given to
// `evaluate`, which run there.

const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const tls = require('node:tls')

const test = require('ava')

const { testWhere } = require('../../../../__test__/helpers/needs.js')
const { makePki } = require('../../../../__test__/helpers/pki.js')
const { PRIVILEGED, closeBrowser, hasChromium, openApp } = require('../helpers/chromium.js')
const { echo, peer } = require('../helpers/peers.js')

const inChromium = testWhere(test, hasChromium, 'chromium')

test.after.always(closeBrowser)

inChromium('a page has the API before its first script, as the facade has it in Node.js', async (t) => {
  const { page, problems } = await openApp(t, {
    'index.html': `<script>
      window.seen = [typeof navigator.mozTCPSocket.open, typeof TCPSocket, typeof TCPServerSocket, typeof TCPSocketEvent]
      window.token = Object.getOwnPropertySymbols(window).filter((symbol) => String(symbol).includes('moz-tcp'))
      </script>`,
  })
  t.deepEqual(await page.evaluate(() => window.seen), ['function', 'function', 'function', 'function'])
  t.deepEqual(await page.evaluate(() => window.token.length), 0)
  t.deepEqual(
    await page.evaluate(() => {
      const { mozTCPSocket } = navigator
      return [
        mozTCPSocket === navigator.TCPSocket,
        mozTCPSocket.readyState,
        mozTCPSocket instanceof TCPSocket && mozTCPSocket instanceof EventTarget,
        String(mozTCPSocket),
        TCPSocket.name,
        Object.keys(TCPSocket.prototype).slice(0, 3).join(),
      ]
    }),
    [true, 'closed', true, '[object TCPSocket]', 'TCPSocket', 'host,port,ssl'],
  )
  t.deepEqual(problems, [])
})

inChromium('an echo: events in their order, each a task, strings and ArrayBuffers of the page', async (t) => {
  const { page, problems } = await openApp(t)
  const seen = await page.evaluate(
    async (port) => {
      const log = []
      for (const binaryType of ['string', 'arraybuffer']) {
        const socket = navigator.mozTCPSocket.open('127.0.0.1', port, { binaryType })
        log.push(socket.readyState)
        await new Promise((resolve) => {
          const note = (event, what = '') => {
            log.push(event.type + what)
            Promise.resolve().then(() => log.push('microtask'))
          }
          socket.onopen = (event) => {
            note(
              event,
              ` ${socket.readyState} ${socket.remoteAddress} ${socket.remotePort === port} ${socket.localPort > 0}`,
            )
            socket.send(
              binaryType === 'string' ? 'h\u00e9\u0000\u00ff' : new Uint8Array([0, 128, 255]).buffer,
            )
          }
          socket.ondata = (event) => {
            const { data } = event
            note(
              event,
              typeof data === 'string'
                ? ` ${JSON.stringify(data)}`
                : ` ${data instanceof ArrayBuffer} ${new Uint8Array(data)}`,
            )
            socket.close()
            log.push(socket.readyState)
          }
          socket.onclose = (event) => {
            note(event, ` ${socket.readyState} ${socket.bytesRead} ${socket.bytesWritten}`)
            setTimeout(resolve)
          }
        })
      }
      return log
    },
    await echo(t),
  )
  t.deepEqual(seen, [
    'connecting',
    'open open 127.0.0.1 true true',
    'microtask',
    'data "h\u00e9\\u0000\u00ff"',
    'closing',
    'microtask',
    'close closed 4 4',
    'microtask',
    'connecting',
    'open open 127.0.0.1 true true',
    'microtask',
    'data true 0,128,255',
    'closing',
    'microtask',
    'close closed 3 3',
    'microtask',
  ])
  t.deepEqual(problems, [])
})

inChromium(
  'bufferedAmount is exact, send answers by 64 KiB, and drain comes when the system has everything',
  async (t) => {
    const { page } = await openApp(t)
    let release
    const port = await peer(t, (socket) => {
      socket.pause()
      release = () => socket.resume()
    })
    await page.evaluate(async (to) => {
      window.log = []
      window.socket = navigator.mozTCPSocket.open('127.0.0.1', to, { binaryType: 'arraybuffer' })
      window.socket.ondrain = () => window.log.push(`drain ${window.socket.bufferedAmount}`)
      await new Promise((resolve) => (window.socket.onopen = resolve))
    }, port)
    const first = await page.evaluate(() => {
      const { socket } = window
      const answers = []
      for (const size of [0, 65_536, 1, 1])
        answers.push(socket.send(new Uint8Array(size).buffer), socket.bufferedAmount)
      // Within a turn nothing changes.
      return [...answers, socket.bufferedAmount]
    })
    t.deepEqual(first, [true, 0, true, 65_536, false, 65_537, false, 65_538, 65_538])
    await page.waitForFunction(() => window.log.length === 1)
    // More than the kernels take: what is left neither system nor page forgets.
    const size = 32 << 20
    const waiting = await page.evaluate(async (length) => {
      const { socket } = window
      socket.send(new Uint8Array(length).buffer)
      const before = socket.bufferedAmount
      const seen = new Set()
      let last
      let same = 0
      while (same < 20) {
        await new Promise((resolve) => setTimeout(resolve, 25))
        const { bufferedAmount } = socket
        seen.add(bufferedAmount > 0 && bufferedAmount <= length)
        same = bufferedAmount === last ? same + 1 : 0
        last = bufferedAmount
      }
      return { before, seen: [...seen], last }
    }, size)
    t.is(waiting.before, size)
    t.deepEqual(waiting.seen, [true])
    t.true(waiting.last > size / 2, `${waiting.last} wait`)
    t.deepEqual(await page.evaluate(() => window.log), ['drain 0'])
    release()
    await page.waitForFunction(() => window.log.length === 2)
    t.deepEqual(await page.evaluate(() => [...window.log, window.socket.bufferedAmount]), [
      'drain 0',
      'drain 0',
      0,
    ])
  },
)

inChromium('a suspended page stops the peer by TCP; resumed it gets every byte, in order', async (t) => {
  const { page } = await openApp(t)
  const total = 24 << 20
  let sending
  const port = await peer(t, (socket) => {
    sending = socket
    const all = Buffer.alloc(total)
    for (let i = 0; i < total; i += 4) all.writeUInt32LE(i, i)
    socket.end(all)
  })
  await page.evaluate(async (to) => {
    const socket = navigator.mozTCPSocket.open('127.0.0.1', to, { binaryType: 'arraybuffer' })
    window.state = { socket, bytes: 0, wrong: 0, closed: false }
    let rest = new Uint8Array()
    socket.ondata = ({ data }) => {
      const { state } = window
      if (state.bytes === 0) socket.suspend()
      const bytes = new Uint8Array(rest.length + data.byteLength)
      bytes.set(rest)
      bytes.set(new Uint8Array(data), rest.length)
      const words = new DataView(bytes.buffer)
      const base = state.bytes - rest.length
      let at = 0
      for (; at + 4 <= bytes.length; at += 4) if (words.getUint32(at, true) !== base + at) state.wrong++
      rest = bytes.slice(at)
      state.bytes += data.byteLength
    }
    socket.onclose = () => (window.state.closed = true)
    await new Promise((resolve) => (socket.onopen = resolve))
  }, port)
  await page.waitForFunction(() => window.state.bytes > 0)
  let last
  for (let same = 0; same < 20;) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    const left = sending.writableLength
    same = left === last ? same + 1 : 0
    last = left
  }
  const { bytes, closed } = await page.evaluate(() => ({
    bytes: window.state.bytes,
    closed: window.state.closed,
  }))
  t.true(bytes <= 128 * 1024, `${bytes} bytes came to a suspended page`)
  t.false(closed)
  t.true(sending.writableLength > 0 && !sending.writableFinished, 'the peer is stopped')
  await page.evaluate(() => window.state.socket.resume())
  await page.waitForFunction(() => window.state.closed)
  t.deepEqual(await page.evaluate(() => [window.state.bytes, window.state.wrong]), [total, 0])
})

inChromium(
  'TLS from the start, and by upgradeToSecure, with what was agreed and the certificate',
  async (t) => {
    const { ca, cert, key } = makePki()
    const secure = tls.createServer({ cert, key, ALPNProtocols: ['x'] }, (socket) =>
      socket.on('error', () => {}).pipe(socket),
    )
    secure.listen(0, '127.0.0.1')
    await once(secure, 'listening')
    t.teardown(() => secure.close())
    const starttls = await peer(t, (socket) => {
      socket.write('220 ready\r\n')
      socket.once('data', () => {
        socket.write('220 go\r\n')
        const above = new tls.TLSSocket(socket, {
          isServer: true,
          secureContext: tls.createSecureContext({ cert, key }),
        })
        above.on('error', () => {})
        above.on('data', (bytes) => above.write(`secret ${bytes}`))
      })
    })
    const { page, problems } = await openApp(t)
    const seen = await page.evaluate(
      async ({ ports, anchors }) => {
        const log = []
        const ended = (socket) =>
          new Promise((resolve) => {
            socket.onerror = ({ name, data }) => log.push(`${name} ${data.name}`)
            socket.onclose = resolve
          })
        const first = navigator.mozTCPSocket.open('localhost', ports[0], {
          useSecureTransport: true,
          ca: anchors,
          alpnProtocols: ['x'],
        })
        first.onopen = () => {
          const { protocol, alpnProtocol, servername, peerCertificate } = first.tls
          log.push(
            first.ssl,
            protocol,
            alpnProtocol,
            servername,
            peerCertificate.subject,
            peerCertificate.raw instanceof Uint8Array,
          )
          log.push(
            /^([\dA-F]{2}:){31}[\dA-F]{2}$/.test(peerCertificate.fingerprint256),
            Object.isFrozen(first.tls),
          )
          first.send('x')
        }
        first.ondata = ({ data }) => {
          log.push(data)
          first.close()
        }
        await ended(first)

        const second = navigator.mozTCPSocket.open('localhost', ports[1])
        second.ondata = ({ data }) => {
          log.push(data)
          if (data.includes('ready')) second.send('STARTTLS\r\n')
          else if (data.includes('go')) {
            second.upgradeToSecure({ ca: anchors })
            second.send('word')
          } else {
            log.push(second.ssl, second.tls?.protocol)
            second.close()
          }
        }
        await ended(second)

        const third = navigator.mozTCPSocket.open('localhost', ports[0], { useSecureTransport: true })
        await ended(third)
        try {
          navigator.mozTCPSocket.open('localhost', ports[0], {
            useSecureTransport: true,
            ca: 'no certificate',
          })
        } catch (error) {
          log.push(`${error.name} ${error.message.slice(0, 3)}`)
        }
        return log
      },
      { ports: [secure.address().port, starttls], anchors: ca },
    )
    t.deepEqual(seen, [
      true,
      'TLSv1.3',
      'x',
      'localhost',
      'CN=localhost',
      true,
      true,
      true,
      'x',
      '220 ready\r\n',
      '220 go\r\n',
      'secret word',
      true,
      'TLSv1.3',
      'SecurityUntrustedCertificateIssuerError SecurityUntrustedCertificateIssuerError',
      'TypeError ca:',
    ])
    t.deepEqual(problems, [])
  },
)

inChromium(
  'what came in the clear behind the answer to STARTTLS does not pass for what TLS brought',
  async (t) => {
    let toPage
    const port = await peer(t, (socket) => {
      toPage = socket
      socket.once('data', () => socket.write('220 go\r\n'))
    })
    // The page waits for its answer, and the bridge has passed the bytes on before that comes.
    const trigger = http.createServer((_request, response) => {
      toPage.write('250 injected\r\n', () => {
        setTimeout(() => response.writeHead(200, { 'access-control-allow-origin': '*' }).end(), 100)
      })
    })
    trigger.listen(0, '127.0.0.1')
    await once(trigger, 'listening')
    t.teardown(() => trigger.close())
    const { page } = await openApp(t)
    const seen = await page.evaluate(
      async ({ to, asked }) => {
        const log = []
        const socket = navigator.mozTCPSocket.open('127.0.0.1', to)
        socket.onopen = () => socket.send('STARTTLS\r\n')
        socket.ondata = ({ data }) => {
          log.push(data)
          const request = new XMLHttpRequest()
          request.open('GET', `http://127.0.0.1:${asked}/`, false)
          request.send()
          socket.upgradeToSecure({ rejectUnauthorized: false })
        }
        socket.onerror = ({ name, data }) => log.push(name, data.message)
        await new Promise((resolve) => (socket.onclose = resolve))
        return log
      },
      { to: port, asked: trigger.address().port },
    )
    t.deepEqual(seen, [
      '220 go\r\n',
      'SecurityError',
      'the peer sent bytes in the clear behind what TLS was begun for',
    ])
  },
)

inChromium(
  'a server in a page: its port at once, a taken port throws, connections come, and close ends it',
  async (t) => {
    const { page, problems } = await openApp(t)
    const port = await page.evaluate(() => {
      window.log = []
      window.server = navigator.mozTCPSocket.listen(0, {
        binaryType: 'arraybuffer',
        localAddress: '127.0.0.1',
      })
      window.server.onconnect = (socket) => {
        window.log.push(
          `connect ${socket instanceof TCPSocket} ${socket.readyState} ${socket.host} ${socket.localPort === window.server.localPort}`,
        )
        socket.ondata = ({ data }) => socket.send(data)
        socket.onclose = () => window.log.push('close')
      }
      return window.server.localPort
    })
    const taken = await page.evaluate((number) => {
      try {
        return new TCPServerSocket(number, { localAddress: '127.0.0.1' }).localPort
      } catch ({ code, syscall, address, port: where }) {
        return { code, syscall, address, same: where === number }
      }
    }, port)
    t.deepEqual(taken, { code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', same: true })
    const client = net.connect(port, '127.0.0.1')
    client.end('around')
    const parts = []
    for await (const part of client) parts.push(part)
    t.is(Buffer.concat(parts).toString(), 'around')
    await page.waitForFunction(() => window.log.length === 2)
    t.deepEqual(await page.evaluate(() => window.log), ['connect true open 127.0.0.1 true', 'close'])
    await page.evaluate(() => window.server.close())
    let error
    do {
      const late = net.connect(port, '127.0.0.1')
      error = await new Promise((resolve) => late.on('error', resolve).on('close', () => resolve({})))
    } while (error.code !== 'ECONNREFUSED')
    t.deepEqual(problems, [])
  },
)

inChromium('errors have the names of Gecko, and the texts of Node.js', async (t) => {
  const { page } = await openApp(t)
  const closed = await peer(t, () => {})
  const reset = await peer(t, (socket) => socket.resetAndDestroy())
  const silent = await peer(t, () => {})
  const unused = await new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
  const seen = await page.evaluate(
    async ({ ports }) => {
      const log = []
      const run = (port, options) =>
        new Promise((resolve) => {
          const socket = navigator.mozTCPSocket.open('127.0.0.1', port, options)
          const types = []
          for (const type of ['open', 'error', 'close']) {
            socket.addEventListener(type, (event) => {
              types.push(
                type === 'error'
                  ? `${event.name} ${event.message} ${event.errorCode} ${event.data.code}`
                  : type,
              )
              if (type === 'close') resolve(types.join(', '))
            })
          }
        })
      log.push(await run(ports.unused))
      log.push((await run(ports.reset)).replace(/^open, /, ''))
      log.push(await run(ports.silent, { timeout: 100 }))
      for (const attempt of [
        () => navigator.mozTCPSocket.open('127.0.0.1', 70_000),
        () => navigator.mozTCPSocket.open('a b', 1),
        () => navigator.mozTCPSocket.open('127.1', 1),
        () => navigator.mozTCPSocket.open('::1%', 1, { localAddress: '1' }),
        () => new TCPSocket('localhost', 1, { tls: true }),
        () => navigator.mozTCPSocket.send('x'),
      ]) {
        try {
          attempt()
          log.push('nothing')
        } catch (error) {
          log.push(error.name)
        }
      }
      return log
    },
    { ports: { closed, reset, silent, unused } },
  )
  t.deepEqual(seen, [
    'ConnectionRefusedError Network 2152398861 ECONNREFUSED, close',
    'NetworkError Network 2152398868 ECONNRESET, close',
    'open, NetworkTimeoutError Network 2152398862 undefined, close',
    'RangeError',
    'TypeError',
    'TypeError',
    'TypeError',
    'TypeError',
    'NS_ERROR_FAILURE',
  ])
})

const WORKER = `
  const errors = []
  self.onmessage = ({ data: port }) => {
    const socket = navigator.mozTCPSocket.open('127.0.0.1', port)
    const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
    const listens = server.localPort > 0
    server.close()
    socket.onopen = () => socket.send('from a worker')
    socket.ondata = ({ data }) => {
      self.postMessage({ data, listens, strict: (function () { return this === undefined })(), line: new Error().stack.match(/:(\\d+):\\d+/)[1], extra: self.extra })
      socket.close()
    }
  }
`

inChromium('workers have it: classic ones, strict ones, modules with imports and without', async (t) => {
  const { page, problems } = await openApp(t, {
    'classic.js': WORKER,
    'strict.js': `/* a comment */ 'use strict'\n${WORKER}`,
    'module.js': WORKER,
    'imports.mjs': `import { extra } from './extra.mjs'\nself.extra = extra\n${WORKER}`,
    'shared.js': `self.onconnect = ({ ports: [channel] }) => {
      channel.onmessage = ({ data: port }) => {
        const socket = navigator.mozTCPSocket.open('127.0.0.1', port)
        socket.onopen = () => socket.send('from a shared worker')
        socket.ondata = ({ data }) => channel.postMessage(data)
      }
    }`,
    'extra.mjs': 'export const extra = typeof navigator.mozTCPSocket.open',
  })
  const port = await echo(t)
  const ask = (file, type) =>
    page.evaluate(
      ({ name, kind, to }) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(name, { type: kind })
          worker.onerror = (event) => reject(new Error(event.message || 'the worker failed'))
          worker.onmessage = ({ data }) => {
            worker.terminate()
            resolve(data)
          }
          worker.postMessage(to)
        }),
      { name: file, kind: type, to: port },
    )
  const same = { data: 'from a worker', listens: true }
  t.deepEqual(await ask('classic.js', 'classic'), { ...same, strict: false, line: '10', extra: undefined })
  t.deepEqual(await ask('strict.js', 'classic'), { ...same, strict: true, line: '11', extra: undefined })
  t.deepEqual(await ask('module.js', 'module'), { ...same, strict: true, line: '10', extra: undefined })
  t.deepEqual(await ask('imports.mjs', 'module'), { ...same, strict: true, line: '12', extra: 'function' })
  t.deepEqual(problems, [])

  const shared = await page.evaluate(
    (to) =>
      new Promise((resolve) => {
        const { port: channel } = new SharedWorker('shared.js')
        channel.onmessage = ({ data }) => resolve(data)
        channel.postMessage(to)
      }),
    port,
  )
  t.is(shared, 'from a shared worker')
})

inChromium('a page that is left, or reloaded, leaves no socket and no listener', async (t) => {
  const { page, server } = await openApp(t)
  let closed
  const gone = new Promise((resolve) => (closed = resolve))
  const port = await peer(t, (socket) => socket.resume().on('close', closed))
  await page.evaluate(async (to) => {
    const socket = navigator.mozTCPSocket.open('127.0.0.1', to)
    await new Promise((resolve) => (socket.onopen = resolve))
  }, port)
  await page.goto(server.url)
  await gone
  t.is(await page.evaluate(() => typeof navigator.mozTCPSocket.open), 'function')
})

inChromium('when Node.js goes, every socket has error and close, and listeners an error', async (t) => {
  const { page, server } = await openApp(t)
  const port = await peer(t, (socket) => socket.resume())
  await page.evaluate(async (to) => {
    window.log = []
    const socket = navigator.mozTCPSocket.open('127.0.0.1', to)
    const listener = new TCPServerSocket(0)
    listener.onerror = ({ name }) => window.log.push(`listener ${name}`)
    socket.onerror = ({ name }) => window.log.push(name)
    socket.onclose = () => window.log.push('close')
    await new Promise((resolve) => (socket.onopen = resolve))
  }, port)
  await server.close()
  await page.waitForFunction(() => window.log.length === 3)
  t.deepEqual((await page.evaluate(() => window.log)).sort(), [
    'NetworkInterruptError',
    'close',
    'listener NetworkInterruptError',
  ])
  const later = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const log = []
        const socket = navigator.mozTCPSocket.open('127.0.0.1', 1)
        socket.onerror = ({ name }) => log.push(name)
        socket.onclose = () => resolve(log)
      }),
  )
  t.deepEqual(later, ['NetworkInterruptError'])
})

inChromium(
  'without the permission it throws in the first generation, and is absent in the third',
  async (t) => {
    const first = await openApp(t, {}, { manifest: { type: 'privileged' } })
    t.deepEqual(
      await first.page.evaluate(() => {
        try {
          navigator.mozTCPSocket.open('127.0.0.1', 1)
        } catch ({ message }) {
          return [message, typeof window.TCPSocket]
        }
      }),
      ['TCPSocket does not have permission in this context.\n', 'undefined'],
    )
    const third = await openApp(t, {
      'manifest.webapp': undefined,
      'manifest.webmanifest': JSON.stringify({ b2g_features: { type: 'signed' } }),
    })
    t.deepEqual(
      await third.page.evaluate(() => [
        'mozTCPSocket' in navigator,
        'TCPSocket' in window,
        'TCPSocket' in navigator,
      ]),
      [false, false, false],
    )
    const allowed = await openApp(t, {
      'manifest.webapp': undefined,
      'manifest.webmanifest': JSON.stringify({
        b2g_features: { type: 'signed', permissions: PRIVILEGED.permissions },
      }),
    })
    t.is(await allowed.page.evaluate(() => typeof navigator.mozTCPSocket.open), 'function')
  },
)

inChromium("the app's own policy holds, and does not keep the API out", async (t) => {
  const csp = "default-src 'none'; script-src 'self'; connect-src 'none'"
  const { page, problems } = await openApp(
    t,
    {
      'index.html':
        '<!doctype html><head><meta charset="utf-8"><script src="app.js"></script><script>window.inline = 1</script>',
      'app.js': 'window.app = typeof navigator.mozTCPSocket.open',
    },
    { manifest: { ...PRIVILEGED, csp } },
  )
  t.deepEqual(await page.evaluate(() => [window.app, window.inline]), ['function', undefined])
  t.true(problems.some((text) => /Content Security Policy/.test(text)))
  const seen = await page.evaluate(
    (port) =>
      new Promise((resolve) => {
        const socket = navigator.mozTCPSocket.open('127.0.0.1', port)
        socket.onopen = () => resolve('open')
        socket.onerror = ({ name }) => resolve(name)
      }),
    await echo(t),
  )
  t.is(seen, 'open')
  t.true(await page.evaluate(() => new TCPServerSocket(0).localPort > 0))
})

inChromium('another page of the same machine cannot frame, read or use the app', async (t) => {
  const { page, server, context } = await openApp(t)
  const foreign = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<!doctype html>'),
    )
  })
  foreign.listen(0, '127.0.0.1')
  await once(foreign, 'listening')
  t.teardown(() => foreign.close())
  const evil = await context.newPage()
  await evil.goto(`http://localhost:${foreign.address().port}/`)
  const seen = await evil.evaluate(async (app) => {
    const { origin, host } = new URL(app)
    const outcome = {}
    outcome.fetch = await fetch(app).then(
      () => 'read',
      () => 'refused',
    )
    outcome.opaque = await fetch(app, { mode: 'no-cors' }).then(
      () => 'blind',
      () => 'refused',
    )
    for (const path of ['/', '/__bridge/page.js']) {
      outcome[path] = await new Promise((resolve) => {
        const script = Object.assign(document.createElement('script'), { src: origin + path })
        script.onload = () => resolve('loaded')
        script.onerror = () => resolve('refused')
        document.body.append(script)
      })
    }
    outcome.socket = await new Promise((resolve) => {
      const socket = new WebSocket(`ws://${host}/__bridge/page`, ['moz-tcp-socket', 'x'])
      socket.onopen = () => resolve('open')
      socket.onclose = () => resolve('refused')
    })
    outcome.call = await fetch(`${origin}/__bridge/call`, { method: 'POST', body: '{}' }).then(
      () => 'read',
      () => 'refused',
    )
    outcome.frame = await new Promise((resolve) => {
      const frame = Object.assign(document.createElement('iframe'), { src: app })
      frame.onload = () => {
        try {
          resolve(typeof frame.contentWindow.navigator.mozTCPSocket)
        } catch {
          resolve('refused')
        }
      }
      document.body.append(frame)
    })
    outcome.mine = typeof navigator.mozTCPSocket
    return outcome
  }, server.url)
  t.deepEqual(seen, {
    fetch: 'refused',
    opaque: 'refused',
    '/': 'refused',
    '/__bridge/page.js': 'refused',
    socket: 'refused',
    call: 'refused',
    frame: 'refused',
    mine: 'undefined',
  })
  t.is(await page.evaluate(() => typeof navigator.mozTCPSocket), 'object')
})

inChromium('the panel shows sockets, their traffic, and what happened', async (t) => {
  const { page, server, context } = await openApp(t)
  const port = await echo(t)
  await page.evaluate(async (to) => {
    const socket = navigator.mozTCPSocket.open('127.0.0.1', to)
    await new Promise((resolve) => (socket.onopen = resolve))
    socket.send('<b>twelve</b>')
    await new Promise((resolve) => (socket.ondata = resolve))
    window.server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
    const refused = navigator.mozTCPSocket.open('127.0.0.1', 1)
    await new Promise((resolve) => (refused.onclose = resolve))
  }, port)
  const panel = await context.newPage()
  const problems = []
  panel.on('pageerror', (error) => problems.push(error.message))
  panel.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  await panel.goto(new URL('/__sockets', server.url).href)
  await panel.waitForFunction(() => document.querySelectorAll('#sockets tr').length === 2)
  const rows = await panel.$$eval('#sockets tr', (all) =>
    all.map((row) => [...row.cells].map((cell) => cell.textContent)),
  )
  t.is(rows[0][3], 'listening')
  t.deepEqual(rows[1], ['page 1', '1', `127.0.0.1 ${port}`, 'open', '13', '13', '0'])
  const events = await panel.$$eval('#events tr', (all) => all.map((row) => row.cells[3].textContent))
  t.deepEqual(events.slice().sort(), ['connect', 'connect', 'failed', 'listen', 'opened'])
  await page.evaluate(() => navigator.mozTCPSocket.open('127.0.0.1', 1))
  await panel.waitForFunction(() => document.querySelectorAll('#events tr').length === 7)
  if (process.env.SCREENSHOT) await panel.screenshot({ path: process.env.SCREENSHOT })
  t.deepEqual(problems, [])
})
