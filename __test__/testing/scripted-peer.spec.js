'use strict'

// The scripted peer of moz-tcp-socket/testing: what it does for a client that keeps to the script, and what it says of one
// that does not.

const { inspect } = require('node:util')

const test = require('ava')

const { TCPSocket } = require('../../index.js')
const { scriptedPeer } = require('../../testing.js')

/**
 * A peer that is closed when the test ends, also when that fails. Its deadline is for machines that have much else to do, unless
 * the test is about that.
 */
async function peerOf(t, options) {
  const peer = await scriptedPeer({ deadline: 60_000, ...options })
  t.teardown(() => peer.close())
  return peer
}

/** A client whose events are kept: `text` is what came, `closed` resolves with `{ error, text }`. */
function clientOf(t, { port, ca }, options = {}) {
  const socket = new TCPSocket('127.0.0.1', port, { ca, ...options })
  t.teardown(() => socket.closeImmediately())
  const client = { socket, text: '', error: null, waiting: [] }
  socket.ondata = ({ data }) => {
    client.text += data
    for (const look of client.waiting) look()
  }
  socket.onerror = (event) => (client.error = event.name)
  client.closed = new Promise((resolve) => {
    socket.onclose = () => {
      resolve({ error: client.error, text: client.text })
      for (const look of client.waiting) look()
    }
  })
  /** Resolves when `text` ends so. */
  client.says = (end) =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (client.text.endsWith(end)) resolve()
        else if (socket.readyState === 'closed') reject(new Error(`closed, after ${inspect(client.text)}`))
      }
      client.waiting.push(look)
      look()
    })
  client.open = new Promise((resolve) => (socket.onopen = resolve))
  return client
}

const rejection = async (t, promise) => t.throwsAsync(promise, { name: 'ScriptedPeerError' })

test('a client that keeps to the script, through STARTTLS, with lines that come in pieces', async (t) => {
  const peer = await peerOf(t)
  peer
    .reply('220 hi\r\n')
    .expect('EHLO x\r\n')
    .reply('250 STARTTLS\r\n')
    .expect('STARTTLS\r\n')
    .reply('220 go\r\n')
    .starttls()
    .expect(/^(\w+) NOOP$/)
    .reply(([, tag]) => `${tag} OK\r\n`)
    .expect('QUIT\r\n')
    .end()
  const client = clientOf(t, peer)
  await client.says('220 hi\r\n')
  client.socket.send('EH')
  client.socket.send('LO x\r\n')
  await client.says('250 STARTTLS\r\n')
  client.socket.send('STARTTLS\r\n')
  await client.says('220 go\r\n')
  client.socket.upgradeToSecure()
  client.socket.send('a1 NOOP\r\nQU')
  await client.says('a1 OK\r\n')
  client.socket.send('IT\r\n')
  await peer.done
  t.is((await client.closed).error, null)
  t.deepEqual(
    peer.transcript.lines.filter((line) => !line.includes('the client ended') && !line.endsWith('closed')),
    [
      '-- a client connected',
      'S: 220 hi␍␊',
      'C: EHLO x␍␊',
      'S: 250 STARTTLS␍␊',
      'C: STARTTLS␍␊',
      'S: 220 go␍␊',
      '-- TLSv1.3',
      'C: a1 NOOP␍␊',
      'C: QU',
      'S: a1 OK␍␊',
      'C: IT␍␊',
      '-- the peer ended',
    ],
  )
})

test('TLS from the first byte, verified with peer.ca, by name and by address', async (t) => {
  for (const host of ['127.0.0.1', 'localhost']) {
    const peer = await peerOf(t, { tls: true })
    peer.reply('hi').end()
    const socket = new TCPSocket(host, peer.port, { useSecureTransport: true, ca: peer.ca })
    t.teardown(() => socket.closeImmediately())
    const events = []
    await new Promise((resolve) => {
      socket.onopen = () => events.push(socket.tls.peerCertificate.subject)
      socket.ondata = ({ data }) => events.push(data)
      socket.onerror = ({ name }) => events.push(name)
      socket.onclose = resolve
    })
    t.deepEqual(events, ['CN=localhost', 'hi'])
    await peer.done
  }
})

test('a client that does not trust the certificate is a deviation', async (t) => {
  const peer = await peerOf(t, { tls: true })
  peer.expect('hello')
  const client = clientOf(t, peer, { useSecureTransport: true, ca: undefined })
  const { error } = await client.closed
  t.regex(error, /^Security/)
  const { message } = await rejection(t, peer.done)
  t.regex(message, /^scripted peer: connection 1.*TLS handshake|connection 1, step 1/)
})

test('what differs is shown beside what was expected, with the whole transcript', async (t) => {
  const peer = await peerOf(t)
  peer.reply('220 hi\r\n').expect('EHLO x\r\n').reply('250 never\r\n')
  const client = clientOf(t, peer)
  await client.says('220 hi\r\n')
  client.socket.send('HELO x\r\n')
  const error = await rejection(t, peer.done)
  t.is(error.code, 'ERR_SCRIPT_DEVIATION')
  t.is(
    error.message.replace('  -- the client ended\n', ''),
    `scripted peer: connection 1, step 2 of 3, expect 'EHLO x\\r\\n': not what was expected
  expected:
    EHLO x␍␊
  received:
    HELO x␍␊

  -- a client connected
  S: 220 hi␍␊
  C: HELO x␍␊
`,
  )
  const { text } = await client.closed
  t.is(text, '220 hi\r\n', 'nothing was replied to it')
  await rejection(t, peer.done)
})

test('bytes are shown in hexadecimal', async (t) => {
  const peer = await peerOf(t)
  peer.expect(Uint8Array.of(0, 1, 2, 3, 0xff))
  const client = clientOf(t, peer, { binaryType: 'arraybuffer' })
  await client.open
  client.socket.send(Uint8Array.of(0, 1, 0x41, 3))
  const { message } = await rejection(t, peer.done)
  t.regex(message, /expected:\n +00 01 02 03 ff +\.\.\.\.\.\n/)
  t.regex(message, /received:\n +00 01 41 03 +\.\.A\.\n/)
  t.regex(message, /C: 00 01 41 03 +\.\.A\.\n/)
})

test('a line that does not match its pattern, and a pattern with /g that is used twice', async (t) => {
  const peer = await peerOf(t)
  const pattern = /^NOOP/g
  peer
    .expect(pattern)
    .expect(pattern)
    .expect(/^QUIT$/)
  const client = clientOf(t, peer)
  await client.open
  client.socket.send('NOOP\r\nNOOP\r\nQUIT now\r\n')
  const { message } = await rejection(t, peer.done)
  t.regex(message, /step 3 of 3, expect \/\^QUIT\$\/: not what was expected/)
  t.regex(message, /expected:\n +a line that matches \/\^QUIT\$\/\n +received:\n +QUIT now␍␊\n/)
})

test('a client that ends too early, and one that is silent', async (t) => {
  const early = await peerOf(t)
  early.expect('LOGIN\r\n')
  const client = clientOf(t, early)
  await client.open
  client.socket.send('LOG')
  client.socket.close()
  t.regex((await rejection(t, early.done)).message, /received:\n +LOG\n +\(the client ended\)\n/)

  const silent = await peerOf(t, { deadline: 50 })
  silent.expect('LOGIN\r\n')
  await clientOf(t, silent).open
  t.regex((await rejection(t, silent.done)).message, /expected within 50 ms\n.*received:\n +\(nothing\)\n/s)
})

test('megabytes can be expected, and what differs in them is found', async (t) => {
  const peer = await peerOf(t)
  const warnings = []
  const onWarning = (warning) => warnings.push(warning.message)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const long = Buffer.alloc(16 << 20, 'moz-tcp-socket\n')
  peer.expect(long).reply('thanks').expect(long)
  const client = clientOf(t, peer, { binaryType: 'arraybuffer' })
  await client.open
  client.socket.send(long)
  await client.says('[object ArrayBuffer]')
  const other = Buffer.from(long)
  other[long.length - 1] ^= 1
  client.socket.send(other)
  const { message } = await rejection(t, peer.done)
  t.regex(message, /step 3 of 3, expect 'moz-tcp-socket.* more characters: not what was expected/)
  t.true(message.length < 100_000, `${message.length} characters`)
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(warnings, [], 'no listeners are left on signals')
})

test('a function of reply() that throws fails the test with its own message', async (t) => {
  const peer = await peerOf(t)
  peer.reply(() => {
    throw new RangeError('mine')
  })
  await clientOf(t, peer).closed
  t.regex((await rejection(t, peer.done)).message, /step 1 of 1, reply: mine\n/)
})

test('a client that never comes, and one more than the script has', async (t) => {
  const lonely = await peerOf(t, { deadline: 50 })
  lonely.expect('x')
  const { message } = await rejection(t, lonely.done)
  t.is(message, 'scripted peer: connection 1: no client came within 50 ms\n\n  (nobody has said anything)\n')

  const peer = await peerOf(t)
  peer.reply('hi').end()
  await clientOf(t, peer).closed
  await peer.done
  await clientOf(t, peer).closed
  t.regex((await rejection(t, peer.done)).message, /connection 2: the script has none of that number/)
})

test('what comes after the last step is a deviation', async (t) => {
  const peer = await peerOf(t)
  peer.expect('a')
  const client = clientOf(t, peer)
  await client.open
  client.socket.send('ab')
  t.regex(
    (await rejection(t, peer.done)).message,
    /after its last step: .*expected:\n +\(nothing more\)\n.*b\n/s,
  )
})

test('steps that are added while the client waits run at once', async (t) => {
  const peer = await peerOf(t)
  const client = clientOf(t, peer)
  await client.open
  peer.reply('one')
  await client.says('one')
  await peer.done
  client.socket.send('two')
  await peer.expect('two').done
  client.socket.close()
  await peer.expectEnd().done
  t.pass()
})

test('each of several connections has its own script', async (t) => {
  const peer = await peerOf(t)
  peer.reply('first').end()
  peer.connection(2).expect('x').reply('second').end()
  t.is((await clientOf(t, peer).closed).text, 'first')
  const client = clientOf(t, peer)
  await client.open
  client.socket.send('x')
  t.is((await client.closed).text, 'second')
  await peer.done
  t.is(peer.connections, 2)
  t.true(peer.transcript.lines.includes('#1 S: first'))
  t.true(peer.transcript.lines.includes('#2 S: second'))
})

test('reset() is a reset for the client, and end() is none', async (t) => {
  const resetting = await peerOf(t)
  resetting.reply('hi').expect('go').reset()
  const client = clientOf(t, resetting)
  await client.says('hi')
  client.socket.send('go')
  t.deepEqual(await client.closed, { error: 'NetworkError', text: 'hi' })
  await resetting.done

  const ending = await peerOf(t)
  ending.reply('hi').end()
  t.deepEqual(await clientOf(t, ending).closed, { error: null, text: 'hi' })
})

for (const tls of [false, true]) {
  test(`cut() ends the connection in the middle of a reply${tls ? ', in TLS' : ''}`, async (t) => {
    const peer = await peerOf(t, { tls })
    peer.reply('whole ').cut({ after: 4 }).reply('half ').reply('never').expect('not asked for')
    const { error, text } = await clientOf(t, peer, { useSecureTransport: tls }).closed
    t.is(text, 'whole half')
    // Without an end of TLS it is a truncation.
    t.is(error, tls ? 'NetworkInterruptError' : null)
    await peer.done
    t.true(peer.transcript.lines.includes('-- cut by the peer'))
  })
}

test('cut() with a reset', async (t) => {
  const peer = await peerOf(t)
  peer.reply('ab').expect('go').cut({ after: 0, reset: true })
  const client = clientOf(t, peer)
  await client.says('ab')
  client.socket.send('go')
  t.is((await client.closed).error, 'NetworkError')
  await peer.done
})

test('slow() sends in pieces, at its pace, and slow(null) ends that', async (t) => {
  const peer = await peerOf(t)
  peer
    .slow({ bytesPerSecond: 1000, chunk: 10 })
    .reply('x'.repeat(100))
    .slow(null)
    .reply('y'.repeat(100_000))
    .end()
  const before = performance.now()
  const client = clientOf(t, peer)
  await client.says('y')
  // 10 pieces, each of which takes 10 ms; a timer may be a millisecond early.
  t.true(performance.now() - before >= 89, `${performance.now() - before} ms`)
  t.is((await client.closed).text.length, 100_100)
})

test('stall() reads and sends nothing until release()', async (t) => {
  const peer = await peerOf(t)
  peer.reply('a').expect('go').stall().reply('b').end()
  const client = clientOf(t, peer)
  await client.says('a')
  client.socket.send('go')
  // More than the buffers of the operating system hold: it cannot be written while nobody reads.
  client.socket.send('z'.repeat(16 << 20))
  let isDone = false
  const done = peer.done.then(() => (isDone = true))
  // Where something else fails first.
  done.catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 60))
  t.false(isDone)
  t.is(client.text, 'a')
  t.true(client.socket.bufferedAmount > 0)
  peer.release()
  await client.says('b')
  client.socket.closeImmediately()
  await done
})

test('stall(ms) goes on by itself, and release() may come before stall()', async (t) => {
  const peer = await peerOf(t)
  peer.stall(40).reply('a').release().stall().reply('b').end()
  const before = performance.now()
  const { text } = await clientOf(t, peer).closed
  t.is(text, 'ab')
  t.true(performance.now() - before >= 39)
  await peer.done
})

test('close() ends everything in the middle of any step, also twice', async (t) => {
  const steps = {
    expect: (peer) => peer.expect('x'),
    starttls: (peer) => peer.starttls(),
    stall: (peer) => peer.stall(),
    slow: (peer) => peer.slow({ bytesPerSecond: 1, chunk: 1 }).reply('long'),
    'reply to one who does not read': (peer) => peer.reply('z'.repeat(32 << 20)),
  }
  for (const [name, script] of Object.entries(steps)) {
    const peer = await peerOf(t)
    script(peer)
    const client = clientOf(t, peer)
    await client.open
    client.socket.suspend()
    const { done } = peer
    const rejected = t.throwsAsync(done, { message: /was closed before the script was done/ }, name)
    await Promise.all([peer.close(), peer.close()])
    await rejected
    t.is((await clientOf(t, peer).closed).error, 'ConnectionRefusedError')
    client.socket.closeImmediately()
    await client.closed
  }
})

test('await using closes it', async (t) => {
  const peer = await peerOf(t)
  if (Symbol.asyncDispose) await peer[Symbol.asyncDispose]()
  else await peer.close()
  t.is((await clientOf(t, peer).closed).error, 'ConnectionRefusedError')
})

test('a transcript prints as its lines, wherever it is printed', async (t) => {
  const peer = await peerOf(t)
  peer.reply('tab\tand\nlines').end()
  await clientOf(t, peer).closed
  const { transcript } = peer
  const text = transcript.lines.join('\n')
  t.regex(text, /S: tab␉and␊\nS: lines\n/)
  t.is(String(transcript), text)
  t.is(inspect(transcript), text)
  t.deepEqual(JSON.parse(JSON.stringify(transcript)), transcript.lines)
})

test('a long turn is shown from both ends', async (t) => {
  const peer = await peerOf(t)
  peer
    .reply(`${'line\r\n'.repeat(1000)}last\r\n`)
    .reply(Buffer.alloc(1 << 20))
    .end()
  await clientOf(t, peer).closed
  const { lines } = peer.transcript
  t.true(lines.length < 100, String(lines.length))
  t.true(lines.some((line) => /more lines/.test(line)))
  t.true(lines.some((line) => /\d+ more bytes/.test(line)))
})

test('what cannot be a script throws where it is written', async (t) => {
  const peer = await peerOf(t)
  t.throws(() => peer.reply(5), { instanceOf: TypeError, message: /^reply 5: must be a string/ })
  t.throws(() => peer.reply('€'), {
    message: /^reply '€': characters of a byte string are U\+0000 to U\+00FF/,
  })
  t.throws(() => peer.expect(''), { instanceOf: RangeError })
  t.throws(() => peer.stall(-1), { message: 'stall -1: must be a whole number from 0 to 2147483647' })
  t.throws(() => peer.cut({ afterBytes: 1 }), {
    message: /^cut: unknown option afterBytes; there are after, reset/,
  })
  t.throws(() => peer.slow({ bytesPerSecond: 0 }), { message: /^slow: bytesPerSecond 0: must be/ })
  t.throws(() => peer.connection(0), { instanceOf: RangeError })
  await t.throwsAsync(scriptedPeer({ port: 25 }), { message: /^scriptedPeer: unknown option port/ })
  await t.throwsAsync(scriptedPeer({ deadline: 'soon' }), { message: /^scriptedPeer: deadline 'soon'/ })
})
