'use strict'

// The bridge is a way into the network. Each test here is somebody who may not use it, or who uses it for more than he may.

const { once } = require('node:events')
const { symlinkSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { join } = require('node:path')

const test = require('ava')
const fc = require('fast-check')

const { serveApp } = require('../../index.js')
const { LIMITS } = require('../../lib/bridge/limits.js')
const { FACT, LONGEST_MESSAGE, ORDER, WINDOW, encode } = require('../../lib/bridge/protocol.js')
const { Client, ask, dial, tokenIn, visit } = require('../helpers/bridge-client.js')
const { PRIVILEGED, makeApp, serve } = require('../helpers/chromium.js')
const { echo, peer } = require('../helpers/peers.js')

async function page(t, url) {
  const client = await Client.open(url)
  t.teardown(() => client.close())
  return client
}

const to = (port, more = {}) => ({ host: '127.0.0.1', port, tls: 0, ...more })

/** The bridge does what it is for: so that a refusal is one of what is tested. */
async function worksStill(t, url) {
  const client = await page(t, url)
  client.order(ORDER.Connect, 1, to(await echo(t)))
  t.is((await client.fact()).kind, FACT.Opened)
  client.close()
}

const WORKER = { 'worker.js': '"use strict"; self.mine = 1' }
const AS_WORKER = { 'sec-fetch-dest': 'worker', 'sec-fetch-site': 'same-origin' }

test('it listens on loopback alone', async (t) => {
  const { url } = await serve(t)
  const { port } = new URL(url)
  const others = Object.values(require('node:os').networkInterfaces())
    .flat()
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  for (const { address } of others) {
    const socket = net.connect(Number(port), address)
    const [error] = await once(socket, 'error')
    t.is(error.code, 'ECONNREFUSED', address)
  }
  await worksStill(t, url)
})

test('a name that is made to point here (DNS rebinding) gets nothing', async (t) => {
  const { url } = await serve(t, WORKER)
  const { port } = new URL(url)
  const token = await visit(url)
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    `127.0.0.1:${port}`,
    'localhost',
    `localhost.evil.example:${port}`,
    '',
  ]) {
    for (const path of ['', 'worker.js', '__bridge/page.js', '__sockets', `__bridge/config.js?${token}`]) {
      const { status, body } = await ask(new URL('/', url) + path, { headers: { ...AS_WORKER, host } })
      t.true(status === 421 || status === 400, `${host} ${path}: ${status}`)
      t.is(tokenIn(body), undefined)
    }
    const answer = await dial(url, token, { headers: { host: host || 'x' } })
    t.is(answer.status, 421, host)
  }
  await worksStill(t, url)
})

test('a WebSocket of another origin, or of none, is refused although it has the token', async (t) => {
  const { url } = await serve(t)
  const { origin, port } = new URL(url)
  const token = await visit(url)
  for (const wrong of [
    'http://evil.example',
    'null',
    `http://localhost`,
    `https://localhost:${port}`,
    `http://127.0.0.1:${port}`,
    'http://localhost:1',
  ]) {
    t.is((await dial(url, token, { headers: { origin: wrong } })).status, 403, wrong)
  }
  t.is((await dial(url, token, { headers: { origin: undefined } })).status, 403)
  t.is((await dial(url, token, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403)
  t.is((await dial(url, token, { headers: { 'sec-fetch-site': 'none' } })).status, 403)
  // All of that has not used the token up.
  const webSocket = await dial(url, token, { headers: { origin } })
  t.is(webSocket.readyState, 1)
  webSocket.terminate()
})

test('a token has to be there, to be right, and of this server, and is good for one WebSocket', async (t) => {
  const { url } = await serve(t)
  const other = await serve(t)
  const token = await visit(url)
  const panel = tokenIn((await ask(new URL('/__sockets', url).href)).body)
  for (const protocols of [
    [],
    ['moz-tcp-socket'],
    ['moz-tcp-socket', 'x'.repeat(43)],
    [token],
    ['other', token],
    ['moz-tcp-socket', await visit(other.url)],
    ['moz-tcp-socket', token.slice(1)],
    ['moz-tcp-socket', panel],
  ]) {
    t.is((await dial(url, token, { protocols })).status, 403, String(protocols.length))
  }
  t.is((await dial(url, token, { path: '/__bridge/panel' })).status, 403)
  t.is((await dial(url, token, { path: '/other' })).status, 404)
  const first = await dial(url, token)
  t.teardown(() => first.terminate())
  t.is(first.readyState, 1)
  t.is((await dial(url, token)).status, 403)
  first.terminate()
  await once(first, 'close')
  t.is((await dial(url, token)).status, 403)
})

test('another site that includes, fetches or frames the app finds no token, and is told to keep out', async (t) => {
  const { url } = await serve(t, WORKER)
  const at = (path) => new URL(path, url).href
  for (const site of ['cross-site', 'same-site']) {
    for (const [path, destination] of [
      ['/', 'document'],
      ['/', 'iframe'],
      ['/', 'script'],
      ['/', 'empty'],
      ['/worker.js', 'script'],
      ['/worker.js', 'worker'],
      ['/__bridge/page.js', 'script'],
      ['/__sockets', 'iframe'],
      ['/__sockets', 'document'],
    ]) {
      const { status, body } = await ask(at(path), {
        headers: { 'sec-fetch-site': site, 'sec-fetch-dest': destination },
      })
      t.is(status, 403, `${site} ${path} ${destination}`)
      t.is(tokenIn(body), undefined)
    }
  }
  // Browsers that do not tell the site: the page cannot be framed nor read there, and scripts have no token.
  const { headers, body } = await ask(at('/'))
  t.not(tokenIn(body), undefined)
  t.is(headers['x-frame-options'], 'SAMEORIGIN')
  t.regex(headers['content-security-policy'], /frame-ancestors 'self'/)
  t.is(headers['cross-origin-resource-policy'], 'same-origin')
  t.is(headers['cross-origin-opener-policy'], 'same-origin')
  t.is(headers['x-content-type-options'], 'nosniff')
  t.is(headers['access-control-allow-origin'], undefined)
  for (const path of ['/worker.js', '/__bridge/page.js']) {
    const script = await ask(at(path))
    t.is(script.status, 200)
    t.is(tokenIn(script.body), undefined, path)
    t.is(script.headers['access-control-allow-origin'], undefined)
  }
  t.is(tokenIn((await ask(at('/worker.js'), { headers: { 'sec-fetch-dest': 'worker' } })).body), undefined)
  t.not(tokenIn((await ask(at('/worker.js'), { headers: AS_WORKER })).body), undefined)
  const included = { 'sec-fetch-dest': 'script', 'sec-fetch-site': 'same-origin' }
  t.is(tokenIn((await ask(at('/worker.js'), { headers: included })).body), undefined)
  t.is((await ask(at('/__bridge/config.js?x'))).status, 404)
  t.is((await ask(at('/__sockets'))).headers['x-frame-options'], 'DENY')
  t.is((await ask(at('/'), { headers: { origin: 'http://evil.example' } })).status, 403)
})

test('the calls that answer at once cannot be made by a form, or by any request that browsers send without asking', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  const listen = {
    op: 'listen',
    id: 1,
    place: { address: '127.0.0.1', port: 0, backlog: 1, ipv6Only: false, reusePort: false },
    tls: 0,
  }
  for (const [headers, status] of [
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: undefined }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ host: 'evil.example' }, 421],
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
    [{ 'content-type': undefined }, 415],
    [{ 'x-moz-tcp-socket': undefined }, 403],
    [{ 'x-moz-tcp-socket': 'wrong' }, 403],
  ]) {
    const answer = await client.call(listen, headers)
    t.is(answer.status, status, JSON.stringify(headers))
    t.is(answer.headers['access-control-allow-origin'], undefined)
  }
  const { origin } = new URL(url)
  const preflight = await ask(`${origin}/__bridge/call`, { method: 'OPTIONS', headers: { origin } })
  t.is(preflight.status, 405)
  t.is((await ask(`${origin}/__bridge/call`)).status, 403)
  const good = await client.call(listen)
  t.true(JSON.parse(good.body).value.localPort > 0)
})

test('paths that lead out of the app are not found', async (t) => {
  const root = makeApp(t, { 'app/manifest.webapp': JSON.stringify(PRIVILEGED), 'app/index.html': 'page' })
  writeFileSync(join(root, 'secret.txt'), 'secret')
  symlinkSync(join(root, 'secret.txt'), join(root, 'app', 'link.txt'))
  symlinkSync(root, join(root, 'app', 'up'))
  const server = await serveApp(join(root, 'app'))
  t.teardown(() => server.close())
  const { origin } = new URL(server.url)
  for (const path of [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%5csecret.txt',
    '/x/../../secret.txt',
    '//../secret.txt',
    '/link.txt',
    '/up/secret.txt',
    '/secret.txt%00.html',
    '/%',
    '/%c0%ae%c0%ae/secret.txt',
  ]) {
    const { status, body } = await ask(origin + path)
    t.true(status === 404 || status === 400, `${path}: ${status}`)
    t.notRegex(body, /secret/)
  }
  t.is((await ask(`${origin}/index.html`)).status, 200)
  t.is((await ask(`${origin}/index.html`, { method: 'DELETE' })).status, 405)
})

test('a page reaches what --allow names, and nothing else', async (t) => {
  const [open, closed] = [await echo(t), await peer(t, () => t.fail('it was connected to'))]
  const { url } = await serve(t, {}, { allow: [`127.0.0.1:${open}`], allowListen: ['127.0.0.1:*'] })
  const client = await page(t, url)
  for (const [id, place] of [
    [1, to(closed)],
    [3, to(closed, { host: 'localhost' })],
    [5, to(open, { host: 'localhost' })],
    [7, to(closed, { givenUp: false })],
  ]) {
    client.order(ORDER.Connect, id, place)
    const { kind, content } = await client.fact()
    t.is(kind, FACT.Failed)
    t.is(content.name, 'SecurityError')
    t.regex(content.detail, /is not among what the bridge allows/)
  }
  client.order(ORDER.Connect, 9, to(open))
  t.is((await client.fact()).kind, FACT.Opened)
  const place = { address: '0.0.0.0', port: 0, backlog: 1, ipv6Only: false, reusePort: false }
  const { body } = await client.call({ op: 'listen', id: 11, place, tls: 0 })
  t.regex(JSON.parse(body).error, /is not among what the bridge allows/)
})

test('without the permission of the manifest nothing is connected to or listened at, whatever the page sends', async (t) => {
  const port = await peer(t, () => t.fail('it was connected to'))
  const place = { address: '127.0.0.1', port: 0, backlog: 1, ipv6Only: false, reusePort: false }
  for (const manifest of [{ type: 'privileged' }, { type: 'web', permissions: PRIVILEGED.permissions }]) {
    const { url } = await serve(t, {}, { manifest })
    const client = await page(t, url)
    client.order(ORDER.Connect, 1, to(port))
    t.regex((await client.fact()).content.detail, /no permission/)
    const { body } = await client.call({ op: 'listen', id: 3, place, tls: 0 })
    t.regex(JSON.parse(body).error, /does not have permission/)
  }
})

test('only a certified app listens below 1024', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  const place = { address: '127.0.0.1', port: 1023, backlog: 1, ipv6Only: false, reusePort: false }
  const { body } = await client.call({ op: 'listen', id: 1, place, tls: 0 })
  t.is(JSON.parse(body).error, 'port 1023: only a certified application may listen below 1024')
})

test('WebSockets beyond the limit are refused, and their places come back', async (t) => {
  const { url } = await serve(t)
  const all = []
  t.teardown(() => all.forEach((client) => client.close()))
  for (let i = 0; i < LIMITS.connections; i++) all.push(await Client.open(url))
  t.is((await dial(url, await visit(url))).status, 503)
  all[0].close()
  await all[0].closed
  // The server hears of it in its own time.
  let last
  do last = await dial(url, await visit(url))
  while (last.status === 503)
  t.is(last.readyState, 1)
  last.terminate()
})

test('pages that never connect are forgotten, the oldest first', async (t) => {
  const { url } = await serve(t)
  const first = await visit(url)
  for (let i = 0; i < LIMITS.waiting; i++) await visit(url)
  t.is((await dial(url, first)).status, 403)
  await worksStill(t, url)
})

test('a giant message ends the page that sent it, and no other', async (t) => {
  const { url } = await serve(t)
  const [giant, other] = [await page(t, url), await page(t, url)]
  giant.webSocket.send(new Uint8Array(LONGEST_MESSAGE + 1))
  t.is((await giant.closed)[0], 1009)
  other.order(ORDER.Connect, 1, to(await echo(t)))
  t.is((await other.fact()).kind, FACT.Opened)
  t.is((await other.call({ op: 'x'.repeat(LIMITS.callBytes) }).catch(() => ({ status: 413 }))).status, 413)
})

test('more than the window is not taken from a page', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  const port = await peer(t, (socket) => socket.pause())
  client.order(ORDER.Connect, 1, to(port))
  await client.next(FACT.Opened)
  // The system takes what it likes; without regard to that, the page sends on.
  for (let i = 0; i < 1000; i++) client.order(ORDER.Send, 1, new Uint8Array(64 * 1024))
  const [code, reason] = await client.closed
  t.is(code, 1008)
  t.regex(String(reason), /sent more than \d+ bytes that are not written/)
})

test('a page that takes nothing stops its peers, and Node.js keeps no more than the window of each', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  let sent
  const port = await peer(t, (socket) => {
    sent = socket
    const flood = () => {
      while (socket.write(Buffer.alloc(64 * 1024)));
    }
    socket.on('drain', flood)
    flood()
  })
  let got = 0
  const take = async (count) => {
    while (got < count) got += (await client.next(FACT.Data)).content.length - 1
  }
  client.order(ORDER.Connect, 1, to(port))
  await client.next(FACT.Opened)
  await take(WINDOW)
  // The kernel's buffers fill up; then the peer cannot write any more.
  let last = -1
  let same = 0
  while (same < 20) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    same = last === sent.bytesWritten - sent.writableLength ? same + 1 : 0
    last = sent.bytesWritten - sent.writableLength
  }
  t.true(sent.writableLength > 0)
  t.true(got >= WINDOW && got <= WINDOW + 64 * 1024, `${got} bytes`)
  t.is(client.waiting, 0)
  // Credit opens the window again, by what was taken.
  client.order(ORDER.Credit, 1, got)
  const before = got
  await take(before + WINDOW)
  t.true(got <= before + WINDOW + 64 * 1024)
})

test('credit for bytes that never came ends the page', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  client.order(ORDER.Connect, 1, to(await echo(t)))
  await client.next(FACT.Opened)
  client.order(ORDER.Credit, 1, 1)
  t.is((await client.closed)[0], 1008)
})

test('a page gets so many sockets and no more, however fast it asks', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  const port = await peer(t, () => {})
  for (let i = 0; i < 1000; i++) client.order(ORDER.Connect, 2 * i + 1, to(port))
  let opened = 0
  const refusals = new Set()
  for (let i = 0; i < 1000; i++) {
    const { kind, content } = await client.fact()
    if (kind === FACT.Opened) opened++
    else refusals.add(content.detail)
  }
  t.is(opened, LIMITS.socketsOfPage)
  t.deepEqual([...refusals], [`the bridge allows a page ${LIMITS.socketsOfPage} sockets`])
  await worksStill(t, url)
})

test('a page that goes leaves nothing behind: its sockets and listeners are closed', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  let ended
  const gone = new Promise((resolve) => (ended = resolve))
  const port = await peer(t, (socket) => socket.resume().on('close', ended))
  client.order(ORDER.Connect, 1, to(port))
  await client.next(FACT.Opened)
  const place = { address: '127.0.0.1', port: 0, backlog: 1, ipv6Only: false, reusePort: false }
  const { body } = await client.call({ op: 'listen', id: 3, place, tls: 0 })
  const { localPort } = JSON.parse(body).value
  client.close()
  await gone
  let error
  do [error] = await once(net.connect(localPort, '127.0.0.1'), 'error')
  while (error.code !== 'ECONNREFUSED')
  t.is(error.code, 'ECONNREFUSED')
})

test('listeners, configurations and calls of a page have an end', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  const place = { address: '127.0.0.1', port: 0, backlog: 1, ipv6Only: false, reusePort: false }
  let error
  for (let id = 1; error === undefined; id += 2) {
    error = JSON.parse((await client.call({ op: 'listen', id, place, tls: 0 })).body).error
    if (error === undefined) t.true(id < 2 * LIMITS.listeners)
  }
  t.is(error, `the bridge allows a page ${LIMITS.listeners} listeners`)
  const refused = `the bridge allows a page ${LIMITS.calls.each} calls a second`
  const errors = new Set()
  for (let i = 0; i < 40 && !errors.has(refused); i++) {
    const many = Array.from({ length: 100 }, () => client.call({ op: 'x' }))
    for (const { body } of await Promise.all(many)) errors.add(JSON.parse(body).error)
  }
  t.deepEqual([...errors].sort(), ['no call "x"', refused])
})

const anyContent = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.json().map((text) => new TextEncoder().encode(text)),
  fc
    .record(
      {
        host: fc.oneof(fc.string(), fc.constant('127.0.0.1')),
        port: fc.oneof(fc.integer(), fc.constant(1)),
        tls: fc.oneof(fc.integer(), fc.constant(0)),
        local: fc.anything(),
        givenUp: fc.anything(),
      },
      { requiredKeys: [] },
    )
    .map((value) => {
      try {
        return new TextEncoder().encode(JSON.stringify(value))
      } catch {
        return new Uint8Array()
      }
    }),
)

test('no message whatsoever brings the server down', async (t) => {
  const { url } = await serve(t, {}, { allow: ['127.0.0.1:1'] })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 5 }), anyContent), {
        minLength: 1,
        maxLength: 10,
      }),
      async (messages) => {
        const client = await Client.open(url)
        try {
          for (const [kind, id, content] of messages) {
            const message = new Uint8Array(5 + content.length)
            message[0] = kind
            message[4] = id
            message.set(content, 5)
            client.webSocket.send(message)
          }
          client.webSocket.send('text ends it')
          t.is((await client.closed)[0], 1008)
        } finally {
          client.close()
        }
      },
    ),
    { numRuns: 150 },
  )
  const client = await page(t, url)
  client.order(ORDER.Connect, 1, to(1))
  t.is((await client.fact()).content.name, 'ConnectionRefusedError')
})

test('no call whatsoever brings the server down', async (t) => {
  const { url } = await serve(t)
  const client = await page(t, url)
  const op = fc.constantFrom('listen', 'client', 'server', 'toString', '')
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.json(),
        fc
          .tuple(op, fc.json())
          .map(([name, text]) => `{"op":"${name}","options":${text},"place":${text},"id":1}`),
      ),
      async (text) => {
        const { origin } = new URL(url)
        const headers = { origin, 'content-type': 'application/json', 'x-moz-tcp-socket': client.token }
        const { status, body } = await ask(`${origin}/__bridge/call`, { method: 'POST', headers, body: text })
        t.is(status, 200)
        t.is(typeof JSON.parse(body).error, 'string')
      },
    ),
    { numRuns: 150 },
  )
  client.order(ORDER.Connect, 1, to(await echo(t)))
  t.is((await client.fact()).kind, FACT.Opened)
})

test('orders that are malformed end their page: short, unknown, of a fact, text, or twice the same socket', async (t) => {
  const { url } = await serve(t)
  const port = await echo(t)
  for (const messages of [
    [new Uint8Array(4)],
    [new Uint8Array(5)],
    [Uint8Array.of(200, 0, 0, 0, 1)],
    [encode(FACT.Ended, 1)],
    ['text'],
    [encode(ORDER.Connect, 1, to(port)), encode(ORDER.Connect, 1, to(port))],
    [encode(ORDER.Connect, 2, to(port))],
    [encode(ORDER.Connect, 1, to(port, { tls: 7 }))],
    [encode(ORDER.Connect, 1, null)],
    [encode(ORDER.Connect, 1, to(0))],
    [encode(ORDER.Connect, 1, { host: '127.1', port, tls: 0 })],
    [encode(ORDER.Connect, 1, to(port)), encode(ORDER.Upgrade, 1, 9)],
  ]) {
    const client = await page(t, url)
    for (const message of messages) client.webSocket.send(message)
    t.is((await client.closed)[0], 1008)
  }
  await worksStill(t, url)
})
