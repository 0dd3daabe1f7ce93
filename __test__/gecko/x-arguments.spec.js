'use strict'

// Appendix X: what is refused at once. X-14, and the forms that are accepted.

const test = require('ava')

const { TCPServerSocket, TCPSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')

const openers = {
  'new TCPSocket': (port, options) => new TCPSocket('127.0.0.1', port, options),
  'mozTCPSocket.open': (port, options) => mozTCPSocket.open('127.0.0.1', port, options),
}
const listeners = {
  'new TCPServerSocket': (...args) => new TCPServerSocket(...args),
  'mozTCPSocket.listen': (...args) => mozTCPSocket.listen(...args),
}

// Decision Q-32: WebIDL took these modulo 65536, so that a mistake reached some other port.
for (const [name, open] of Object.entries(openers)) {
  for (const port of [0, -1, 65536, 70000, '65536']) {
    test(`X-14 ${name}: port ${JSON.stringify(port)} is a RangeError that names it, not another port`, (t) => {
      t.throws(() => open(port), { instanceOf: RangeError, message: new RegExp(`${port}`) })
    })
  }

  for (const port of [undefined, null, {}, Number.NaN, 80.9, 'http', '', true]) {
    test(`X-14 ${name}: port ${String(port) || 'the empty string'} is a TypeError`, (t) => {
      t.throws(() => open(port), { instanceOf: TypeError, message: /port/ })
    })
  }

  test(`X-14 ${name}: a port may be a string of digits`, async (t) => {
    const own = scope(t)
    const server = await own.netServer()
    const socket = open(String(server.port))
    const events = own.watch(socket)
    t.is(socket.port, server.port)
    await events.event('open')
    t.is((await server.connection()).remoteAddress, '127.0.0.1')
  })

  test(`X-14 ${name}: a binaryType that is neither of the two is a TypeError`, (t) => {
    for (const binaryType of ['blob', 'ArrayBuffer', '', 5, null]) {
      t.throws(() => open(80, { binaryType }), { instanceOf: TypeError, message: /binaryType/ })
    }
  })

  test(`X-14 ${name}: options that are no object are a TypeError`, (t) => {
    t.throws(() => open(80, 'arraybuffer'), { instanceOf: TypeError, message: /options/ })
  })

  test(`X-14 ${name}: binaryType is "string" unless chosen`, async (t) => {
    const own = scope(t)
    const { port } = await own.netServer()
    for (const options of [undefined, null, {}, { binaryType: undefined }, { binaryType: 'string' }]) {
      const socket = open(port, options)
      own.watch(socket)
      t.is(socket.binaryType, 'string')
    }
    const binary = open(port, { binaryType: 'arraybuffer' })
    own.watch(binary)
    t.is(binary.binaryType, 'arraybuffer')
  })
}

for (const [name, listen] of Object.entries(listeners)) {
  test(`X-14 ${name}: a port out of range is a RangeError, one that is no number a TypeError`, (t) => {
    for (const port of [-2, 65536, 70000]) t.throws(() => listen(port), { instanceOf: RangeError })
    for (const port of [undefined, null, {}, 80.9, 'http'])
      t.throws(() => listen(port), { instanceOf: TypeError })
  })

  test(`X-14 ${name}: a binaryType that is neither of the two is a TypeError, before anything listens`, (t) => {
    // Listening there would fail, with another error.
    const { port } = scope(t).listen()
    t.throws(() => listen(port, { binaryType: 'blob' }), { instanceOf: TypeError, message: /binaryType/ })
    t.throws(() => listen(port, { binaryType: 'string' }), { code: 'EADDRINUSE' })
  })
}

test('X-14 the constructors need new, and their arguments', (t) => {
  t.throws(() => TCPSocket('127.0.0.1', 80), { instanceOf: TypeError })
  t.throws(() => TCPServerSocket(0), { instanceOf: TypeError })
  t.throws(() => new TCPSocket(), { instanceOf: TypeError })
  t.throws(() => new TCPSocket('127.0.0.1'), { instanceOf: TypeError })
  t.throws(() => new TCPServerSocket(), { instanceOf: TypeError })
})
