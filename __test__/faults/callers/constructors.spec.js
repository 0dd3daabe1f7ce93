'use strict'

// Everything that makes a socket, a server, an event or a policy, with every kind of argument and every kind of value for each option;
// and every member, called on every kind of `this`. What it returns works and can be closed; what it throws is a clear error, and
// leaves nothing behind (REL-58).

const { readdirSync } = require('node:fs')

const test = require('ava')

const api = require('../../../index.js')
const { LISTENER_OPTIONS, CLIENT_OPTIONS } = require('../../../lib/tcp-options.js')
const tls = require('../../../lib/tls-options.js')
const { TCPServerSocket, TCPSocket, mozTCPSocket, scope } = require('../../helpers/sockets.js')
const { openAccount } = require('../helpers/ledger.js')
const { OPTIONS, either, errorOfInteger, host, isNullish, optional, anything } = require('./expected.js')
const { attempt, unclear } = require('./oracle.js')
const { within } = require('./states.js')
const { OwnError, VALUES } = require('./values.js')

const { setPolicy } = api

/** A peer that is nobody: nothing is connected to, or looked up. */
const nobody = () => ({ signal: AbortSignal.abort() })

/** A revoked Proxy is no array to ask, and JavaScript says so before anybody can. */
const isUnknowable = (value) => attempt(() => Array.isArray(value)).thrown !== undefined

/** `undefined`, or what is wrong with what `make` did with a value that must lead to `expected`. */
function judge(expected, { value: made, thrown }, what) {
  if (thrown instanceof OwnError) return undefined
  if (expected === undefined) return thrown === undefined ? undefined : `threw ${thrown}`
  if (thrown === undefined)
    return expected === null ? undefined : `made ${Object.prototype.toString.call(made)}`
  return unclear(thrown, what, expected === null ? [TypeError, RangeError] : [expected])
}

/** How many descriptors this process has. */
const descriptors = () => readdirSync('/proc/self/fd').length

function trial(t, fault, did, ids = ['REL-58']) {
  const account = openAccount(t, __filename, { ids, fault, did })
  const [wrong, made] = [[], []]
  t.teardown(() =>
    made.forEach((one) => (one instanceof TCPServerSocket ? one.close() : one?.closeImmediately())),
  )
  let runs = 0
  return {
    /** Notes what comes of a call. */
    call(name, expected, make, what) {
      runs++
      const outcome = attempt(make)
      if (outcome.thrown === undefined) made.push(outcome.value)
      const complaint = judge(expected, outcome, what)
      if (complaint !== undefined) wrong.push(`${name}: ${complaint}`)
      return outcome.value
    },
    /** Everything that was made is closed, with the one event that this has, and nothing is left. */
    async end(before) {
      t.deepEqual(wrong, [])
      await within(Promise.all(made.filter((one) => one !== undefined).map((one) => closed(t, one))), 'close')
      if (before !== undefined) {
        await new Promise(setImmediate)
        t.true(descriptors() <= before + 8, `${descriptors()} descriptors, ${before} before`)
      }
      account.run({ runs })
      account.close()
    },
  }
}

function closed(t, made) {
  if (made instanceof TCPServerSocket) return made.close()
  return new Promise((resolve) => {
    made.onopen = made.onerror = ({ type }) => t.fail(`${type} of a socket to nobody`)
    made.onclose = resolve
    made.closeImmediately()
  })
}

const MAKE_SOCKET = {
  'new TCPSocket': (...args) => new TCPSocket(...args),
  'TCPSocket.open': (...args) => TCPSocket.open(...args),
  'mozTCPSocket.open': (...args) => mozTCPSocket.open(...args),
}

const MAKE_SERVER = {
  'new TCPServerSocket': (...args) => new TCPServerSocket(...args),
  'TCPSocket.listen': (...args) => TCPSocket.listen(...args),
  'mozTCPSocket.listen': (...args) => mozTCPSocket.listen(...args),
}

for (const [name, make] of Object.entries(MAKE_SOCKET)) {
  test.serial(`${name}() with every kind of argument`, async (t) => {
    const { call, end } = trial(t, 'every kind of argument', `${name}(): host, port and options`)
    const before = descriptors()
    for (const [kind, value] of VALUES) {
      const socket = call(`host ${kind}`, host(value()), () => make(value(), 80, nobody()), /^host/)
      if (socket !== undefined) t.is(socket.host, `${value()}`)
      const port = errorOfInteger(value(), 1, 65_535)
      const other = call(`port ${kind}`, port, () => make('127.0.0.1', value(), nobody()), /^port/)
      if (other !== undefined) t.is(other.port, Number(value()))
      call(
        `options ${kind}`,
        isNullish(value()) ? undefined : ['object', 'function'].includes(typeof value()) ? null : TypeError,
        () => make('127.0.0.1', 9, value()),
        /^options|^\w+: |^\w+ /,
      )
    }
    for (const count of [0, 1]) {
      call(
        `${count} arguments`,
        TypeError,
        () => make(...['127.0.0.1'].slice(0, count)),
        /TCPSocket.*: at least 2/,
      )
    }
    await end(before)
  })
}

for (const [name, make] of Object.entries(MAKE_SERVER)) {
  test.serial(`${name}() with every kind of argument`, async (t) => {
    const { call, end } = trial(t, 'every kind of argument', `${name}(): port, options and backlog`)
    const before = descriptors()
    const local = { localAddress: '127.0.0.1' }
    for (const [kind, value] of VALUES) {
      const port = errorOfInteger(value(), -1, 65_535)
      // Ports of others are not for a test.
      if (port !== undefined || Number(value()) <= 0)
        call(`port ${kind}`, port, () => make(value(), local), /^port/)
      call(
        `backlog ${kind}`,
        optional((given) => errorOfInteger(given, -Infinity, 0x7fffffff))(value()),
        () => make(0, local, value()),
        /^backlog/,
      )
      const isObject = ['object', 'function'].includes(typeof value())
      if (!isObject)
        call(
          `options ${kind}`,
          isNullish(value()) ? undefined : TypeError,
          () => make(0, value()),
          /^options/,
        )
    }
    call('no argument', TypeError, () => make(), /: at least 1/)
    await end(before)
  })
}

test.serial('each option of a client, with every kind of value', async (t) => {
  const { call, end } = trial(t, 'every kind of value', 'each option of a client')
  const before = descriptors()
  for (const name of [
    'binaryType',
    'useSecureTransport',
    'useSSL',
    ...CLIENT_OPTIONS,
    ...tls.CLIENT_OPTIONS,
  ]) {
    const expect = OPTIONS[name]
    for (const [kind, value] of VALUES) {
      const expected = isUnknowable(value()) && expect !== anything ? TypeError : expect(value())
      const options = () => (name === 'signal' ? { signal: value() } : { ...nobody(), [name]: value() })
      call(
        `${name}: ${kind}`,
        expected,
        () => new TCPSocket('127.0.0.1', 9, options()),
        new RegExp(`^${name}\\b`),
      )
    }
  }
  await end(before)
})

test.serial('each option of a server, with every kind of value', async (t) => {
  const { call, end } = trial(t, 'every kind of value', 'each option of a server')
  const before = descriptors()
  for (const name of ['binaryType', ...LISTENER_OPTIONS, ...tls.SERVER_OPTIONS]) {
    const expect = name === 'handshakeTimeout' ? either : OPTIONS[name]
    for (const [kind, value] of VALUES) {
      const expected = isUnknowable(value()) && expect !== anything ? TypeError : expect(value())
      const options = () => ({ localAddress: '127.0.0.1', [name]: value() })
      // Without a certificate TLS options of a server miss one.
      const what = new RegExp(`^(?:${name}|cert)\\b`)
      call(
        `${name}: ${kind}`,
        expected === undefined ? null : expected,
        () => new TCPServerSocket(0, options()),
        what,
      )
    }
  }
  await end(before)
})

test.serial('each option of upgradeToSecure(), with every kind of value', async (t) => {
  const account = openAccount(t, __filename, {
    ids: ['REL-58'],
    fault: 'every kind of value',
    did: 'each option of upgradeToSecure(), on an open socket, which went on in the clear',
  })
  const own = scope(t)
  const { socket, events, peer } = await own.toNode()
  const wrong = []
  let runs = 0
  for (const name of tls.CLIENT_OPTIONS) {
    for (const [kind, value] of VALUES) {
      const expected = isUnknowable(value()) ? TypeError : OPTIONS[name](value())
      // What is right would begin.
      if (expected === undefined || expected === null) continue
      runs++
      const outcome = attempt(() => socket.upgradeToSecure({ [name]: value() }))
      const complaint = judge(expected, outcome, new RegExp(`^${name}\\b`))
      if (complaint !== undefined) wrong.push(`${name}: ${kind}: ${complaint}`)
    }
  }
  t.deepEqual(wrong, [])
  t.false(socket.ssl)
  socket.send('in the clear')
  peer.pipe(peer)
  t.is(String(await within(events.data(12), 'data')), 'in the clear')
  account.run({ runs })
  account.close()
})

test.serial('events with every kind of argument are made, or refused, as those of Node are', (t) => {
  const account = openAccount(t, __filename, {
    fault: 'every kind of argument',
    did: 'the classes of events',
  })
  const wrong = []
  let runs = 0
  const read = ({
    type,
    bubbles,
    cancelable,
    composed,
    target,
    currentTarget,
    eventPhase,
    defaultPrevented,
  }) => [type, bubbles, cancelable, composed, target, currentTarget, eventPhase, defaultPrevented].join()
  const compare = (name, make, makeNode) => {
    runs++
    const [mine, node] = [attempt(make), attempt(makeNode)]
    if ((mine.thrown === undefined) !== (node.thrown === undefined)) {
      wrong.push(`${name}: ${mine.thrown ?? 'no exception'}; of an Event: ${node.thrown ?? 'no exception'}`)
    } else if (mine.thrown !== undefined) {
      const complaint = unclear(mine.thrown, /type|options|init|argument/i)
      if (complaint !== undefined) wrong.push(`${name}: ${complaint}`)
    } else if (read(mine.value) !== read(node.value)) wrong.push(`${name}: is ${read(mine.value)}`)
  }
  const members = {
    TCPSocketEvent: ['data'],
    TCPSocketErrorEvent: ['name', 'message', 'errorCode', 'data'],
    TCPServerSocketEvent: ['socket', 'data'],
  }
  for (const [Name, attributes] of Object.entries(members)) {
    const Class = api[Name]
    compare(
      `new ${Name}()`,
      () => new Class(),
      () => new Event(),
    )
    for (const [kind, value] of VALUES) {
      const isTyped = Name === 'TCPSocketErrorEvent' && kind === 'a TCPSocketErrorEvent'
      compare(
        `new ${Name}(${kind})`,
        () => new Class(value()),
        () => new Event(value()),
      )
      if (!isTyped && kind !== 'getters that throw') {
        compare(
          `new ${Name}(type, ${kind})`,
          () => new Class('x', value()),
          () => new Event('x', value()),
        )
      }
      for (const attribute of attributes) {
        runs++
        const given = value()
        const { value: event, thrown } = attempt(() => new Class('x', { [attribute]: given }))
        const read2 = event && attempt(() => event[attribute])
        if (thrown !== undefined) {
          const complaint = unclear(thrown, new RegExp(`^${attribute} `), [TypeError])
          if (complaint !== undefined) wrong.push(`${Name} { ${attribute}: ${kind} }: ${complaint}`)
        } else if (read2.thrown !== undefined) wrong.push(`${Name} { ${attribute}: ${kind} }: reading threw`)
        else if (attribute === 'errorCode' && !(read2.value >= 0 && read2.value <= 0xffffffff))
          wrong.push(`${Name} errorCode ${String(read2.value)}`)
        else if ((attribute === 'name' || attribute === 'message') && typeof read2.value !== 'string')
          wrong.push(`${Name} ${attribute} is no string`)
      }
    }
  }
  t.deepEqual(wrong, [])
  account.run({ runs })
  account.close()
})

test.serial(
  'setPolicy() with every kind of argument sets a policy or throws, and then changes nothing',
  (t) => {
    const account = openAccount(t, __filename, {
      fault: 'every kind of argument',
      did: 'setPolicy(): the manifest, and each member of it',
    })
    t.teardown(() => setPolicy(null))
    const certified = { type: 'certified', permissions: { 'tcp-socket': {} } }
    const mayConnect = () => attempt(() => new TCPSocket('127.0.0.1', 9, nobody())).thrown === undefined
    const wrong = []
    let runs = 0
    for (const [kind, value] of VALUES) {
      for (const [form, make] of Object.entries({
        policy: value,
        type: () => ({ type: value() }),
        permissions: () => ({ type: 'certified', permissions: value() }),
        'tcp-socket': () => ({ type: 'certified', permissions: { 'tcp-socket': value() } }),
        b2g_features: () => ({ b2g_features: value() }),
        core: () => ({ b2g_features: { core: value() } }),
      })) {
        runs++
        setPolicy(certified)
        const { value: returned, thrown } = attempt(() => setPolicy(make()))
        if (thrown !== undefined) {
          const complaint = unclear(thrown, new RegExp(`^${form} `), [TypeError])
          if (complaint !== undefined) wrong.push(`${form} ${kind}: ${complaint}`)
          if (!mayConnect()) wrong.push(`${form} ${kind}: changed the policy`)
        } else if (returned !== undefined) wrong.push(`${form} ${kind}: returned ${returned}`)
      }
    }
    t.deepEqual(wrong, [])
    account.run({ runs })
    account.close()
  },
)

test.serial('isInstance() answers about everything, and asks it nothing', (t) => {
  const account = openAccount(t, __filename, {
    fault: 'every kind of argument',
    did: 'isInstance() of all classes',
  })
  const wrong = []
  let runs = 0
  const classes = Object.entries(api).filter(([name]) => name.startsWith('TCP'))
  for (const [Name, Class] of classes) {
    for (const [kind, value] of VALUES) {
      runs++
      const { value: answer, thrown } = attempt(() => Class.isInstance(value()))
      if (answer !== (kind === `a ${Name}`)) wrong.push(`${Name}.isInstance(${kind}): ${thrown ?? answer}`)
    }
    t.false(Class.isInstance())
  }
  t.is(classes.length, 5)
  const socket = new TCPSocket('127.0.0.1', 9, nobody())
  for (const like of [new Proxy(socket, {}), Object.create(socket)]) t.false(TCPSocket.isInstance(like))
  t.true(TCPSocket.isInstance(Object.setPrototypeOf(socket, null)))
  t.true(TCPSocket.isInstance(mozTCPSocket))
  t.deepEqual(wrong, [])
  account.run({ runs })
  account.close()
})

test.serial('every member, called on what is not an instance, throws a TypeError', (t) => {
  const account = openAccount(t, __filename, {
    fault: 'every kind of `this`',
    did: 'all methods and accessors of all classes',
  })
  const wrong = []
  let runs = 0
  for (const [Name, Class] of Object.entries(api).filter(([name]) => name.startsWith('TCP'))) {
    const chain = []
    for (let at = Class.prototype; at !== EventTarget.prototype && at !== Event.prototype;) {
      chain.push(at)
      at = Object.getPrototypeOf(at)
    }
    const functions = chain.flatMap((holder) =>
      Object.entries(Object.getOwnPropertyDescriptors(holder)).flatMap(([key, { get, set, value }]) =>
        key === 'constructor'
          ? []
          : [get, set, value].filter((one) => typeof one === 'function').map((one) => [key, one]),
      ),
    )
    t.true(functions.length > 2, Name)
    for (const [kind, value] of VALUES) {
      // Their own, or that of a class that they share members with.
      if (/^a TCP\w+Event$/.test(kind) && Name.endsWith('Event')) continue
      for (const [key, one] of functions) {
        runs++
        const { value: result, thrown } = attempt(() => Reflect.apply(one, value(), ['x', () => {}]))
        const isRefused = thrown instanceof TypeError || thrown instanceof OwnError
        if (!isRefused) wrong.push(`${Name}.${key} of ${kind}: ${thrown ?? String(result)}`)
      }
    }
  }
  t.deepEqual(wrong, [])
  account.run({ runs })
  account.close()
})
