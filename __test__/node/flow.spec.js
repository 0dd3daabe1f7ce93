'use strict'

// What Node's own tests say of bytes that go back and forth, said of our sockets: every byte arrives once, in order, whoever
// sends it, whatever it is, however much at a time (REL-101 … REL-108, REL-147 … REL-149).

const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { setImmediate: nextTurn, setTimeout: pause } = require('node:timers/promises')
const v8 = require('node:v8')
const vm = require('node:vm')

const test = require('ava')

const { LOOPBACKS, SIDES, after, meetNode, netClient } = require('../helpers/both-sides.js')
const { arrayBuffer, receive, scope } = require('../helpers/sockets.js')

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

const ROUNDS = 1001

for (const host of LOOPBACKS) {
  for (const side of SIDES) {
    test(`REL-101: ${ROUNDS} questions get one answer each, at ${host} (we are the ${side})`, async (t) => {
      const { socket, events, peer } = await meetNode(scope(t), side, { host })
      const [question, answer] = ['PING', 'PONG!']
      let asked = ''
      peer.on('data', (bytes) => {
        asked += bytes
        for (; asked.startsWith(question); asked = asked.slice(question.length)) peer.write(answer)
      })
      let most = 0
      for (let round = 0; round < ROUNDS; round++) {
        t.true(socket.send(question))
        most = Math.max(most, socket.bufferedAmount)
        const heard = String(await events.data(answer.length))
        if (heard !== answer) t.is(heard, answer)
        events.forgetData()
      }
      t.is(most, question.length)
      t.is(asked, '')
      t.deepEqual([socket.bytesWritten, socket.bytesRead], [ROUNDS * 4, ROUNDS * 5])
      let failure
      peer.on('error', (error) => (failure = error))
      socket.close()
      await once(peer, 'end')
      t.deepEqual(await events.closed(), after(side, 'close'))
      t.is(failure, undefined)
      t.is(events.bytes, 0, 'nothing but answers')
    })
  }
}

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte)

for (const side of SIDES) {
  for (const binaryType of ['string', 'arraybuffer']) {
    test(`REL-102: each byte from 0 to 255 stays what it is, both ways, in ${binaryType} mode (we are the ${side})`, async (t) => {
      const { socket, events, peer } = await meetNode(scope(t), side, { options: { binaryType } })
      const text = String.fromCharCode(...EVERY_BYTE)
      // Once as a whole, and once each for itself, in both forms that can be sent.
      socket.send(text)
      for (const byte of EVERY_BYTE) socket.send(Uint8Array.of(byte).buffer)
      socket.send(EVERY_BYTE.buffer)
      for (const character of text) socket.send(character)
      t.true((await receive(peer, 4 * 256)).equals(Buffer.concat(Array(4).fill(EVERY_BYTE))))
      peer.write(EVERY_BYTE)
      for (const byte of EVERY_BYTE) peer.write(Uint8Array.of(byte))
      const all = await events.data(2 * 256)
      t.true(all.equals(Buffer.concat([EVERY_BYTE, EVERY_BYTE])))
      const kinds = events.events.filter(({ type }) => type === 'data').map(({ data }) => data)
      if (binaryType === 'string') t.is(kinds.join(''), text + text, 'one character for each byte')
      else t.true(kinds.every((data) => data instanceof ArrayBuffer))
    })
  }

  test(`REL-103: 120 kB of text beyond Latin arrive as their UTF-8, and are refused as they are (we are the ${side})`, async (t) => {
    const { socket, events, peer } = await meetNode(scope(t), side, { options: { binaryType: 'string' } })
    const text = 'Größe ζήτα число 数字 📏 '.repeat(4300)
    const encoded = new TextEncoder().encode(text)
    t.true(encoded.length > 120_000 && text.length < encoded.length)
    // Where Node would encode, a byte string has no byte for these characters.
    t.throws(() => socket.send(text), { instanceOf: TypeError })
    t.deepEqual([socket.bufferedAmount, socket.bytesWritten, socket.readyState], [0, 0, 'open'])
    t.false(socket.send(encoded.buffer))
    t.is(socket.bufferedAmount, encoded.length)
    const received = await receive(peer, encoded.length)
    t.is(received.length, encoded.length)
    t.is(String(received), text)
    peer.write(text)
    const back = await events.data(encoded.length)
    t.is(String(back), text)
    t.is(socket.bytesRead, encoded.length)
  })

  test(`REL-104: ten megabytes in one send, as bytes, as text and mixed, have one drain each (we are the ${side})`, async (t) => {
    const { socket, events, peer } = await meetNode(scope(t), side)
    const size = 10_000_000
    const bytes = randomBytes(size)
    const text = bytes.toString('latin1')
    const [small, smallText] = [bytes.subarray(0, 1000), text.slice(1000, 2000)]
    const stories = [
      [[bytes], bytes],
      [[text], bytes],
      [[small, text, smallText, bytes], Buffer.concat([small, bytes, bytes.subarray(1000, 2000), bytes])],
    ]
    let written = 0
    for (const [index, [pieces, expected]] of stories.entries()) {
      const drained = events.when(
        () => events.types.filter((type) => type === 'drain').length > index || undefined,
      )
      let answer
      for (const piece of pieces) answer = socket.send(piece)
      t.false(answer)
      t.is(socket.bufferedAmount, expected.length)
      t.is(sha256(await receive(peer, expected.length)), sha256(expected))
      await drained
      t.is(socket.bufferedAmount, 0)
      t.is(socket.bytesWritten, (written += expected.length))
    }
    t.is(peer.bytesRead, written)
    socket.close()
    t.deepEqual(await events.closed(), after(side, 'drain', 'drain', 'drain', 'close'))
  })
}

test('REL-105: what is sent before open throws, and is neither lost silently nor sent later', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port)
  for (const data of ['too early', arrayBuffer([1, 2, 3]), '']) {
    t.throws(() => socket.send(data), { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' })
  }
  t.deepEqual([socket.readyState, socket.bufferedAmount, socket.bytesWritten], ['connecting', 0, 0])
  await events.event('open')
  socket.send('in time')
  socket.close()
  t.is(String(await receive(await server.connection())), 'in time')
  t.deepEqual(await events.closed(), ['open', 'close'])
})

test('REL-106: what is sent in the turn of open and later arrives in the order of the calls', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port)
  socket.onopen = () => {
    socket.send('handler ')
    process.nextTick(() => socket.send('tick '))
    queueMicrotask(() => socket.send('microtask '))
    socket.send('handler-too ')
  }
  socket.addEventListener('open', () => socket.send('listener '))
  await events.event('open')
  await nextTurn()
  socket.send('turn ')
  const peer = await server.connection()
  peer.write('?')
  await events.data(1)
  socket.send('answer')
  socket.close()
  const all = String(await receive(peer))
  const words = all.split(' ')
  t.deepEqual(words.toSorted(), ['answer', 'handler', 'handler-too', 'listener', 'microtask', 'tick', 'turn'])
  t.deepEqual(words.slice(0, 3), ['handler', 'handler-too', 'listener'])
  t.deepEqual(words.slice(5), ['turn', 'answer'])
})

for (const side of SIDES) {
  test(`REL-107: two more sends after the one that answered false, and a reader that stops five times (we send as the ${side})`, async (t) => {
    const own = scope(t)
    const pair = await own.pair()
    const [sender, senderEvents, reader, readerEvents] =
      side === 'client'
        ? [pair.client, pair.clientEvents, pair.accepted, pair.acceptedEvents]
        : [pair.accepted, pair.acceptedEvents, pair.client, pair.clientEvents]
    const piece = randomBytes(30_000)
    const hash = createHash('sha256')
    let total = 0
    const send = () => {
      hash.update(piece)
      total += piece.length
      return sender.send(piece)
    }
    for (let stop = 1; stop <= 5; stop++) {
      reader.suspend()
      const before = readerEvents.bytes
      const drained = senderEvents.when(
        () => senderEvents.types.filter((type) => type === 'drain').length >= stop || undefined,
      )
      while (send());
      t.false(send())
      t.false(send())
      await own.letTimeGo()
      t.is(readerEvents.bytes, before, 'nothing comes while suspended')
      reader.resume()
      await readerEvents.data(total)
      await drained
    }
    sender.close()
    await readerEvents.closed()
    t.is(readerEvents.bytes, total)
    t.is(sha256(Buffer.concat(readerEvents.chunks)), hash.digest('hex'))
  })

  test(`REL-108: two megabytes that were sent at once reach a reader that stops 20 ms after every piece (we are the ${side})`, async (t) => {
    const { socket, events, peer } = await meetNode(scope(t), side)
    const pieces = Array.from({ length: 10 }, () => randomBytes(200_000))
    let stops = 0
    socket.ondata = async () => {
      stops++
      socket.suspend()
      await pause(20)
      socket.resume()
    }
    for (const piece of pieces) peer.write(piece)
    peer.end()
    t.deepEqual(await events.closed(), after(side, 'close'))
    t.is(events.bytes, 2_000_000)
    t.true(stops > 1 && stops === events.chunks.length)
    t.is(sha256(Buffer.concat(events.chunks)), sha256(Buffer.concat(pieces)))
  })

  test(`REL-147: what is sent in a loop with collections of garbage in between arrives as it was (we are the ${side})`, async (t) => {
    const { socket, events, peer } = await meetNode(scope(t), side)
    const hash = createHash('sha256')
    const ROUNDS_OF_SENDS = 60
    let total = 0
    const received = receive(peer)
    for (let round = 0; round < ROUNDS_OF_SENDS; round++) {
      // Nobody refers to these but the call; half of them are overwritten right after it.
      let bytes = randomBytes(16_000 + round)
      hash.update(bytes)
      total += bytes.length
      socket.send(bytes)
      if (round % 2) bytes.fill(0)
      bytes = undefined
      collect()
      if (round % 3 === 0) await nextTurn()
    }
    socket.close()
    t.deepEqual(
      (await events.closed()).filter((type) => type !== 'drain'),
      after(side, 'close'),
    )
    const all = await received
    t.is(all.length, total)
    t.is(sha256(all), hash.digest('hex'))
  })
}

/** What Node refuses; here only a socket of bytes does, since Firefox OS made text of everything else. */
const NO_BYTES = [1337, null, undefined, true, {}, [1, 2], () => {}, 5n]

for (const side of SIDES) {
  test(`REL-148: what is neither text nor bytes is refused in arraybuffer mode, and becomes text in string mode (we are the ${side})`, async (t) => {
    const own = scope(t)
    const bytes = await meetNode(own, side)
    for (const value of NO_BYTES)
      t.throws(() => bytes.socket.send(value), { instanceOf: TypeError }, String(value))
    t.throws(() => bytes.socket.send(), { instanceOf: TypeError })
    t.is(bytes.socket.bytesWritten, 0)

    const text = await meetNode(own, side, { options: { binaryType: 'string' } })
    t.throws(() => text.socket.send(), { instanceOf: TypeError })
    t.throws(() => text.socket.send(Symbol('none')), { instanceOf: TypeError })
    for (const value of NO_BYTES) t.true(text.socket.send(value))
    text.socket.send(' and on')

    // Whatever was refused, the socket goes on.
    bytes.socket.send('and on')
    for (const { socket, events, peer, expected } of [
      { ...bytes, expected: 'and on' },
      { ...text, expected: `${NO_BYTES.map(String).join('')} and on` },
    ]) {
      socket.close()
      t.is(String(await receive(peer)), expected)
      t.deepEqual(await events.closed(), after(side, 'close'))
    }
  })
}

const [CLIENTS, TIMES, BODY] = [50, 3, 40_000]

test(`REL-149: ${CLIENTS} clients of ours connect ${TIMES} times each, and get ${BODY} bytes every time`, async (t) => {
  const own = scope(t)
  const body = randomBytes(BODY)
  const server = await own.netServer({}, (peer) => peer.end(body))
  const come = async () => {
    for (let time = 0; time < TIMES; time++) {
      const [, events] = own.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
      t.deepEqual(await events.closed(), ['open', 'close'])
      if (!Buffer.concat(events.chunks).equals(body)) t.fail(`${events.bytes} bytes`)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, come))
})

test(`REL-149: ${CLIENTS} clients of node connect ${TIMES} times each to our server, and get ${BODY} bytes every time`, async (t) => {
  const own = scope(t)
  const body = randomBytes(BODY)
  const { server, port } = own.listen({ binaryType: 'arraybuffer' })
  const all = []
  server.onconnect = ({ socket }) => {
    all.push(own.watch(socket))
    socket.send(body)
    socket.close()
  }
  const come = async () => {
    for (let time = 0; time < TIMES; time++) {
      const received = await receive(netClient(own, port))
      if (!received.equals(body)) t.fail(`${received.length} bytes`)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, come))
  t.is(all.length, CLIENTS * TIMES)
  for (const events of all) t.deepEqual(await events.closed(), ['close'])
})
