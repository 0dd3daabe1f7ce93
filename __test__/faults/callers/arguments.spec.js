'use strict'

// Every member of a socket and of a server, with every kind of argument, in every state, plain and with TLS: it returns what the
// contract says, or throws a clear error; its state stays what it was, what it sent arrives to the last byte, and the events that
// follow are those that always do (REL-14, REL-20). The cases are made from tables.

const test = require('ava')

const { makePki } = require('../../helpers/pki.js')
const { mozTCPSocket, scope } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')
const { attempt, expectedOfSend, isOfValue, unclear } = require('./oracle.js')
const { sharedAccount } = require('./shared-account.js')
const { STATES, clientOptions, within } = require('./states.js')
const { VALUES, valuesFor } = require('./values.js')

// Node warns of listeners that are none, and of many.
process.removeAllListeners('warning')

const NOT_OPEN = 'Socket not open.'
const HIGH_WATER = 65_536

/** `send`, with every value in each of its places. */
function sendEverything(socket, { state, binaryType, sends, note }) {
  const sent = []
  const bytes = () => Uint8Array.of(10, 11, 12, 13, 14).buffer
  const calls = valuesFor(socket).flatMap(([name, make]) => [
    [`send(${name})`, () => [make()]],
    [`send(bytes, ${name})`, () => [bytes(), make()]],
    [`send(bytes, 1, ${name})`, () => [bytes(), 1, make()]],
    [`send(${name}, 1, 2)`, () => [make(), 1, 2]],
  ])
  for (const [call, make] of calls) {
    const { bytes: expected, throws } = expectedOfSend(binaryType, ...make())
    const before = socket.bufferedAmount
    const { value, thrown } = attempt(() => socket.send(...make()))
    const after = socket.bufferedAmount
    if (throws) {
      note(call, thrown === undefined ? `returned ${value}` : unclear(thrown, /^send/))
      if (after !== before) note(call, `has accepted ${after - before} bytes of what it refused`)
    } else if (!sends) {
      const isRight = thrown?.name === 'NS_ERROR_FAILURE' && thrown.message === NOT_OPEN
      note(call, isRight ? undefined : `${state}: ${thrown ?? value}`)
    } else {
      sent.push(expected)
      if (value !== after <= HIGH_WATER)
        note(call, `answers ${thrown ?? value} where ${after} bytes are pending`)
      if (after !== before + expected.length)
        note(call, `accepts ${after - before} bytes, not ${expected.length}`)
    }
  }
  return sent
}

/** Methods that take no argument, with one, where they do not end the state. */
function callWithoutEffect(socket, { state, note }) {
  const isOver = ![
    'connecting',
    'open',
    'suspended',
    'draining',
    'half closed by the peer',
    'accepted',
  ].includes(state)
  for (const [name, make] of valuesFor(socket)) {
    const returns = (method, expected, ...args) => {
      const { value, thrown } = attempt(() => socket[method](...args))
      const isRight = thrown === undefined && value === expected
      note(`${String(method)}(${name})`, isRight ? undefined : `gave ${thrown ?? String(value)}`)
    }
    returns('suspend', undefined, make())
    returns('resume', undefined, make())
    returns('unref', socket, make())
    returns('ref', socket, make())
    if (!isOver) continue
    returns('close', undefined, make())
    if (Symbol.dispose) returns(Symbol.dispose, undefined, make())
    if (state !== 'closing') returns('closeImmediately', undefined, make())
  }
}

/** `upgradeToSecure`, where it does not begin anything: everywhere but on an open plain socket. */
function upgradeWithEverything(socket, { state, secure, sends, note }) {
  for (const [name, make] of valuesFor(socket)) {
    const call = `upgradeToSecure(${name})`
    const { value, thrown } = attempt(() => socket.upgradeToSecure(make()))
    if (!sends) note(call, thrown?.message === NOT_OPEN ? undefined : `${state}: ${thrown ?? value}`)
    // Options that are none are nothing to do.
    else if (secure && thrown === undefined) note(call, value === undefined ? undefined : `returned ${value}`)
    else note(call, unclear(thrown, /option|^\w+: |^\w+ /))
  }
}

/** What `call` does with the value `name`, compared with what it does on an EventTarget of Node's. */
function compare(note, call, ours, theirs, what) {
  const [mine, other] = [attempt(ours), attempt(theirs)]
  if (mine.thrown === undefined && isOfValue(other.thrown)) {
    // Node asks some values earlier, when nothing has come of them.
    note(call, undefined)
  } else if ((mine.thrown === undefined) !== (other.thrown === undefined)) {
    note(call, `${mine.thrown ?? 'no exception'}; of an EventTarget: ${other.thrown ?? 'no exception'}`)
  } else if (mine.thrown !== undefined) {
    note(call, unclear(mine.thrown, what))
  } else if (mine.value !== other.value) {
    note(call, `returned ${mine.value}; an EventTarget: ${other.value}`)
  }
}

function listenWithEverything(target, { note }) {
  const reference = new EventTarget()
  for (const [name, make] of valuesFor(target)) {
    const listener = () => {}
    for (const method of ['addEventListener', 'removeEventListener']) {
      const both = (call, ...makeArguments) => {
        const args = makeArguments.map((one) => one())
        compare(
          note,
          `${method}(${call})`,
          () => target[method](...args),
          () => reference[method](...args),
          /type|listener|options|signal|event/i,
        )
      }
      both(name, make, () => listener)
      both(`type, ${name}`, () => 'other', make)
      both(
        `type, listener, ${name}`,
        () => 'other',
        () => listener,
        make,
      )
      both(
        `type, listener, { signal: ${name} }`,
        () => 'other',
        () => listener,
        () => ({ signal: make() }),
      )
      both(
        `type, ${name}, { once: true }`,
        () => 'another',
        make,
        () => ({ once: true }),
      )
    }
    const isEvent = attempt(() => make() instanceof Event).value === true
    if (isEvent) {
      const { value } = attempt(() => target.dispatchEvent(make()))
      note(`dispatchEvent(${name})`, value === true ? undefined : `returned ${value}`)
    } else {
      compare(
        note,
        `dispatchEvent(${name})`,
        () => target.dispatchEvent(make()),
        () => reference.dispatchEvent(make()),
        /event/i,
      )
    }
  }
}

/** Handlers take what can be called, or be an object, and make `null` of anything else. The attributes that tell cannot be set. */
function assignEverything(target, { handlers, attributes, note }) {
  for (const [name, make] of valuesFor(target)) {
    for (const type of handlers) {
      const value = make()
      const isHandler = typeof value === 'function' || (typeof value === 'object' && value !== null)
      target[`on${type}`] = value
      const is = target[`on${type}`]
      note(`on${type} = ${name}`, is === (isHandler ? value : null) ? undefined : `became ${String(is)}`)
      target[`on${type}`] = null
    }
    for (const attribute of attributes) {
      const before = target[attribute]
      const { thrown } = attempt(() => {
        target[attribute] = make()
      })
      if (!(thrown instanceof TypeError)) note(`${attribute} = ${name}`, `threw ${thrown}`)
      if (!Object.is(target[attribute], before)) note(`${attribute} = ${name}`, 'changed it')
    }
  }
}

/** The timeouts of Gecko: valid ones are taken back at once. */
function setTimeouts(socket, { note }) {
  const { transport } = socket
  for (const [name, make] of valuesFor(socket)) {
    const value = make()
    const isType = value === 0 || value === 1
    const asType = attempt(() => transport.getTimeout(value))
    if (isType) note(`getTimeout(${name})`, asType.value === 65_535 ? undefined : `${asType.value}`)
    else note(`getTimeout(${name})`, unclear(asType.thrown, /^timeout type/, [RangeError]))
    if (!isType) {
      const { thrown } = attempt(() => transport.setTimeout(make(), 5))
      note(`setTimeout(${name}, 5)`, unclear(thrown, /^timeout type/, [RangeError]))
    }
    for (const type of [0, 1]) {
      const { thrown } = attempt(() => transport.setTimeout(type, value))
      const isWhole = Number.isInteger(value)
      const isRight = isWhole && value >= 0 && value <= 0xffffffff
      const call = `setTimeout(${type}, ${name})`
      if (isRight) note(call, thrown)
      else note(call, unclear(thrown, /^timeout/, [isWhole ? RangeError : TypeError]))
      transport.setTimeout(type, 0xffffffff)
    }
  }
}

const SOCKET = {
  handlers: ['open', 'data', 'drain', 'error', 'close'],
  attributes: [
    'host port ssl tls bufferedAmount binaryType readyState transport localAddress localPort remoteAddress',
    'remotePort bytesRead bytesWritten',
  ]
    .join(' ')
    .split(' '),
}

const SERVER = {
  handlers: ['connect', 'error'],
  attributes: ['localAddress', 'localPort', 'failedHandshakes'],
}

/** Gathers what is wrong; `calls` counts. */
function notes() {
  const wrong = []
  const made = {
    calls: 0,
    wrong,
    note(call, what) {
      made.calls++
      if (what !== undefined) wrong.push(`${call}: ${what}`)
    },
  }
  return made
}

const sockets = sharedAccount(__filename, {
  ids: ['REL-14', 'REL-20'],
  fault: 'every kind of argument',
  did: `all members of a socket, plain and TLS: ${Object.keys(STATES).join(', ')}; it went on as if nothing had been`,
})
const servers = sharedAccount(__filename, {
  ids: ['REL-14'],
  fault: 'every kind of argument',
  did: 'all members of a server, plain and TLS, that listens and that is closed; it accepted afterwards',
})

for (const [state, make] of Object.entries(STATES)) {
  for (const secure of [false, true]) {
    for (const binaryType of ['arraybuffer', 'string']) {
      const kind = `${secure ? 'TLS' : 'plain'} ${binaryType} socket`
      test.serial(`every member with every argument: a ${kind} that is ${state}`, async (t) => {
        const own = scope(t)
        const { socket, finish, readyState, sends, sent = [] } = await make(own, secure, binaryType)
        const gathered = notes()
        const context = { ...SOCKET, state, secure, binaryType, sends, note: gathered.note }
        const types = () => [...new Set([socket.readyState, readyState])].join(' ')
        callWithoutEffect(socket, context)
        if (secure || !sends) upgradeWithEverything(socket, context)
        listenWithEverything(socket, context)
        assignEverything(socket, context)
        setTimeouts(socket, context)
        const more = sendEverything(socket, context)
        t.deepEqual(gathered.wrong, [])
        t.is(types(), readyState)
        sockets.run({ runs: gathered.calls })
        await finish(t, [...sent, ...more])
        for (const drop of [sendEverything, upgradeWithEverything, setTimeouts])
          drop(socket, { ...context, state: 'closed', sends: false })
        t.deepEqual(gathered.wrong, [])
      })
    }
  }
}

for (const secure of [false, true]) {
  for (const isClosed of [false, true]) {
    const what = `a ${secure ? 'TLS' : 'plain'} server that ${isClosed ? 'is closed' : 'listens'}`
    test.serial(`every member with every argument: ${what}`, async (t) => {
      const own = scope(t)
      const { cert, key } = makePki()
      const { server, port, accepted } = own.listen({ useSecureTransport: secure, cert, key })
      const watch = server.onconnect
      if (isClosed) server.close()
      const gathered = notes()
      const { note, wrong } = gathered
      listenWithEverything(server, { note })
      assignEverything(server, { ...SERVER, note })
      for (const [name, make] of valuesFor(server)) {
        for (const method of ['unref', 'ref'])
          note(`${method}(${name})`, server[method](make()) === server ? undefined : 'not itself')
        if (isClosed) note(`close(${name})`, server.close(make()))
      }
      t.deepEqual(wrong, [])
      servers.run({ runs: gathered.calls })
      if (!isClosed) {
        server.onconnect = watch
        const [client, events] = own.open('127.0.0.1', port, clientOptions(secure, 'string'))
        const [[socket]] = await within(Promise.all([accepted(), events.event('open')]), 'connect')
        socket.send('hello')
        t.is(String(await within(events.data(5), 'data')), 'hello')
        client.close()
        t.deepEqual(await within(events.closed(), 'close'), ['open', 'close'])
      }
    })
  }
}

test.serial('every member with every argument: the socket that was never connected', (t) => {
  const account = openAccount(t, __filename, {
    ids: ['REL-14', 'REL-20'],
    fault: 'every kind of argument',
    did: 'all members of navigator.mozTCPSocket',
  })
  const gathered = notes()
  const context = { ...SOCKET, state: 'closed', binaryType: 'string', sends: false, note: gathered.note }
  for (const call of [callWithoutEffect, upgradeWithEverything, listenWithEverything, assignEverything])
    call(mozTCPSocket, context)
  for (const call of [setTimeouts, sendEverything]) call(mozTCPSocket, context)
  t.deepEqual(gathered.wrong, [])
  account.run({ runs: gathered.calls })
  account.close()
})

sockets.declare(test)
servers.declare(test)

test('the tables are what they say', (t) => {
  t.true(VALUES.length > 110, `${VALUES.length} values`)
  t.is(new Set(VALUES.map(([name]) => name)).size, VALUES.length)
  // Each can be told from the others, and is made anew.
  t.true(VALUES.every(([, make]) => typeof make === 'function'))
})
