'use strict'

// Chat, remote control and KaiOS clients: string sockets and UTF-8 by hand, what they make of send()'s boolean, and
// suspend() and resume() inside handlers. Each test names the application.

const test = require('ava')

const { arrayBuffer, mozTCPSocket, receive, scope } = require('../helpers/sockets.js')

/** A string socket, as open(host, port) makes it, and its peer. */
const stringSocket = (t) => scope(t).toNode(undefined)

test('strings are byte strings: each character from 0 to 255 is one byte, both ways', async (t) => {
  const { socket, events, peer } = await scope(t).toNode({})
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))
  t.true(socket.send(all))
  t.deepEqual(
    [...(await receive(peer, 256))],
    [...all].map((char) => char.charCodeAt(0)),
  )
  let got = ''
  socket.ondata = ({ data }) => (got += data)
  peer.write(Buffer.from(all, 'latin1'))
  await events.data(256)
  t.is(got, all)
})

test('fxos-irc, FoxyMPD: UTF-8 by escape and unescape goes through unharmed', async (t) => {
  const { socket, events, peer } = await scope(t).toNode({})
  const text = 'PRIVMSG #ünïcode :Grüße, 世界 🚀\r\n'
  socket.send(unescape(encodeURIComponent(text)))
  const bytes = Buffer.byteLength(text)
  t.is(String(await receive(peer, bytes)), text)
  let got = ''
  socket.ondata = ({ data }) => (got += data)
  peer.write(text)
  await events.data(bytes)
  t.is(decodeURIComponent(escape(got)), text)
})

test('unencoded text is refused before anything is sent, and the socket goes on', async (t) => {
  const { socket, peer } = await scope(t).toNode({})
  t.throws(() => socket.send('price: 5 €'), { instanceOf: TypeError, message: /U\+20AC at 9/ })
  t.is(socket.bufferedAmount, 0)
  socket.send('price: 5 EUR')
  t.is(String(await receive(peer, 12)), 'price: 5 EUR')
})

test('irc.js: send() is exactly true for small data, so its "not sent, send again" never runs', async (t) => {
  const { socket, peer } = await stringSocket(t)
  const queue = Array.from({ length: 100 }, (_, i) => `PRIVMSG #test :line ${i}\r\n`)
  const expected = queue.join('')
  let again = 0
  while (queue.length > 0) {
    if (socket.send(queue[0]) === true) queue.shift()
    else again++
  }
  t.is(again, 0)
  t.is(String(await receive(peer, expected.length)), expected)
})

test('solid-telekram: data is taken in full although send() says false; a resend is a second copy', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  const part = Buffer.alloc(100_000, 'a')
  const view = new Uint8Array(part.buffer, part.byteOffset, part.length)
  t.false(socket.send(view.buffer, view.byteOffset, view.byteLength))
  await events.event('drain')
  t.false(socket.send(view.buffer, view.byteOffset, view.byteLength))
  socket.close()
  t.is((await receive(peer)).length, 200_000)
})

test('relay chat: evt.data sent again as it came, in both kinds of socket', async (t) => {
  for (const binaryType of ['string', 'arraybuffer']) {
    const { socket, peer } = await scope(t).toNode({ binaryType })
    socket.ondata = (evt) => socket.send(evt.data)
    const bytes = Buffer.from([0, 1, 128, 255, 0])
    peer.write(bytes)
    t.deepEqual([...(await receive(peer, 5))], [...bytes])
  }
})

test('Commander, SocketSerial, Mocha: typeof evt.data tells the kind of socket', async (t) => {
  for (const [binaryType, type] of [
    [undefined, 'string'],
    ['string', 'string'],
    ['arraybuffer', 'object'],
  ]) {
    const { socket, events, peer } = await scope(t).toNode({ binaryType, useSecureTransport: false })
    peer.write('x')
    const event = await events.event('data')
    t.is(event.type, 'data')
    t.is(typeof event.data, type)
    t.is(socket.binaryType, type === 'string' ? 'string' : 'arraybuffer')
  }
})

test('Mocha: many send(u8.buffer) in a row, and the buffer used again for each', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const u8 = new Uint8Array(10)
  for (let i = 0; i < 5000; i++) {
    u8.fill(i)
    socket.send(u8.buffer)
  }
  const bytes = await receive(peer, 50_000)
  t.true(bytes.every((byte, at) => byte === (Math.floor(at / 10) & 255)))
})

test('pluotsorbet, DevTools: send(array.buffer, byteOffset, length) sends that part only', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const array = new Int8Array(arrayBuffer([9, 1, 2, 3, 9]), 1, 3)
  t.true(socket.send(array.buffer, array.byteOffset, array.byteLength))
  t.true(socket.send(array.buffer, 0, 0))
  socket.send(array.buffer, 4, 1)
  t.deepEqual([...(await receive(peer, 4))], [1, 2, 3, 9])
})

test('porters to Node: a Buffer is its own bytes, not the pool it lies in', async (t) => {
  const { socket, peer } = await scope(t).toNode()
  const buffer = Buffer.from('small')
  socket.send(buffer)
  socket.close()
  t.is(String(await receive(peer)), 'small')
})

test('DICT client: suspend() in ondata, resume() from a timer, and nothing is lost', async (t) => {
  const { socket, events, peer } = await scope(t).toNode()
  let suspended = false
  let pieces = 0
  socket.ondata = () => {
    t.false(suspended, 'nothing may come while it is suspended')
    pieces++
    suspended = true
    socket.suspend()
    setTimeout(() => {
      suspended = false
      socket.resume()
    }, 1)
  }
  const bytes = Buffer.alloc(2_000_000, 'dictionary')
  peer.end(bytes)
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.true((await events.data(0)).equals(bytes))
  t.true(pieces > 1)
})

test('SRCP client: suspend() and resume() inside one ondata', async (t) => {
  const { socket, events, peer } = await scope(t).toNode({})
  socket.ondata = () => {
    socket.suspend()
    socket.send('busy\n')
    socket.resume()
  }
  peer.write('INFO\n')
  t.is(String(await receive(peer, 5)), 'busy\n')
  peer.write('INFO\n')
  t.is(String(await receive(peer, 5)), 'busy\n')
  t.is(events.bytes, 10)
})

test('terminal, message client: readyState is open in onopen, and connecting before', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const socket = mozTCPSocket.open('127.0.0.1', server.port)
  own.watch(socket)
  t.is(socket.readyState, 'connecting')
  t.throws(() => socket.send('too early'), { message: 'Socket not open.' })
  const state = await new Promise((resolve) => (socket.onopen = () => resolve(socket.readyState)))
  t.is(state, 'open')
})
