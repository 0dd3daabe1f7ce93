'use strict'

// Options of TCP that are called something else, that other socket APIs have and this one has not, or whose value makes no
// sense: each throws at once, and its name is in the message. What nobody means by it is ignored, as in Firefox OS.

const test = require('ava')

const { TCPServerSocket, TCPSocket, mozTCPSocket, scope } = require('../helpers/sockets.js')

const client = (options, host = '127.0.0.1') => new TCPSocket(host, 1, options)
const first = (options) => mozTCPSocket.open('127.0.0.1', 1, options)
const listener = (options) => new TCPServerSocket(0, options)
const firstListener = (options) => mozTCPSocket.listen(0, options)

function throws(t, makers, name, value, expected) {
  for (const make of makers) t.throws(() => make({ [name]: value }), expected, `${name}`)
}

const ANY = ['x', 1, true, () => {}, {}]

/** Refused whatever the value, but for those that ask for nothing. */
const REFUSED = {
  client: {
    allowHalfOpen: [true, 1],
    autoSelectFamily: [false],
    autoSelectFamilyAttemptTimeout: [100],
    backlog: [5],
    blockList: [{}],
    dnsQueryType: ['ipv4'],
    receiveBufferSize: [65536],
    sendBufferSize: [65536],
    family: [4, 6, 'IPv6'],
    fd: [3, 0],
    hints: [32],
    ipv6Only: [true],
    lookup: ANY,
    onread: [{}],
    path: ['/run/socket'],
    reusePort: [true],
  },
  listener: {
    allowHalfOpen: [true],
    backlog: [5, 0],
    blockList: [{}],
    connectTimeout: [5000],
    connectionTimeout: [5000],
    family: [4, 6],
    lookup: ANY,
    maxConnections: [10],
    reuseAddr: [false],
    exclusive: [true],
    fd: [3],
    localPort: [8080],
    path: ['/run/socket'],
    pauseOnConnect: [true],
    port: [8080],
    readableAll: [true],
    writableAll: [true],
  },
}

for (const [side, makers] of [
  ['client', [client, first]],
  ['listener', [listener, firstListener]],
]) {
  for (const [name, values] of Object.entries(REFUSED[side])) {
    test(`${name} of a ${side} throws a TypeError that names it`, (t) => {
      const expected = { instanceOf: TypeError, message: new RegExp(`^${name}: .*(supported|option)`) }
      for (const value of values) throws(t, makers, name, value, expected)
    })
  }
}

test('a name that is refused is found where only a getter, a Proxy or a prototype has it', (t) => {
  const hidden = [
    { __proto__: { family: 4 } },
    Object.defineProperty({}, 'family', { get: () => 4, enumerable: false }),
    new Proxy({}, { get: (_, name) => (name === 'family' ? 4 : undefined) }),
  ]
  for (const options of hidden) {
    t.throws(() => client(options), { instanceOf: TypeError, message: /^family: / })
  }
})

test('what a refused option has by default asks for nothing', async (t) => {
  const own = scope(t)
  const server = own.listen({
    allowHalfOpen: false,
    exclusive: false,
    pauseOnConnect: false,
    readableAll: false,
    writableAll: undefined,
    backlog: undefined,
    path: null,
    connectTimeout: null,
  })
  const [, events] = own.open('127.0.0.1', server.port, {
    allowHalfOpen: false,
    autoSelectFamily: true,
    family: 0,
    hints: 0,
    ipv6Only: false,
    reusePort: false,
    lookup: undefined,
    path: null,
  })
  await events.event('open')
  t.pass()
})

/** By the option that is meant. */
const OTHER_NAMES = {
  client: {
    localAddress: [
      'localaddress',
      'LocalAddress',
      'bind',
      'bindAddress',
      'interface',
      'localAddr',
      'sourceAddress',
      'local_address',
      'outgoing_addr',
    ],
    localPort: ['localport', 'bindPort', 'sourcePort', 'local_port'],
    connectTimeout: ['connecttimeout', 'connectionTimeout', 'connect_timeout'],
    timeout: ['Timeout', 'socketTimeout', 'idleTimeout'],
    keepAlive: ['keepalive', 'KeepAlive'],
    keepAliveDelay: ['keepAliveInitialDelay', 'keepalivedelay'],
    noDelay: ['nodelay', 'tcpNoDelay'],
    signal: ['abortSignal', 'Signal'],
  },
  listener: {
    localAddress: ['host', 'address', 'bind', 'interface', 'localaddress', 'localAddr'],
    ipv6Only: ['ipv6only', 'IPv6Only'],
    reusePort: ['reuseport'],
    timeout: ['socketTimeout', 'idleTimeout'],
    keepAlive: ['keepalive'],
    keepAliveDelay: ['keepAliveInitialDelay'],
    noDelay: ['nodelay'],
    signal: ['abortSignal'],
  },
}

for (const [side, makers] of [
  ['client', [client, first]],
  ['listener', [listener, firstListener]],
]) {
  for (const [meant, names] of Object.entries(OTHER_NAMES[side])) {
    test(`another name for ${meant} of a ${side} throws a TypeError that tells the right one`, (t) => {
      for (const name of names) {
        const message = `${name}: this option is called ${meant}`
        throws(t, makers, name, 'x', { instanceOf: TypeError, message })
      }
    })
  }
}

/** Spelled otherwise: what is between words, case and the unit do not matter. */
const SPELLINGS = [
  ['keep_alive', 'keepAlive', 'both'],
  ['no_delay', 'noDelay', 'both'],
  ['no-delay', 'noDelay', 'both'],
  ['idle_timeout', 'timeout', 'both'],
  ['timeoutMs', 'timeout', 'both'],
  ['timeout_ms', 'timeout', 'both'],
  ['connectTimeoutMs', 'connectTimeout', 'client'],
  ['session_from', 'sessionFrom', 'client'],
  ['source', 'localAddress', 'client'],
  ['ipv6_only', 'ipv6Only', 'listener'],
  ['reuse_port', 'reusePort', 'listener'],
]

for (const [name, meant, side] of SPELLINGS) {
  test(`${name} throws a TypeError that tells that it is called ${meant}`, (t) => {
    const makers = { client: [client], listener: [listener], both: [client, listener] }[side]
    throws(t, makers, name, 'x', {
      instanceOf: TypeError,
      message: `${name}: this option is called ${meant}`,
    })
  })
}

test('a refused option is refused however it is spelled, and ordinary unknown names are ignored', (t) => {
  const refused = { instanceOf: TypeError, message: /^reuse_port: this option is called reusePort$/ }
  t.throws(() => client({ reuse_port: true }), refused)
  for (const name of ['items', 'ms', '_timeout', '_host', 'params', 'retry-count', 'timeoutSeconds', '']) {
    t.notThrows(() => client({ [name]: 5 }).close(), name)
    t.notThrows(() => listener({ localAddress: '127.0.0.1', [name]: 5 }).close(), name)
  }
})

const integer = { instanceOf: TypeError, message: /: must be an integer, or a string of one$/ }
const boolean = { instanceOf: TypeError, message: /: must be true or false$/ }
const address = { instanceOf: TypeError, message: /: must be an IP address, such as "127.0.0.1" or "::"$/ }
const signal = { instanceOf: TypeError, message: /: must be an AbortSignal$/ }
const range = (limits) => ({ instanceOf: RangeError, message: new RegExp(`: must be from ${limits}`) })
const time = range('0 to 2147483647 milliseconds')
const delay = range('0 to 32767000 milliseconds')

const NO_INTEGERS = ['', 'soon', '1.5', 1.5, NaN, Infinity, true, {}, [], 5n]
const NO_BOOLEANS = ['true', '', 0, 1, {}]
const NO_ADDRESSES = ['', 'localhost', '127.1', '127.0.0.1:80', '[::1]', 'fe80::1%lo', '1.2.3', 'lo', null, 5]
const NO_SIGNALS = ['abort', 1, true, {}, new EventTarget(), new AbortController(), { aborted: true }]

const BAD_VALUES = [
  ['timeout', NO_INTEGERS, integer, 'both'],
  ['timeout', [-1, 0x80000000, '-5'], time, 'both'],
  ['connectTimeout', NO_INTEGERS, integer, 'client'],
  ['connectTimeout', [-1, 0x80000000], time, 'client'],
  ['keepAliveDelay', NO_INTEGERS, integer, 'both'],
  ['keepAliveDelay', [-1, 32_767_001], delay, 'both'],
  ['keepAlive', NO_BOOLEANS, boolean, 'both'],
  ['noDelay', NO_BOOLEANS, boolean, 'both'],
  ['ipv6Only', NO_BOOLEANS, boolean, 'listener'],
  ['reusePort', NO_BOOLEANS, boolean, 'listener'],
  ['localAddress', NO_ADDRESSES, address, 'both'],
  ['localPort', NO_INTEGERS, integer, 'client'],
  ['localPort', [-2, 65536, '70000'], range('1 to 65535, or 0 or -1'), 'client'],
  ['signal', NO_SIGNALS, signal, 'both'],
]

for (const [name, values, { instanceOf, message }, side] of BAD_VALUES) {
  const why = message.source.replace(/^: /, '').replaceAll('\\', '')
  test(`a value of ${name} that is not as it ${why} throws, and is shown`, (t) => {
    const expected = { instanceOf, message: new RegExp(`^${name} .*${message.source}`) }
    const makers = { client: [client], listener: [listener], both: [client, listener] }[side]
    for (const value of values) throws(t, makers, name, value, expected)
  })
}

test('symbols throw as well', (t) => {
  for (const name of ['localAddress', 'localPort', 'timeout', 'keepAlive', 'signal']) {
    throws(t, [client], name, Symbol('s'), { instanceOf: TypeError, message: new RegExp(`^${name} Symbol`) })
  }
})

test('options that contradict each other, or the host, throw a TypeError that says so', (t) => {
  const listens = (options, message) => t.throws(() => listener(options), { instanceOf: TypeError, message })
  listens({ ipv6Only: true }, 'ipv6Only: needs an IPv6 localAddress, such as "::"')
  listens({ ipv6Only: true, localAddress: '127.0.0.1' }, /^ipv6Only: needs/)
  const alone = 'keepAliveDelay: has no effect without keepAlive: true'
  listens({ keepAliveDelay: 1000 }, alone)
  for (const options of [{ keepAliveDelay: 1000 }, { keepAliveDelay: 1, keepAlive: false }]) {
    t.throws(() => client(options), { instanceOf: TypeError, message: alone })
  }
  for (const [localAddress, host, version] of [
    ['::1', '127.0.0.1', 4],
    ['127.0.0.1', '::1', 6],
    ['0.0.0.0', 'fe80::1%lo', 6],
  ]) {
    t.throws(() => client({ localAddress }, host), {
      instanceOf: TypeError,
      message: `localAddress "${localAddress}": must be an IPv${version} address, as the host is`,
    })
  }
})

test('null and undefined are as if absent, and so is a delay of 0 without keepAlive', async (t) => {
  const own = scope(t)
  for (const value of [null, undefined]) {
    const names = ['timeout', 'keepAlive', 'keepAliveDelay', 'noDelay', 'signal']
    const options = Object.fromEntries(names.map((name) => [name, value]))
    const { port } = own.listen({ ...options, ipv6Only: value, reusePort: value })
    const [, events] = own.open('127.0.0.1', port, { ...options, localPort: value, connectTimeout: value })
    await events.event('open')
  }
  const { port } = own.listen({ keepAliveDelay: 0 })
  await own.open('127.0.0.1', port, { keepAlive: false, keepAliveDelay: '0' })[1].event('open')
  t.pass()
})

test('each option is read once, so that a getter cannot change its mind after the check', async (t) => {
  const own = scope(t)
  const { port } = own.listen()
  const reads = {}
  const values = {
    localAddress: '127.0.0.9',
    localPort: 0,
    timeout: 60_000,
    noDelay: true,
    signal: undefined,
  }
  const options = {}
  for (const [name, value] of Object.entries(values)) {
    reads[name] = 0
    Object.defineProperty(options, name, { enumerable: true, get: () => (reads[name]++, value) })
  }
  const [, events] = own.open('127.0.0.1', port, options)
  await events.event('open')
  for (const [name, count] of Object.entries(reads)) t.is(count, 1, name)
})

test('upgradeToSecure takes the options again that the socket or its listener was made with', async (t) => {
  const own = scope(t)
  const { client: socket, accepted } = await own.pair({ binaryType: 'arraybuffer', timeout: 60_000 })
  t.throws(() => accepted.upgradeToSecure({ noDelay: true, reusePort: true }), { message: /^cert: / })
  t.throws(() => accepted.upgradeToSecure({ connectTimeout: 1 }), { message: /^connectTimeout: there is no/ })
  t.throws(() => socket.upgradeToSecure({ ipv6Only: true }), { message: /^ipv6Only: there is no/ })
  t.notThrows(() => socket.upgradeToSecure({ timeout: 60_000, localAddress: '127.0.0.9', keepAlive: true }))
})

test('all other names are ignored, as in Firefox OS', async (t) => {
  const own = scope(t)
  const others = { host: 'x', port: 1, retries: 5, highWaterMark: 1, name: 'me', localFile: 'x' }
  const { host: _host, port: _port, ...ofListener } = others
  const { port } = own.listen(ofListener)
  const [, events] = own.open('127.0.0.1', port, others)
  await events.event('open')
  t.pass()
})
