'use strict'

// Peers who have made their TLS handshake and then send what costs them little: new keys, tickets, warnings, records of nothing. What
// they cost us is bounded, and a client that behaves is served meanwhile. renegotiation.spec.js (tls) has requests for handshakes.

const { join } = require('node:path')

const test = require('ava')

const { start } = require('../../fixtures/reliability/children.js')
const { bytesInKernel } = require('../../fixtures/reliability/kernel.js')
const { certificate } = require('../../helpers/pki-matrix.js')
const { testOn } = require('../../helpers/needs.js')
const { scope } = require('../../helpers/sockets.js')
const { SERVER_VERSIONS, TELLS_REASONS } = require('../../helpers/tls-peers.js')
const { ALERT, APPLICATION_DATA, HANDSHAKE } = require('../../helpers/tls-wires.js')
const { assertServed, guardedServer, waits } = require('../helpers/attacks.js')
const { asClient, asServer } = require('../helpers/impersonate.js')
const { openAccount } = require('../helpers/ledger.js')

const MiB = 1024 * 1024

/** What a flood may cost in memory: the heap of a process that is busy grows before it is collected. */
const MOST = 24 * MiB

/** What a record may cost, in milliseconds of CPU: some hundred times less than a handshake. */
const MOST_CPU = 0.1

const NOTHING = Buffer.alloc(0)
const CHANGE_CIPHER_SPEC = Buffer.from([20, 3, 3, 0, 1, 1])
const HELLO_REQUEST = Buffer.from([0, 0, 0, 0])

/** What comes behind a flood. */
const LAST = Buffer.alloc(5000, 'and now this, ')

const times = (count, make) => Array.from({ length: count }, make)

/** `ends`: the victim must not bear it. `to`: who is a victim of it. */
const FLOODS = {
  'TLSv1.3': [
    { what: 'KeyUpdates', count: 20_000, make: (forge) => forge.update(false) },
    {
      what: 'KeyUpdates that ask for new keys',
      count: 20_000,
      make: (forge) => forge.update(true),
    },
    {
      what: 'KeyUpdates that ask for new keys, of which nobody reads the answers,',
      count: 200_000,
      make: (forge) => forge.update(true),
      deaf: true,
      to: ['server'],
    },
    {
      what: 'records of one byte',
      count: 50_000,
      make: (forge) => forge(APPLICATION_DATA, Buffer.from('b')),
      bytes: 50_000,
    },
    {
      what: 'records of one byte and 16 KiB of padding',
      count: 2000,
      make: (forge) => forge(APPLICATION_DATA, Buffer.from('b'), 16_000),
      bytes: 2000,
    },
    { what: 'empty records', count: 20_000, make: (forge) => forge(APPLICATION_DATA, NOTHING), ends: true },
    { what: 'warnings', count: 20_000, make: (forge) => forge.warning(), ends: true },
    { what: 'ChangeCipherSpecs in the clear', count: 20_000, make: () => CHANGE_CIPHER_SPEC, ends: true },
    { what: 'session tickets', count: 20_000, make: (forge) => forge.ticket(32), to: ['client'] },
    { what: 'session tickets of 15 KiB', count: 1000, make: (forge) => forge.ticket(15_000), to: ['client'] },
    { what: 'session tickets', count: 100, make: (forge) => forge.ticket(32), to: ['server'], ends: true },
  ],
  'TLSv1.2': [
    {
      what: 'records of one byte',
      count: 50_000,
      make: (forge) => forge(APPLICATION_DATA, Buffer.from('b')),
      bytes: 50_000,
    },
    { what: 'empty records', count: 20_000, make: (forge) => forge(APPLICATION_DATA, NOTHING), ends: true },
    { what: 'warnings', count: 20_000, make: (forge) => forge(ALERT, Buffer.of(1, 90)), ends: true },
    {
      what: 'HelloRequests',
      count: 20_000,
      make: (forge) => forge(HANDSHAKE, HELLO_REQUEST),
      to: ['client'],
    },
  ],
}

/** Our server, and our client, as the victim of a peer that goes on by hand: `{ raw, forge, state(), server }`. */
const VICTIMS = {
  async server(own, version) {
    const server = await guardedServer(own, { secure: true })
    const calm = await waits(own, server)
    const peer = await asClient(own, server.port, version)
    const state = async () => {
      const { errors, ...more } = await server.state()
      return { ...more, ended: errors > 0 }
    }
    return { ...peer, state, server, calm }
  },
  async client(own, version) {
    let client
    const peer = await asServer(own, version, (port) => {
      client = start(own, join('..', 'faults', 'guarded-client.js'), [port], {
        nodeArgs: ['--expose-gc'],
        env: { CA: certificate('root').ca },
      })
    })
    const state = async () => {
      client.tell('state')
      const { types, error, ...more } = await client.next()
      return { ...more, types, error, ended: types.includes('close') }
    }
    return { ...peer, state }
  },
}

/** Resolves with the state of the victim when it takes no more of what `raw` has written, and `waiting`: how much that is. */
async function standstill(raw, state) {
  const untaken = () => bytesInKernel(raw.localPort, raw.remotePort) + raw.writableLength
  let [waiting, same] = [untaken(), 0]
  while (same < 5) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    await state()
    const now = untaken()
    same = now === waiting ? same + 1 : 0
    waiting = now
  }
  return { ...(await state()), waiting }
}

for (const [version, floods] of Object.entries(FLOODS)) {
  for (const [victim, make] of Object.entries(VICTIMS)) {
    const known = TELLS_REASONS && (victim === 'client' || SERVER_VERSIONS.includes(version))
    for (const {
      what,
      count,
      make: forgeOne,
      bytes = 0,
      to = ['server', 'client'],
      ends = false,
      deaf = false,
    } of floods) {
      if (!to.includes(victim)) continue
      testOn(
        test.serial,
        known,
        `a library that bears ${version}`,
      )(`${count} ${what} to our ${victim} cost little (${version})`, async (t) => {
        const own = scope(t)
        const account = openAccount(t, __filename, {
          fault: `${count} ${what} behind a handshake of ${version}`,
          did: `to our ${victim}: ${ends ? 'it ended with an error' : 'data behind them came through'}; memory grew by less than ${MOST / MiB} MiB`,
        })
        const { raw, forge, state, server, calm } = await make(own, version)
        const before = await state()
        const records = Buffer.concat(times(count, () => forgeOne(forge)))
        const last = forge(APPLICATION_DATA, LAST)
        const gone = new Promise((resolve) => raw.once('close', resolve))
        if (deaf) raw.pause()
        else raw.resume()
        raw.write(records)
        raw.write(last)
        if (deaf) {
          const { resident, waiting } = await standstill(raw, state)
          const more = resident - before.resident
          t.log(`${waiting} of ${records.length} bytes are not taken; ${more} bytes of memory`)
          t.true(waiting > 0, 'the victim does not listen to who does not')
          t.true(more <= MOST, `${more} bytes`)
          raw.resume()
        }
        const served = server && assertServed(t, own, server, calm)
        let after = await state()
        const isDone = () =>
          ends ? after.ended : after.ended || after.bytes >= before.bytes + LAST.length + bytes
        for (const until = Date.now() + 30_000; !isDone() && Date.now() < until;) after = await state()
        await served
        if (ends) await gone
        const grown = after.resident - before.resident
        const cpu = after.cpuMs - before.cpuMs
        t.log(
          `${(grown / MiB).toFixed(1)} MiB, ${((1000 * cpu) / count).toFixed(1)} µs each; ${after.error ?? (after.ended ? 'ended' : 'goes on')}`,
        )
        account.run({ runs: count, hangs: isDone() ? 0 : 1 })
        t.is(after.ended, ends)
        t.true(grown <= MOST, `${grown} bytes`)
        if (!server) t.true(cpu <= 500 + count * MOST_CPU, `${cpu} ms`)
        account.close()
      })
    }
  }
}
