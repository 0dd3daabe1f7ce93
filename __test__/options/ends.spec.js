'use strict'

// The two ends of a connection: which of its own a client connects from, what either side tells of both, and how many bytes
// went between them.

const { once } = require('node:events')
const { join } = require('node:path')
const net = require('node:net')

const test = require('ava')

const { openSockets } = require('../fixtures/reliability/kernel.js')
const { withDns, whyNoDns } = require('../helpers/dns/dns.js')
const { hasIPv6, testOn, testWhere } = require('../helpers/needs.js')
const { run } = require('../helpers/peers.js')
const { closedPort, freePort, mozTCPSocket, scope } = require('../helpers/sockets.js')
const { trusting } = require('../helpers/tls-peers.js')
const { listenSecurely } = require('../helpers/tls-servers.js')

// 127.0.0.9 is an address of other machines elsewhere.
const onLinux = testOn(test, process.platform === 'linux', 'Linux')
const test6 = testOn(test, hasIPv6, 'an IPv6 loopback address')
const inNamespace = testWhere(test, whyNoDns() === '', whyNoDns())

const LOCAL = ['localAddress', 'localPort']
const REMOTE = ['remoteAddress', 'remotePort']

/** What `socket` tells of its ends. */
function ends(socket) {
  return [...LOCAL, ...REMOTE].map((name) => socket[name])
}

for (const [what, host] of [
  ['an address', '127.0.0.1'],
  ['a name', 'localhost'],
]) {
  onLinux(`a client with a localAddress connects to ${what} from there`, async (t) => {
    const own = scope(t)
    const server = await own.netServer()
    const [socket, events] = own.open(host, server.port, { localAddress: '127.0.0.9' })
    const [peer] = await Promise.all([server.connection(), events.event('open')])
    t.is(peer.remoteAddress, '127.0.0.9')
    t.is(peer.remotePort, socket.localPort)
    t.deepEqual(ends(socket), ['127.0.0.9', peer.remotePort, '127.0.0.1', server.port])
    t.is(socket.host, host)
  })

  test(`a client with a localPort connects to ${what} from that one`, async (t) => {
    const own = scope(t)
    const server = await own.netServer()
    for (let attempt = 1; ; attempt++) {
      const localPort = await freePort()
      const [socket, events] = own.open(host, server.port, { localPort: String(localPort) })
      const [type] = await Promise.race([events.event('open'), events.event('error')]).then(
        () => events.types,
      )
      // Somebody else may have taken it meanwhile.
      if (type === 'error' && attempt < 5) continue
      t.is(type, 'open')
      t.is(socket.localPort, localPort)
      t.is((await server.connection()).remotePort, localPort)
      return
    }
  })
}

onLinux('TLS from the first byte comes from a localAddress too', async (t) => {
  const own = scope(t)
  const listening = listenSecurely(own)
  const options = trusting({ localAddress: '127.0.0.9' })
  const [socket, events] = own.open('localhost', listening.port, options)
  const [[accepted]] = await Promise.all([listening.accepted(), events.event('open')])
  t.is(accepted.remoteAddress, '127.0.0.9')
  t.deepEqual(ends(accepted), [socket.remoteAddress, socket.remotePort, '127.0.0.9', socket.localPort])
})

test('a localPort that somebody listens on: NetworkError with EADDRINUSE, then close', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  for (const host of ['127.0.0.1', 'localhost']) {
    const [, events] = own.open(host, server.port, { localPort: server.port, localAddress: '127.0.0.1' })
    const { name, data } = await events.event('error')
    t.is(name, 'NetworkError')
    t.is(data.code, 'EADDRINUSE')
    const where = `connect to ${host} port ${server.port} \\(127.0.0.1\\): bind to 127.0.0.1 port ${server.port}: `
    t.regex(data.message, new RegExp(`^${where}`))
    t.deepEqual(await events.closed(), ['error', 'close'])
  }
})

test.serial(
  'a localAddress that is none of this machine: NetworkError with EADDRNOTAVAIL, then close',
  async (t) => {
    const own = scope(t)
    const server = await own.netServer()
    const before = openSockets()
    for (const host of ['127.0.0.1', 'localhost']) {
      // RFC 5737: in documentation only.
      const [socket, events] = own.open(host, server.port, { localAddress: '192.0.2.1' })
      const { name, data } = await events.event('error')
      t.is(name, 'NetworkError')
      t.is(data.code, 'EADDRNOTAVAIL')
      t.regex(data.message, /: bind to 192\.0\.2\.1 port 0: /)
      t.deepEqual(await events.closed(), ['error', 'close'])
      t.deepEqual(ends(socket), [null, null, null, null])
    }
    t.is(openSockets(), before)
  },
)

test('a localPort leads to several places at a time, and can be used again at once after close', async (t) => {
  const own = scope(t)
  const servers = await Promise.all(Array.from({ length: 3 }, () => own.netServer()))
  const localPort = await freePort()
  const connect = async ({ port, connection }) => {
    const [socket, events] = own.open('127.0.0.1', port, { localPort })
    await events.event('open')
    t.is(socket.localPort, localPort)
    return { socket, events, peer: (await connection()).resume() }
  }
  const both = [await connect(servers[0]), await connect(servers[1])]
  for (const { socket, events, peer } of both) {
    // Our side ends first, so that the kernel keeps the port for a while.
    socket.close()
    await Promise.all([events.event('close'), once(peer, 'close')])
  }
  await connect(servers[2])
})

for (const [family, localAddress] of [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
]) {
  inNamespace(
    `of a name with addresses of both families, ${family} alone is connected to from one`,
    async (t) => {
      const script = join(__dirname, '../fixtures/options/from-address.js')
      const [command, ...args] = [...withDns('normal'), process.execPath, script, localAddress]
      const { stdout, stderr } = await run(command, args)
      const { both, other } = JSON.parse(String(stdout) || JSON.stringify(stderr))
      t.deepEqual(both, { types: ['open', 'close'], seen: localAddress })
      t.deepEqual(other.types, ['error', 'close'])
      t.is(other.name, 'DomainNotFoundError')
      const host = family === 'IPv4' ? 'v6.test' : 'v4.test'
      t.is(other.message, `look up ${host}: no ${family} address, to connect to from ${localAddress}`)
    },
  )
}

test('the ends are null until open, and stay as they were after close', async (t) => {
  const own = scope(t)
  const server = await own.netServer()
  const [socket, events] = own.open('127.0.0.1', server.port)
  t.deepEqual(ends(socket), [null, null, null, null])
  let atOpen
  socket.onopen = () => (atOpen = ends(socket))
  const [peer] = await Promise.all([server.connection(), events.event('open')])
  const expected = ['127.0.0.1', peer.remotePort, '127.0.0.1', server.port]
  t.deepEqual(atOpen, expected)
  peer.resetAndDestroy()
  await events.event('close')
  t.deepEqual(ends(socket), expected)
})

test('they are told after close also where nobody has asked before', async (t) => {
  const own = scope(t)
  for (const end of ['close', 'closeImmediately']) {
    const { client, accepted, clientEvents, acceptedEvents, port } = await own.pair()
    client[end]()
    await Promise.all([clientEvents.event('close'), acceptedEvents.event('close')])
    t.is(client.remotePort, port)
    t.is(accepted.localPort, port)
    t.is(accepted.remotePort, client.localPort)
  }
})

test('a socket that was never connected, or was not, has no ends and has moved no bytes', async (t) => {
  const own = scope(t)
  const nothing = [null, null, null, null]
  t.deepEqual(ends(mozTCPSocket), nothing)
  t.deepEqual([mozTCPSocket.bytesRead, mozTCPSocket.bytesWritten], [0, 0])
  const [refused, events] = own.open('127.0.0.1', await closedPort())
  await events.event('close')
  t.deepEqual(ends(refused), nothing)
  const [given, givenEvents] = own.open('localhost', await closedPort())
  given.close()
  await givenEvents.event('close')
  t.deepEqual(ends(given), nothing)
})

test('a connection whose TLS handshake failed tells its ends in the handler of error', async (t) => {
  const own = scope(t)
  const listening = listenSecurely(own)
  const [socket, events] = own.open('localhost', listening.port, { useSecureTransport: true })
  let atError
  socket.onerror = () => (atError = ends(socket))
  await events.event('close')
  t.is(atError[0], '127.0.0.1')
  t.true(atError[1] > 0)
  t.deepEqual(atError.slice(2), ['127.0.0.1', listening.port])
})

test6('a listener of both families tells IPv4 peers from IPv6 ones, on both ends', async (t) => {
  const own = scope(t)
  const listening = own.listen({ localAddress: '::' })
  for (const host of ['127.0.0.1', '::1']) {
    const [client, events] = own.open(host, listening.port)
    const [[accepted]] = await Promise.all([listening.accepted(), events.event('open')])
    t.deepEqual(ends(accepted), [host, listening.port, host, client.localPort])
    t.is(accepted.host, host)
  }
})

test6('STARTTLS changes nothing about the ends', async (t) => {
  const own = scope(t)
  const { client, accepted } = await own.pair(undefined, { localAddress: '::', binaryType: 'arraybuffer' })
  const before = [ends(client), ends(accepted)]
  client.upgradeToSecure()
  t.deepEqual([ends(client), ends(accepted)], before)
})

test('bytesRead counts what data events carried, bytesWritten what send accepted', async (t) => {
  const own = scope(t)
  const { client, accepted, clientEvents, acceptedEvents } = await own.pair()
  t.is(client.bytesWritten, 0)
  client.send('12345')
  t.is(client.bytesWritten, 5, 'also before it has left')
  client.send(new Uint8Array(1000).buffer, 10, 200)
  client.send(new Uint8Array(200_000))
  await acceptedEvents.data(200_205)
  t.is(client.bytesWritten, 200_205)
  t.is(accepted.bytesRead, 200_205)
  accepted.send('ok')
  await clientEvents.data(2)
  t.is(client.bytesRead, 2)
  t.throws(() => client.send('\u0100'))
  client.close()
  t.throws(() => client.send('too late'))
  await Promise.all([clientEvents.event('close'), acceptedEvents.event('close')])
  t.deepEqual([client.bytesRead, client.bytesWritten], [2, 200_205])
  t.deepEqual([accepted.bytesRead, accepted.bytesWritten], [200_205, 2])
})

test('a string socket counts bytes, and none that came after close()', async (t) => {
  const own = scope(t)
  const { socket, events, peer } = await own.toNode({})
  peer.write('\u00e9\u00e9')
  await events.data(4)
  t.is(socket.bytesRead, 4)
  socket.close()
  peer.write('more')
  await events.event('close')
  t.is(socket.bytesRead, 4)
})

test('with TLS it is the bytes of the application that count', async (t) => {
  const own = scope(t)
  const listening = listenSecurely(own)
  const [client, events] = own.open('localhost', listening.port, trusting())
  const [[accepted, acceptedEvents]] = await Promise.all([listening.accepted(), events.event('open')])
  t.deepEqual([client.bytesRead, client.bytesWritten], [0, 0])
  client.send('hello')
  await acceptedEvents.data(5)
  t.deepEqual([client.bytesWritten, accepted.bytesRead], [5, 5])
})

test('the attributes are read-only, as the others are', async (t) => {
  const { client, server } = await scope(t).pair()
  for (const name of [...LOCAL, ...REMOTE, 'bytesRead', 'bytesWritten']) {
    const before = client[name]
    t.throws(() => (client[name] = 'changed'), { instanceOf: TypeError })
    t.is(client[name], before)
    t.true(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(client), name).enumerable)
  }
  t.throws(() => (server.localAddress = 'changed'), { instanceOf: TypeError })
})

test('node:net tells the same of the connection', async (t) => {
  const own = scope(t)
  const listening = own.listen({ localAddress: '127.0.0.1' })
  const peer = net.connect(listening.port, '127.0.0.1')
  own.onEnd(() => peer.destroy())
  const [[accepted]] = await Promise.all([listening.accepted(), once(peer, 'connect')])
  t.deepEqual(ends(accepted), [peer.remoteAddress, peer.remotePort, peer.localAddress, peer.localPort])
})
