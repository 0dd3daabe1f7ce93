'use strict'

// How applications of all generations read an error event: name and message on the event or in its data, the data as
// an Error or as a string, and prefixes of names (users.md section 5, items 5 and 6).

const test = require('ava')

const { TCPSocket, closedPort, mozTCPSocket, scope } = require('../helpers/sockets.js')
const { TELLS_REASONS, tlsServer, toldName, trusting } = require('../helpers/tls-peers.js')

/** The error events of a refused connection, a reset one, and one with a bad certificate. */
async function errors(t) {
  const own = scope(t)
  const [, refused] = own.open('127.0.0.1', await closedPort(), { binaryType: 'arraybuffer' })
  const { events: reset, peer } = await own.toNode()
  peer.resetAndDestroy()
  const server = await tlsServer(own, 'selfSigned')
  const [, untrusted] = own.open('localhost', server.port, trusting())
  return Promise.all([refused, reset, untrusted].map((events) => events.event('error')))
}

const NAMES = ['ConnectionRefusedError', 'NetworkError', toldName('SecurityUntrustedCertificateIssuerError')]

test('second generation: event.name, event.message as a class, event.errorCode', async (t) => {
  const events = await errors(t)
  t.deepEqual(
    events.map(({ type, name, message }) => [type, name, message]),
    [
      ['error', NAMES[0], 'Network'],
      ['error', NAMES[1], 'Network'],
      ['error', NAMES[2], TELLS_REASONS ? 'SecurityCertificate' : 'SecurityProtocol'],
    ],
  )
  t.deepEqual(
    events.map(({ errorCode }) => errorCode),
    [0x804b000d, 0x804b0014, TELLS_REASONS ? 0x805a1ff3 : 0x805a1fff],
  )
})

test('first generation, pluotsorbet, ptp.js: event.data.name', async (t) => {
  const events = await errors(t)
  t.deepEqual(
    events.map(({ data }) => data.name),
    NAMES,
  )
})

test('gelam errorutils: ^Security is bad security, ^ConnectionRefused an unresponsive server', async (t) => {
  const classify = (evt) => {
    const { data } = evt
    const name = data && typeof data === 'object' ? data.name : data
    const [, prefix] = /^(Security|ConnectionRefused)/.exec(name) ?? []
    if (prefix === 'Security') return 'bad-security'
    return prefix === 'ConnectionRefused' ? 'unresponsive-server' : 'unknown'
  }
  const events = await errors(t)
  t.deepEqual(events.map(classify), ['unresponsive-server', 'unknown', 'bad-security'])
})

test('browserbox, smtpclient: evt.data instanceof Error, with a message that says what failed', async (t) => {
  for (const { data } of await errors(t)) {
    t.true(data instanceof Error)
    t.is(Object.prototype.toString.call(data), '[object Error]')
    t.regex(data.message, /(127\.0\.0\.1|localhost) port \d+/)
  }
})

test('solid-telekram: new Error(e.data) reads well; so does String(evt.data)', async (t) => {
  const events = await errors(t)
  for (const [i, { data }] of events.entries()) {
    t.is(String(data), `${NAMES[i]}: ${data.message}`)
    t.is(new Error(data).message, String(data))
  }
})

test('gelam pop3: JSON.stringify of the event and of its data does not throw', async (t) => {
  for (const event of await errors(t)) {
    t.is(typeof JSON.stringify(event), 'string')
    t.is(typeof JSON.stringify(event.data), 'string')
    t.is(typeof JSON.stringify((event && event.data) || event), 'string')
  }
})

test('emailjs: evt.data.code is the system error, as in Node', async (t) => {
  const [refused, reset, untrusted] = await errors(t)
  t.is(refused.data.code, 'ECONNREFUSED')
  t.is(reset.data.code, 'ECONNRESET')
  t.is(untrusted.data.code, undefined)
})

test('kaios.dev article: addEventListener("error") with an invalid certificate', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'selfSigned')
  const socket = mozTCPSocket.open('localhost', server.port, { useSecureTransport: true })
  own.watch(socket)
  const event = await new Promise((resolve) => socket.addEventListener('error', resolve))
  t.is(event.type, 'error')
  t.regex(event.name, /^Security/)
  t.is(event.message, TELLS_REASONS ? 'SecurityCertificate' : 'SecurityProtocol')
})

test('every failure ends with close, also a refused connection, a reset and a failed handshake', async (t) => {
  const own = scope(t)
  const server = await tlsServer(own, 'expired')
  const attempts = [
    () => new TCPSocket('127.0.0.1', port),
    () => new TCPSocket('localhost', server.port, trusting()),
    () => new TCPSocket('no-such-name.invalid', 80),
  ]
  const port = await closedPort()
  for (const attempt of attempts) {
    const socket = attempt()
    const seen = []
    const states = []
    await new Promise((resolve) => {
      for (const type of ['open', 'data', 'error', 'close']) {
        socket[`on${type}`] = () => {
          seen.push(type)
          states.push(socket.readyState)
          if (type === 'close') resolve()
        }
      }
    })
    t.deepEqual(seen, ['error', 'close'])
    t.deepEqual(states, ['closed', 'closed'])
  }
})

test('ptp.js: a state of connecting or closed in onerror, and its own clean-up there, do no harm', async (t) => {
  const port = await closedPort()
  const socket = mozTCPSocket.open('127.0.0.1', port)
  let cleanUps = 0
  const onClose = () => {
    cleanUps++
    socket.close()
  }
  await new Promise((resolve) => {
    socket.onerror = (event) => {
      t.is(typeof event.data === 'string' ? event.data : event.data.name, 'ConnectionRefusedError')
      if (socket.readyState.match(/connecting|closed/)) onClose()
    }
    socket.onclose = () => resolve(onClose())
  })
  t.is(cleanUps, 2)
})
