'use strict'

// F-WIN-19 to 29 of the specification: TLS from the first byte, and startTls().

const { once } = require('node:events')
const tls = require('node:tls')

const test = require('ava')

const { SocketError, connect } = require('moz-tcp-socket/winter')
const { makePki } = require('../../helpers/pki.js')
const { echo, reasonOf, secureServerOf, serverOf, take, trusting } = require('./support.js')

const local = (port) => ({ hostname: 'localhost', port })

/** A server that speaks plaintext until it was asked for TLS, says so, and then calls `serve`. */
function upgradingServerOf(t, serve, { speakFirst = 'HELLO' } = {}) {
  const { cert, key } = makePki()
  return serverOf(t, async (raw) => {
    const upgrade = () => {
      const socket = new tls.TLSSocket(raw, { isServer: true, cert, key })
      socket.on('error', () => {})
      serve(socket)
    }
    if (speakFirst === null) return upgrade()
    raw.write(speakFirst)
    let said = Buffer.alloc(0)
    raw.on('data', function listen(bytes) {
      said = Buffer.concat([said, bytes])
      if (String(said) === 'HELLO_BACK') raw.write('START_TLS')
      const end = said.indexOf('GO') + 2
      if (end < 2) return
      raw.removeListener('data', listen)
      raw.pause()
      // What is behind it is TLS.
      if (end < said.length) raw.unshift(said.subarray(end))
      upgrade()
    })
  })
}

/** The plain part of that conversation. Both locks are released. */
async function ask(t, socket) {
  const reader = socket.readable.getReader()
  const writer = socket.writable.getWriter()
  t.is(String(await take(reader, 5)), 'HELLO')
  await writer.write('HELLO_BACK')
  t.is(String(await take(reader, 9)), 'START_TLS')
  await writer.write('GO')
  reader.releaseLock()
  writer.releaseLock()
}

async function roundTrip(t, socket, text) {
  const writer = socket.writable.getWriter()
  const reader = socket.readable.getReader()
  await writer.write(text)
  t.is(String(await take(reader, text.length)), text)
  writer.releaseLock()
  reader.releaseLock()
}

test("F-WIN-19: with secureTransport 'on' opened comes after the handshake, and tells the protocol", async (t) => {
  let secured = false
  const port = await secureServerOf(
    t,
    (socket) => {
      secured = true
      echo(socket)
    },
    { ALPNProtocols: ['b', 'a'] },
  )
  const socket = trusting().connect(local(port), { secureTransport: 'on', alpn: ['a', 'b'] })
  t.is(socket.secureTransport, 'on')
  const { alpn, remoteAddress } = await socket.opened
  t.is(alpn, 'b')
  t.is(remoteAddress, `127.0.0.1:${port}`)
  await roundTrip(t, socket, 'over TLS')
  t.true(secured)
  await socket.close()
})

test('1 MiB each way over TLS, read into memory of the reader', async (t) => {
  const port = await secureServerOf(t, echo, { allowHalfOpen: true })
  const socket = trusting().connect(local(port), { secureTransport: 'on' })
  const sent = Buffer.alloc(1024 * 1024, 'over TLS ')
  const writer = socket.writable.getWriter()
  const written = writer.write(sent).then(() => writer.close())
  const reader = socket.readable.getReader({ mode: 'byob' })
  const chunks = []
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(3000))
    if (done) break
    chunks.push(value)
  }
  t.true(Buffer.concat(chunks).equals(sent))
  await written
  await socket.closed
})

test('F-WIN-08: closed fulfils over TLS though nobody reads', async (t) => {
  const port = await secureServerOf(t, (socket) => socket.end())
  const socket = trusting().connect(local(port), { secureTransport: 'on' })
  t.is(await socket.closed, undefined)
})

test("F-WIN-20: startTls() throws a SocketError on 'on' and on 'off'", async (t) => {
  const port = await serverOf(t, () => {})
  for (const secureTransport of ['on', 'off']) {
    const socket = connect(local(port), { secureTransport })
    t.throws(() => socket.startTls(), { instanceOf: SocketError, message: /^SocketError: startTls\(\)/ })
    await socket.close()
    t.throws(() => socket.startTls(), { instanceOf: SocketError })
  }
})

test('F-WIN-21: startTls() throws a SocketError the second time, and on a closed socket', async (t) => {
  const port = await upgradingServerOf(t, echo)
  const socket = trusting().connect(local(port), { secureTransport: 'starttls' })
  await ask(t, socket)
  const secure = socket.startTls()
  t.throws(() => socket.startTls(), { instanceOf: SocketError, message: /called before/ })
  t.throws(() => secure.startTls(), { instanceOf: SocketError, message: /secure already/ })
  await secure.close()
  const another = trusting().connect(local(port), { secureTransport: 'starttls' })
  await another.close()
  t.throws(() => another.startTls(), { instanceOf: SocketError, message: /closed/ })
})

test('F-WIN-22: startTls() after a conversation in plaintext', async (t) => {
  const port = await upgradingServerOf(t, echo)
  const socket = trusting().connect(local(port), { secureTransport: 'starttls' })
  t.is(socket.secureTransport, 'starttls')
  await ask(t, socket)
  const secure = socket.startTls()
  t.is(secure.secureTransport, 'on')
  t.false(socket.upgraded)
  const { remoteAddress } = await secure.opened
  t.is(remoteAddress, `127.0.0.1:${port}`)
  await roundTrip(t, secure, 'a request over TLS')
  t.true(socket.upgraded)
  await secure.close()
})

test('F-WIN-23: what is written before the handshake goes out over TLS', async (t) => {
  const port = await upgradingServerOf(t, echo)
  const socket = trusting().connect(local(port), { secureTransport: 'starttls' })
  await ask(t, socket)
  const secure = socket.startTls()
  let isOpen = false
  secure.opened.then(() => (isOpen = true))
  const reader = secure.readable.getReader()
  const read = reader.read()
  const writer = secure.writable.getWriter()
  const first = writer.write('early ')
  const second = writer.write('send')
  t.false(isOpen)
  await first
  t.true(isOpen)
  await second
  const { value } = await read
  t.is(String(Buffer.concat([value, await take(reader, 'early send'.length - value.length)])), 'early send')
  await secure.close()
})

test('what is written in plaintext and not waited for goes out before TLS', async (t) => {
  const port = await upgradingServerOf(t, echo)
  const socket = trusting().connect(local(port), { secureTransport: 'starttls' })
  const reader = socket.readable.getReader()
  const writer = socket.writable.getWriter()
  writer.write('HELLO_BACK')
  await take(reader, 'HELLOSTART_TLS'.length)
  const writes = [writer.write('G'), writer.write('O')]
  // Locks are no obstacle.
  const pending = reader.read()
  const secure = socket.startTls()
  await roundTrip(t, secure, 'over TLS')
  await Promise.all(writes)
  t.true((await reasonOf(pending)) instanceof TypeError)
  await secure.close()
})

test('F-WIN-24: startTls() right after connect(), with a server that speaks TLS at once', async (t) => {
  const port = await upgradingServerOf(t, echo, { speakFirst: null })
  const socket = trusting().connect(local(port), { secureTransport: 'starttls' })
  const secure = socket.startTls()
  await roundTrip(t, secure, 'over TLS')
  await socket.opened
  await socket.closed
  await secure.close()
})

test('F-WIN-25: after startTls() the old streams fail, and the old closed fulfils', async (t) => {
  const port = await upgradingServerOf(t, echo)
  const socket = trusting().connect(local(port), { secureTransport: 'starttls' })
  await ask(t, socket)
  const secure = socket.startTls()
  await secure.opened
  await t.throwsAsync(socket.readable.getReader().read(), { instanceOf: TypeError })
  await t.throwsAsync(socket.writable.getWriter().write('x'), { instanceOf: TypeError })
  t.true(socket.upgraded)
  t.is(await socket.closed, undefined)
  t.is(socket.close(), socket.closed)
  await roundTrip(t, secure, 'still there')
  await secure.close()
})

test("F-WIN-26: the new writer's ready comes before the old closed", async (t) => {
  const port = await upgradingServerOf(t, echo)
  const socket = trusting().connect(local(port), { secureTransport: 'starttls' })
  await ask(t, socket)
  const order = []
  const began = performance.now()
  const closed = socket.closed.then(() => order.push('closed'))
  const secure = socket.startTls()
  secure.writable.getWriter().ready.then(() => order.push('ready'))
  await closed
  t.deepEqual(order, ['ready', 'closed'])
  t.true(performance.now() - began < 1000)
  await secure.close()
})

test('F-WIN-27: a certificate that is not trusted fails the new socket, with the reason', async (t) => {
  const port = await upgradingServerOf(t, echo)
  const socket = connect(local(port), { secureTransport: 'starttls' })
  await ask(t, socket)
  const secure = socket.startTls()
  const written = secure.writable.getWriter().write('secret')
  const reason = await reasonOf(secure.opened)
  t.true(reason instanceof SocketError)
  t.is(reason.cause.name, 'SecurityUntrustedCertificateIssuerError')
  t.is(await reasonOf(secure.closed), reason)
  t.is(await reasonOf(written), reason)
  t.is(await reasonOf(secure.readable.getReader().read()), reason)
  t.is(await socket.closed, undefined)
})

test('F-WIN-28: a certificate of another host is refused, unless that name is expected', async (t) => {
  const { cert, key } = makePki()
  const port = await secureServerOf(t, echo, { cert, key })
  const options = { secureTransport: 'on' }
  const wrong = trusting().connect(local(port), { ...options, sni: 'other.example' })
  t.is((await reasonOf(wrong.opened)).cause.name, 'SecurityCertificateDomainMismatchError')
  const elsewhere = trusting().connect({ hostname: '127.0.0.2', port }, options)
  await reasonOf(elsewhere.opened)
  const right = trusting().connect({ hostname: '127.0.0.1', port }, { ...options, sni: 'localhost' })
  await right.opened
  await right.close()

  const plain = await upgradingServerOf(t, echo, { speakFirst: null })
  for (const [names, accepted] of [
    [{ expectedServerHostname: 'other.example' }, false],
    [{ servername: 'other.example' }, false],
    [{ expectedServerHostname: 'localhost' }, true],
    [{ servername: 'localhost' }, true],
  ]) {
    const socket = trusting().connect({ hostname: '127.0.0.1', port: plain }, { secureTransport: 'starttls' })
    const secure = socket.startTls(names)
    if (accepted) await roundTrip(t, secure, 'hi')
    else t.is((await reasonOf(secure.opened)).cause.name, 'SecurityCertificateDomainMismatchError')
    await secure.close().catch(() => {})
  }
})

test('F-WIN-29: plaintext that comes after startTls() is a SocketError, and nothing is delivered', async (t) => {
  const port = await serverOf(t, (peer) => peer.write('ready'))
  const injected = await serverOf(t, (peer) => peer.write('readyINJECTED'))
  for (const [where, options] of [
    [port, { early: true }],
    [injected, {}],
  ]) {
    const socket = trusting().connect(local(where), { secureTransport: 'starttls' })
    await socket.opened
    if (!options.early) {
      const reader = socket.readable.getReader({ mode: 'byob' })
      const { value } = await reader.read(new Uint8Array(5))
      t.is(String(Buffer.from(value)), 'ready')
      reader.releaseLock()
    } else {
      await new Promise((done) => setTimeout(done, 50))
    }
    const secure = socket.startTls()
    const read = secure.readable.getReader().read()
    const reason = await reasonOf(secure.opened)
    t.true(reason instanceof SocketError)
    t.is(reason.cause.name, 'SecurityError')
    t.regex(reason.message, /plaintext/)
    t.is(await reasonOf(read), reason)
  }
})

test('a client certificate is presented', async (t) => {
  const { ca, cert, key } = makePki()
  let peer
  const port = await secureServerOf(t, (socket) => (peer = socket), {
    requestCert: true,
    ca,
    rejectUnauthorized: false,
  })
  const socket = trusting({ cert, key }).connect(local(port), { secureTransport: 'on' })
  await socket.opened
  if (!peer) await new Promise(setImmediate)
  t.is(peer.getPeerCertificate().subject.CN, 'localhost')
  await socket.close()
})

test('close() during the handshake abandons it, and both closed fulfil', async (t) => {
  const port = await serverOf(t, (peer) => peer.resume())
  const socket = trusting().connect(local(port), { secureTransport: 'starttls' })
  await socket.opened
  const secure = socket.startTls()
  await socket.closed
  const closed = secure.close('enough')
  t.is(await reasonOf(secure.opened), 'enough')
  t.is(await closed, undefined)
})

test('a connection that is refused fails the sockets before and after startTls()', async (t) => {
  const socket = connect('127.0.0.1:1', { secureTransport: 'starttls' })
  const secure = socket.startTls()
  const written = secure.writable.getWriter().write('x')
  const reason = await reasonOf(secure.opened)
  t.is(reason.cause.code, 'ECONNREFUSED')
  for (const promise of [socket.opened, socket.closed, secure.closed, written]) {
    t.is((await reasonOf(promise)).cause.code, 'ECONNREFUSED')
  }
})

test('a peer that ends TCP and not TLS fails reading', async (t) => {
  const { cert, key } = makePki()
  const port = await serverOf(t, async (raw) => {
    const socket = new tls.TLSSocket(raw, { isServer: true, cert, key })
    socket.on('error', () => {})
    socket.write('partial')
    await once(socket, 'data')
    // FIN, without a close_notify.
    raw.destroy()
  })
  const socket = trusting().connect(local(port), { secureTransport: 'on' })
  const reader = socket.readable.getReader()
  t.is(String(await take(reader, 7)), 'partial')
  await socket.writable.getWriter().write('x')
  const reason = await reasonOf(reader.read())
  t.true(reason instanceof SocketError)
  t.true((await reasonOf(socket.closed)) instanceof SocketError)
})
