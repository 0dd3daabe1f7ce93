'use strict'

// REL-28. Bytes that come and go one at a time, for all kinds of conversations: because the system takes and gives no more, because it
// interrupts or puts off every second call, or because the wire does.

const net = require('node:net')
const { join } = require('node:path')

const test = require('ava')

const { start } = require('../../fixtures/reliability/children.js')
const { controlFile, failsys } = require('../../helpers/failsys.js')
const { serialWhere } = require('../../helpers/needs.js')
const { temporaryDirectory } = require('../../helpers/peers.js')
const { scope } = require('../../helpers/sockets.js')
const { trusting } = require('../../helpers/tls-peers.js')
const { listenSecurely } = require('../../helpers/tls-servers.js')
const { openAccount } = require('../helpers/ledger.js')
const { pkiOf } = require('../helpers/torture.js')

const withFaults = serialWhere(test, failsys('') !== undefined, 'Linux with glibc and gcc')

const RUNS = 3

/** So many each way: where each of them is an event, more take long. */
const BYTES = 5000

for (const [what, rules] of Object.entries({
  'each call reads or writes one byte': 'shortrecv:0,shortsend:0',
  'each call reads one byte': 'shortrecv:0',
  'each call writes one byte': 'shortsend:0',
  'every second call is interrupted': ['recv', 'send', 'sendmsg', 'accept4', 'connect', 'epoll_wait']
    .map((call) => `${call}:EINTR:1:0:2`)
    .join(),
  'every second call would block': ['recv', 'send', 'sendmsg', 'accept4']
    .map((call) => `${call}:EAGAIN:1:0:2`)
    .join(),
  'every third call would block, and others are short':
    'recv:EAGAIN:1:0:3,send:EAGAIN:1:0:3,shortrecv:0:2:0:2,shortsend:0:2:0:2',
})) {
  withFaults(`REL-28: ${what}: all bytes come, in order`, async (t) => {
    const account = openAccount(t, __filename, {
      ids: ['REL-28', 'REL-35'],
      fault: what,
      did: `8 conversations, plain, TLS and STARTTLS, ${BYTES} bytes each way, at both ends: the same bytes`,
    })
    for (let run = 0; run < RUNS; run++) {
      const own = scope(t)
      const directory = temporaryDirectory(own)
      const faults = failsys(rules, { control: controlFile(join(directory, 'control')), log: '1' })
      const { next, tell, result } = start(own, join('..', 'faults', 'torture.js'), ['once'], {
        env: { ...faults, ...pkiOf(directory), BYTES },
      })
      // A fault that never strikes: without one it reports whatever is not whole.
      tell({ call: 'none', error: '0', from: 1 })
      const { problems } = await next()
      const wrong = {}
      for (const { column, count, text } of problems) {
        t.log(text)
        wrong[column] = (wrong[column] ?? 0) + count
      }
      account.run({ runs: 8, ...wrong })
      const { code, stderr } = await result
      t.is(code, 0, stderr)
      t.regex(stderr, /struck=[1-9]/, 'a rule that never strikes tests nothing')
    }
    account.close()
  })
}

/** A connection to `port` by which bytes pass one at a time, each in a segment of its own. */
async function stutter(own, port) {
  const proxy = await own.netServer({ allowHalfOpen: true }, (client) => {
    const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    own.onEnd(() => server.destroy())
    server.on('error', () => {})
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      const pass = async () => {
        for await (const chunk of from) {
          for (const byte of chunk) {
            to.write(Buffer.of(byte))
            await new Promise(setImmediate)
          }
        }
        to.end()
      }
      pass().catch(() => to.destroy())
    }
  })
  return proxy.port
}

const SENT = Buffer.alloc(5000, 'one byte at a time, ')

for (const secure of [false, true]) {
  test.serial(
    `REL-28: a wire on which each byte is a segment carries ${secure ? 'TLS' : 'plain bytes'}`,
    async (t) => {
      const own = scope(t)
      const account = openAccount(t, __filename, {
        ids: ['REL-28'],
        fault: 'a wire on which each byte is a segment of its own',
        did: `${SENT.length} bytes each way, ${secure ? 'TLS with its handshake and end' : 'plain'}: the same bytes, in order`,
      })
      const { port, accepted } = secure ? listenSecurely(own) : own.listen({ binaryType: 'arraybuffer' })
      const [client, events] = own.open(
        'localhost',
        await stutter(own, port),
        secure ? trusting() : { binaryType: 'arraybuffer' },
      )
      const [[server, serverEvents]] = await Promise.all([accepted(), events.event('open')])
      client.send(SENT)
      server.send(SENT)
      const [there, back] = await Promise.all([serverEvents.data(SENT.length), events.data(SENT.length)])
      const lostBytes = [there, back].filter((bytes) => !bytes.equals(SENT)).length * SENT.length
      client.close()
      t.deepEqual(await serverEvents.closed(), ['close'])
      t.deepEqual(await events.closed(), ['open', 'close'])
      account.run({ runs: 2, lostBytes })
      account.close()
    },
  )
}
