'use strict'

// AllowList: which places its patterns are for, and which are no patterns. Node's BlockList is the second opinion about networks.

const { BlockList } = require('node:net')

const test = require('ava')
const fc = require('fast-check')

const { AllowList } = require('../../index.js')

const allows = (patterns, host, port = 993) => new AllowList([patterns].flat()).allows(host, port)

for (const [pattern, yes, no] of [
  [
    'mail.example.org:993',
    ['mail.example.org', 'MAIL.Example.ORG', 'mail.example.org.'],
    ['example.org', 'a.mail.example.org'],
  ],
  ['Mail.Example.ORG.:993', ['mail.example.org'], ['mail.example.or']],
  [
    '*.example.org:993',
    ['a.example.org', 'a.b.example.org', 'A.EXAMPLE.org.'],
    ['example.org', 'badexample.org', 'a.example.org.evil.net', '192.0.2.1'],
  ],
  ['bücher.example:993', ['bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example'], ['bucher.example']],
  ['*.xn--bcher-kva.example:993', ['a.bücher.example'], ['bücher.example']],
  [
    '192.0.2.1:993',
    ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:c000:201'],
    ['192.0.2.10', '::192.0.2.1', 'a192.0.2.1.example'],
  ],
  ['192.0.2.0/31:993', ['192.0.2.0', '192.0.2.1'], ['192.0.2.2', '192.0.1.255']],
  ['0.0.0.0/0:993', ['10.1.2.3', '::ffff:10.1.2.3'], ['::', '2001:db8::1', 'localhost']],
  ['[::/0]:993', ['::', '2001:db8::1'], ['10.1.2.3', '::ffff:10.1.2.3', 'localhost']],
  [
    '[2001:db8::1]:993',
    ['2001:db8::1', '2001:0DB8:0:0:0:0:0:1', '2001:db8::0.0.0.1'],
    ['2001:db8::2', '::1'],
  ],
  ['[2001:db8::/33]:993', ['2001:db8:7fff::1'], ['2001:db8:8000::', '2001:db9::']],
  ['[fe80::1]:993', ['fe80::1', 'fe80::1%eth0', 'fe80::1%1'], ['fe80::2%eth0']],
  ['[::ffff:10.0.0.0/104]:993', ['10.255.0.1', '::ffff:10.0.0.1'], ['11.0.0.0', '::10.0.0.1']],
  [
    'localhost:993',
    ['localhost', 'LOCALHOST.'],
    ['127.0.0.1', '::1', 'a.localhost', 'localhost.localdomain'],
  ],
  ['127.0.0.0/8:993', ['127.0.0.1', '127.255.255.255'], ['localhost', '0.0.0.0', '128.0.0.0']],
  ['*:993', ['localhost', '127.0.0.1', '::1', 'a.b.c'], []],
]) {
  test(`${pattern} is for ${yes.join(', ')}${no.length > 0 ? `, and not for ${no.join(', ')}` : ''}`, (t) => {
    for (const host of yes) t.true(allows(pattern, host), host)
    for (const host of no) t.false(allows(pattern, host), host)
    for (const host of yes) t.false(allows(pattern, host, 992), `${host}, another port`)
  })
}

for (const [ports, yes, no] of [
  ['*', [0, -1, 1, 65535, '993'], []],
  ['80', [80, '80'], [0, 79, 81, 8080]],
  ['6600-6699', [6600, 6650, 6699], [0, 6599, 6700]],
  ['0', [0, -1], [1]],
  ['1-65535', [1, 65535], [0]],
]) {
  test(`a.test:${ports} is for the ports ${yes.join(', ')}`, (t) => {
    for (const port of yes) t.true(allows(`a.test:${ports}`, 'a.test', port), String(port))
    for (const port of no) t.false(allows(`a.test:${ports}`, 'a.test', port), String(port))
  })
}

test('one pattern of several is enough, and none allows nothing', (t) => {
  t.true(allows(['a.test:1', 'b.test:993'], 'b.test'))
  t.false(allows(['a.test:993', 'b.test:1'], 'b.test'))
  t.false(allows([], 'a.test'))
})

test('the patterns are copied, and can be read', (t) => {
  const patterns = ['a.test:993']
  const list = new AllowList(patterns)
  patterns[0] = '*:*'
  patterns.push('*:*')
  t.deepEqual(list.patterns, ['a.test:993'])
  t.throws(() => list.patterns.push('*:*'), { instanceOf: TypeError })
  t.false(list.allows('b.test', 993))
})

const FORM = 'must be HOST:PORT, such as "*.example.org:993", "192.0.2.0/24:*" or "[2001:db8::1]:6600-6699"'

for (const [pattern, why] of [
  [undefined, `patterns[0] undefined: ${FORM}`],
  [993, `patterns[0] 993: ${FORM}`],
  [{ toString: () => '*:*' }, `patterns[0] an object of type Object: ${FORM}`],
  ['', `patterns[0] "": ${FORM}`],
  ['*', `patterns[0] "*": ${FORM}`],
  ['a.test', `patterns[0] "a.test": ${FORM}`],
  ['a.test:', `patterns[0] "a.test:": ${FORM}`],
  ['a.test:993\n', `patterns[0] "a.test:993\\n": ${FORM}`],
  ['a.test:+993', `patterns[0] "a.test:+993": ${FORM}`],
  ['http://a.test:80', `patterns[0] "http://a.test:80": ${FORM}`],
  ['::1:993', `patterns[0] "::1:993": ${FORM}`],
  ['[::1]/128:993', `patterns[0] "[::1]/128:993": ${FORM}`],
  [':993', 'patterns[0] ":993": the host "": must not be empty'],
  ['*.:993', 'patterns[0] "*.:993": the host "": must not be empty'],
  ['a b:993', 'patterns[0] "a b:993": the host "a b": must not contain spaces or control characters'],
  [
    '127.1:993',
    'patterns[0] "127.1:993": the host "127.1": ends in a number but is not an IPv4 address of four decimal parts',
  ],
  ['a.test:65536', 'patterns[0] "a.test:65536": ports are from 0 to 65535, the first one first'],
  ['a.test:2-1', 'patterns[0] "a.test:2-1": ports are from 0 to 65535, the first one first'],
  ['a.test:0-9', 'patterns[0] "a.test:0-9": a range of ports begins with 1 or more; all of them are "*"'],
  [
    'a*.test:1',
    'patterns[0] "a*.test:1": "*" stands alone, or for all labels before the others, as in "*.example.org"',
  ],
  [
    '*.*.test:1',
    'patterns[0] "*.*.test:1": "*" stands alone, or for all labels before the others, as in "*.example.org"',
  ],
  ['*.192.0.2.1:1', 'patterns[0] "*.192.0.2.1:1": addresses have no subdomains; a network is "192.0.2.0/24"'],
  ['[192.0.2.1]:1', 'patterns[0] "[192.0.2.1]:1": only an IPv6 address has brackets'],
  ['[a.test]:1', 'patterns[0] "[a.test]:1": only an IPv6 address has brackets'],
  ['a.test/8:1', 'patterns[0] "a.test/8:1": only an IPv4 address has bits without brackets'],
  ['*/0:1', 'patterns[0] "*/0:1": only an IPv4 address has bits without brackets'],
  ['192.0.2.0/33:1', 'patterns[0] "192.0.2.0/33:1": must be a network of up to 32 bits, without a zone'],
  ['192.0.2.1/24:1', 'patterns[0] "192.0.2.1/24:1": has bits set behind those of the network'],
  ['[fe80::1%eth0]:1', 'patterns[0] "[fe80::1%eth0]:1": must be a network of up to 128 bits, without a zone'],
]) {
  test(`no pattern: ${why}`, (t) => {
    t.throws(() => new AllowList([pattern]), { instanceOf: TypeError, message: why })
  })
}

test('what is no array throws, and the name of the list is in the message', (t) => {
  t.throws(() => new AllowList(), { instanceOf: TypeError, message: /at least 1 argument required/ })
  for (const list of [undefined, null, '*:*', { 0: '*:*', length: 1 }, new Set(['*:*'])]) {
    t.throws(() => new AllowList(list, 'allow'), {
      instanceOf: TypeError,
      message: /^allow .*: must be an array of patterns$/,
    })
  }
  t.throws(() => new AllowList(['a.test:1', 'x'], 'allow'), { message: /^allow\[1\] "x": / })
})

test('a host or a port that no socket takes throws what the socket would throw', (t) => {
  const list = new AllowList(['*:*'])
  t.throws(() => list.allows('a.test'), { instanceOf: TypeError })
  t.throws(() => list.allows('[::1]', 1), { instanceOf: TypeError, message: /without brackets/ })
  t.throws(() => list.allows('127.1', 1), { instanceOf: TypeError })
  t.throws(() => list.allows(Symbol('a'), 1), { instanceOf: TypeError })
  t.throws(() => list.allows('a.test', 65536), { instanceOf: RangeError })
})

const ipv6 = fc.ipV6()
const family = (address) => (address.includes(':') ? 'ipv6' : 'ipv4')
/** `address` with nothing behind its first `bits`, by Node's own means. */
function base(address, bits) {
  const groups = family(address) === 'ipv4' ? address.split('.').map(Number) : expand(address)
  const size = family(address) === 'ipv4' ? 8 : 16
  const cut = groups.map((group, i) => {
    const kept = Math.min(Math.max(bits - i * size, 0), size)
    return group & ~((1 << (size - kept)) - 1)
  })
  return size === 8 ? cut.join('.') : cut.map((group) => group.toString(16)).join(':')
}
/** The groups of an IPv6 address: a URL writes them in the one canonical way. */
function expand(address) {
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head, tail = ''] = text.split('::')
  const [before, after] = [head, tail].map((part) => part.split(':').filter(Boolean))
  return [...before, ...Array(8 - before.length - after.length).fill('0'), ...after].map((group) =>
    Number.parseInt(group, 16),
  )
}
const isMapped = (address) =>
  family(address) === 'ipv6' && new URL(`http://[${address}]`).hostname.startsWith('[::ffff:')

for (const [kind, addresses, most] of [
  ['IPv4', fc.ipV4(), 32],
  ['IPv6', ipv6.filter((text) => !isMapped(text)), 128],
]) {
  test(`property: a network of ${kind} has the addresses that Node's BlockList finds in it`, (t) => {
    const near = fc.tuple(addresses, addresses, fc.integer({ min: 0, max: most }), fc.boolean())
    fc.assert(
      fc.property(near, ([one, two, bits, isNear]) => {
        const start = base(one, bits)
        // Else hardly any address would be in a network of many bits.
        const host = isNear ? one : two
        const nodes = new BlockList()
        nodes.addSubnet(start, bits, family(start))
        const written = family(start) === 'ipv4' ? `${start}/${bits}:1` : `[${start}/${bits}]:1`
        return (
          allows(written, host, 1) === nodes.check(host, family(host)) &&
          (!isNear || allows(written, host, 1))
        )
      }),
      { numRuns: 300 },
    )
    t.pass()
  })
}

test('property: an address is allowed by itself in any spelling, and by no other', (t) => {
  const spelled = (address) => [
    address,
    address.toUpperCase(),
    expand(address)
      .map((group) => group.toString(16).padStart(4, '0'))
      .join(':'),
  ]
  fc.assert(
    fc.property(ipv6, ipv6, (one, two) => {
      const same = String(expand(one)) === String(expand(two))
      return spelled(one).every(
        (pattern) =>
          spelled(one).every((host) => allows(`[${pattern}]:1`, host, 1)) &&
          allows(`[${pattern}]:1`, two, 1) === same,
      )
    }),
    { numRuns: 200 },
  )
  t.pass()
})

test('property: IPv4 in the form of IPv6 is IPv4', (t) => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const mapped = `::ffff:${address}`
      return (
        allows(`${address}:1`, mapped, 1) &&
        allows(`[${mapped}]:1`, address, 1) &&
        !allows('[::/0]:1', mapped, 1)
      )
    }),
    { numRuns: 200 },
  )
  t.pass()
})

/** Names whose last label is no number. */
const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/)
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))

test('property: "*." is for exactly the names that end in a dot and the rest, and a name for itself', (t) => {
  fc.assert(
    fc.property(name, name, fc.boolean(), (rest, other, isBelow) => {
      const host = isBelow ? `${other}.${rest}` : other
      return (
        allows(`*.${rest}:1`, host, 1) === host.endsWith(`.${rest}`) &&
        allows(`${rest}:1`, host, 1) === (rest === host)
      )
    }),
    { numRuns: 300 },
  )
  t.pass()
})

test('property: any text is a pattern or a TypeError, and what is one answers', (t) => {
  const piece = fc.constantFrom(
    '*',
    '.',
    ':',
    '[',
    ']',
    '/',
    '-',
    '0',
    '1',
    '65535',
    'a',
    '::',
    '%',
    ' ',
    'é',
    '\n',
    '127.0.0.1',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join('')),
  )
  fc.assert(
    fc.property(text, (pattern) => {
      try {
        return typeof new AllowList([pattern]).allows('a.test', 1) === 'boolean'
      } catch (error) {
        return error instanceof TypeError && error.message.startsWith('patterns[0] ')
      }
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

test('property: one more pattern never takes anything away', (t) => {
  const pattern = fc.oneof(
    name.map((host) => `${host}:*`),
    name.map((host) => `*.${host}:1-9`),
    fc.ipV4().map((host) => `${host}:5`),
    fc.constant('*:7'),
  )
  const host = fc.oneof(name, fc.ipV4(), ipv6)
  fc.assert(
    fc.property(
      fc.array(pattern, { maxLength: 4 }),
      pattern,
      host,
      fc.integer({ min: 0, max: 10 }),
      (list, more, to, port) =>
        allows([...list, more], to, port) === (allows(list, to, port) || allows(more, to, port)),
    ),
    { numRuns: 300 },
  )
  t.pass()
})
