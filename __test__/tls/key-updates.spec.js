'use strict'

// KeyUpdate (RFC 8446 section 4.6.3): a peer of TLS 1.3 may take new keys at any time, and ask for ours as well, also while
// we are in the middle of a record that it does not read yet. The peers are OpenSSL's own programs, which do that where a
// line of their input says `k` or `K` (openssl/openssl#8677, #12485).

const { spawn } = require('node:child_process')

const test = require('ava')

const { testOn } = require('../helpers/needs.js')
const { testWith } = require('../helpers/peers.js')
const { certificate } = require('../helpers/pki-matrix.js')
const { deferred, scope } = require('../helpers/sockets.js')
const { SERVER_VERSIONS, trusting } = require('../helpers/tls-peers.js')
const { listenSecurely } = require('../helpers/tls-servers.js')

/** More than the kernel keeps for one connection, and a pipe for such a program. */
const MUCH = 8_000_000

/** After so many bytes a peer asks for new keys, and stops reading for a moment. */
const STEP = 250_000

/** Lines, each of which is another. */
const text = (length) => {
  let lines = 'BEGIN\n'
  for (let i = 0; lines.length < length; i++) lines += `line ${i}\n`
  return `${lines}END\n`
}

/** What such a program says when it has new keys: the client on stderr, the server between the bytes that it receives. */
const NEW_KEYS = /SSL_do_handshake -> 1\n|KEYUPDATE\n/g

/** What these programs say between the bytes that they receive. */
const REMARKS = /SSL_do_handshake -> 1\n|KEYUPDATE\n|[Rr]ead (?:R )?BLOCK\n/g

/**
 * A program of OpenSSL's. Nobody reads what it writes, and so it does not read what it is sent, until somebody waits for it;
 * `each` is awaited after each STEP bytes.
 */
function program(own, args, each = () => {}) {
  const child = spawn('openssl', args, { stdio: 'pipe' })
  own.onEnd(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => {})
  let [output, remarks, next] = ['', '', STEP]
  const waiters = new Set()
  const look = () => {
    for (const waiter of waiters) waiter()
  }
  child.stderr.setEncoding('latin1')
  child.stderr.on('data', (chunk) => {
    remarks += chunk
    look()
  })
  child.stdout.setEncoding('latin1')
  child.stdout.on('data', async (chunk) => {
    output += chunk
    look()
    if (output.length < next) return
    next += STEP
    child.stdout.pause()
    await each()
    child.stdout.resume()
  })
  child.stdout.on('end', look)
  child.stdout.pause()
  /** Resolves with what `found` returns, once it returns something. */
  const when = (found) => {
    const { promise, resolve, reject } = deferred()
    waiters.add(() => {
      const result = found()
      if (result) resolve(result)
      else if (child.stdout.readableEnded) reject(new Error(`ended with ${output.slice(-500)}${remarks}`))
    })
    look()
    child.stdout.resume()
    return promise
  }
  return {
    /** Gives it a line. It looks at the first of those that come together. */
    type: (line) => child.stdin.write(`${line}\n`),

    /** Resolves with the match, once it has said so. */
    says: (pattern) => when(() => pattern.exec(output)),

    /** How often it had new keys. */
    renewals: () => (output + remarks).match(NEW_KEYS)?.length ?? 0,

    /** Resolves with what it has received, from the first line to the last. */
    async received() {
      await when(() => output.includes('\nEND\n'))
      const end = output.indexOf('\nEND\n') + 5
      return output.slice(output.indexOf('BEGIN\n'), end).replace(REMARKS, '')
    },
  }
}

/** Our server and `s_client`: what `program` returns, and `{ socket, events, before }`, where `before` are the events that have come. */
async function withClient(own, each) {
  const { port, accepted } = listenSecurely(own)
  const trust = ['-CAfile', certificate('root').caFile, '-verify_return_error']
  const args = ['-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-tls1_3', '-no_ign_eof']
  const client = program(own, ['s_client', ...args, ...trust], each)
  const [socket, events] = await accepted()
  return { socket, events, before: [], ...client }
}

/** Our client and `s_server`. */
async function withServer(own, each) {
  const { certFile, keyFile } = certificate('good')
  const files = ['-cert', certFile, '-cert_chain', certFile, '-key', keyFile]
  const args = ['s_server', '-accept', '127.0.0.1:0', '-naccept', '1', '-tls1_3']
  const server = program(own, [...args, ...files], each)
  const [, port] = await server.says(/^ACCEPT .*:(\d+)$/m)
  const [socket, events] = own.open('localhost', Number(port), trusting())
  // Before that it takes no commands.
  await Promise.all([events.event('open'), server.says(/^CIPHER is /m)])
  return { socket, events, before: ['open'], ...server }
}

/** Both directions carry what is sent, and nothing has failed. */
async function assertAlive(t, peer, sent) {
  const { socket, events, before } = peer
  t.true((await peer.received()) === sent, 'all of it, in order')
  events.forgetData()
  peer.type('still here')
  t.is(String(await events.data(11)), 'still here\n')
  t.is(socket.bufferedAmount, 0)
  t.deepEqual(ofTheConnection(events), before)
}

function ofTheConnection({ types }) {
  return types.filter((type) => type !== 'data' && type !== 'drain')
}

for (const [whose, connect] of [
  ['a client', withClient],
  ['a server', withServer],
]) {
  // TLS 1.2 knows no new keys.
  const hasNewKeys = whose === 'a server' || SERVER_VERSIONS.includes('TLSv1.3')
  const testPeer = (title, run) => {
    const sentence = `${whose} that ${title}`
    if (hasNewKeys) testWith(test.serial, 'openssl', sentence, run)
    else testOn(test.serial, false, 'a server of TLS 1.3')(sentence, run)
  }

  testPeer('takes new keys and asks for ours, while nothing else is said', async (t) => {
    const peer = await connect(scope(t))
    for (const [turn, letter] of ['k', 'K', 'K', 'k', 'K'].entries()) {
      peer.type(letter)
      // It looks at all that there is each time round: when it has had two of these, it has had the letter.
      for (const word of [`one ${turn}\n`, `two ${turn}\n`]) {
        peer.socket.send(Buffer.from(word))
        await peer.says(new RegExp(word))
      }
    }
    t.is(peer.renewals(), 5)
    peer.type('and now')
    t.is(String(await peer.events.data(8)), 'and now\n')
    const sent = text(100)
    peer.socket.send(Buffer.from(sent))
    await assertAlive(t, peer, sent)
  })

  testPeer('reads slowly and asks for new keys again and again gets all that we send', async (t) => {
    const own = scope(t)
    const peer = await connect(own, async () => {
      peer.type('K')
      // Time for us to fill what there is.
      await own.letTimeGo()
    })
    const sent = text(MUCH)
    const bytes = Buffer.from(sent)
    // Pieces that end in the middle of a record.
    for (let at = 0; at < bytes.length; at += 100_003) peer.socket.send(bytes.subarray(at, at + 100_003))
    t.true(peer.socket.bufferedAmount > 0)
    await assertAlive(t, peer, sent)
    t.true(peer.renewals() > 5, `${peer.renewals()} times`)
  })

  testPeer('asks for new keys while we close gets all that we sent, and the end', async (t) => {
    const peer = await connect(scope(t), () => void peer.type('K'))
    const sent = text(MUCH)
    peer.socket.send(Buffer.from(sent))
    peer.socket.close()
    t.true((await peer.received()) === sent, 'all of it, in order')
    await peer.events.event('close')
    t.deepEqual(ofTheConnection(peer.events), [...peer.before, 'close'])
    t.true(peer.renewals() > 0)
  })
}
