'use strict'

// REL-58: which hosts and ports are taken, and as what. Forms that some resolvers take for an address and others for a
// name are refused: they are how filters are got around.

const net = require('node:net')

const fc = require('fast-check')
const test = require('ava')

const { toHost } = require('../../lib/convert.js')
const { TCPServerSocket, TCPSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')

const REFUSED = [
  '',
  ' ',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0X7F000001',
  '0x7f.1',
  '0177.0.0.1',
  '127.0.0.01',
  '127.0.0.1.',
  '127.0.0.256',
  '127.0.0.1.1',
  '+127.0.0.1',
  '0',
  '0x',
  '1.2.3.4.5',
  'evil.test.1',
  '127.0.0.1\0.evil.test',
  'localhost\0',
  '\0',
  ' 127.0.0.1',
  '127.0.0.1 ',
  'local host',
  'localhost\n',
  '\tlocalhost',
  'localhost\r\nHELO evil',
  'localhost\x7f',
  '[::1]',
  '[::1',
  '[127.0.0.1]',
  '127.0.0.1\u00a0',
  '１２７.０.０.１',
  '127。1',
  '127.0.0.1\u200b',
  'a／b.test',
  'a℀b.test',
  '\ud800.test',
  ':::',
  '::g',
  '::1:',
  '.',
  'a..test',
  '.example.org',
  'http://example.org',
  'example.org:80',
  'user@example.org',
  'example.org/mail',
  'x'.repeat(300),
  `${'x.'.repeat(127)}x`,
]

/** For a title, in which control characters and unusual spaces would not show. */
function show(host) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return `"${host.slice(0, 40).replaceAll(/[^\x21-\x7e]/g, escape)}" (${host.length})`
}

for (const host of REFUSED) {
  test(`REL-58: the host ${show(host)} throws a TypeError`, (t) => {
    for (const open of [
      () => new TCPSocket(host, 80),
      () => TCPSocket.open(host, 80),
      () => mozTCPSocket.open(host, 80),
      () => new TCPSocket({ toString: () => host }, 80),
    ]) {
      t.throws(open, { instanceOf: TypeError, message: /^host / })
    }
  })
}

test('REL-58: a host that is no string is converted as WebIDL does', (t) => {
  for (const host of [0, 127.1, 2130706433])
    t.throws(() => new TCPSocket(host, 80), { instanceOf: TypeError })
  t.throws(() => new TCPSocket(Symbol('localhost'), 80), {
    instanceOf: TypeError,
    message: 'host Symbol(localhost): must be a string',
  })
  let conversions = 0
  const counting = {
    toString() {
      conversions++
      return '127.1'
    },
  }
  t.throws(() => new TCPSocket(counting, 80), { instanceOf: TypeError })
  t.is(conversions, 1, 'once, so that it cannot be checked as one thing and used as another')
  const error = new Error('mine')
  const thrower = {
    toString() {
      throw error
    },
  }
  t.is(
    t.throws(() => new TCPSocket(thrower, 80)),
    error,
  )
})

test('REL-58: names that cannot exist end in DomainNotFoundError', async (t) => {
  const own = scope(t)
  for (const host of [`${'x'.repeat(69)}.invalid`, '-.invalid', '127.0.0.1%lo']) {
    const [, events] = own.open(host, 80)
    t.deepEqual(await events.closed(), ['error', 'close'], host)
    t.is((await events.event('error')).name, 'DomainNotFoundError', host)
  }
})

test('REL-58: addresses and localhost are connected to, in all their spellings', async (t) => {
  const own = scope(t)
  const { port } = own.listen({ localAddress: '::' })
  for (const host of [
    '127.0.0.1',
    '127.0.0.2',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'localhost',
    'LOCALHOST',
  ]) {
    const [socket, events] = own.open(host, port)
    t.is(socket.host, host)
    await events.when(() => (events.types.length > 0 ? true : undefined))
    t.deepEqual(events.types, ['open'], host)
  }
})

/** [what is passed, RangeError or TypeError for `open`, and for `listen`; undefined is fine]. Decision Q-32. */
const PORTS = [
  [0, RangeError, undefined],
  ['0', RangeError, undefined],
  [-0, RangeError, undefined],
  [-1, RangeError, undefined],
  ['-1', RangeError, undefined],
  [-2, RangeError, RangeError],
  [65_536, RangeError, RangeError],
  ['65536', RangeError, RangeError],
  [70_000, RangeError, RangeError],
  [2 ** 32 + 80, RangeError, RangeError],
  [1e300, RangeError, RangeError],
  [NaN, TypeError, TypeError],
  [Infinity, TypeError, TypeError],
  [1.5, TypeError, TypeError],
  ['1.5', TypeError, TypeError],
  ['', TypeError, TypeError],
  ['http', TypeError, TypeError],
  ['0x50', TypeError, TypeError],
  ['1e3', TypeError, TypeError],
  ['80 81', TypeError, TypeError],
  [undefined, TypeError, TypeError],
  [null, TypeError, TypeError],
  [true, TypeError, TypeError],
  [80n, TypeError, TypeError],
  [{}, TypeError, TypeError],
  [[80], TypeError, TypeError],
  [Symbol('80'), TypeError, TypeError],
]

for (const [port, open, listen] of PORTS) {
  const text = Object.is(port, -0) ? '-0' : String(port)
  const shown = typeof port === 'string' ? JSON.stringify(port) : `${typeof port} ${text}`
  test(`REL-58: the port ${shown}: ${open.name} to open, ${listen?.name ?? 'any free port'} to listen`, (t) => {
    t.throws(() => new TCPSocket('127.0.0.1', port), { instanceOf: open, message: /^port / })
    if (listen === undefined) {
      const server = new TCPServerSocket(port)
      t.true(server.localPort > 0)
      server.close()
    } else {
      t.throws(() => new TCPServerSocket(port), { instanceOf: listen, message: /^port / })
    }
  })
}

test('REL-58: a port may be a string of digits', async (t) => {
  const own = scope(t)
  const { port } = own.listen()
  for (const text of [`${port}`, ` ${port} `, `+${port}`, `00${port}`]) {
    const [socket, events] = own.open('127.0.0.1', text)
    t.is(socket.port, port)
    await events.event('open')
  }
})

const anyHost = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.domain(),
  fc.ipV4(),
  fc.ipV4Extended(),
  fc.ipV6(),
  fc.stringMatching(/^[\d.x%:[\]a-f\u3002\uff10-\uff19]{1,20}$/),
)

test('REL-58: whatever the host is, it is a TypeError or something plain that stays what it is', (t) => {
  fc.assert(
    fc.property(anyHost, (host) => {
      let taken
      try {
        taken = toHost(host)
      } catch (error) {
        return error instanceof TypeError
      }
      const isPlain = /^[\x21-\x7e]{1,254}$/.test(taken)
      const staysTheSame = toHost(taken) === taken
      // An address is one only if it was written as one.
      const isHonest = net.isIP(taken) === net.isIP(host)
      return isPlain && staysTheSame && isHonest
    }),
    { numRuns: 5000 },
  )
  t.pass()
})
