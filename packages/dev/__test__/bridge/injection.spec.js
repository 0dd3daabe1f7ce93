'use strict'

// What the bridge puts into pages, policies and scripts of workers, and where.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const vm = require('node:vm')

const test = require('ava')

const { pageScript } = require('../../lib/bridge/bundle.js')
const { withBridge } = require('../../lib/bridge/csp.js')
const { inject } = require('../../lib/bridge/html.js')
const { LIMITS } = require('../../lib/bridge/limits.js')
const { LONGEST_MESSAGE, ORDER, WINDOW, decode, encode, FACT } = require('../../lib/bridge/protocol.js')
const { prepend } = require('../../lib/bridge/workers.js')
const { ipVersion } = require('../../lib/page/addresses.js')

const ORIGIN = { nonce: 'N', origin: 'http://localhost:1' }
const put = (text) => inject(Buffer.from(text), '[S]', ORIGIN)

for (const [what, page, expected] of [
  ['in the head', '<!doctype html><html><head><title>x', '<!doctype html><html><head>[S]<title>x'],
  ['in a head with attributes', '<HEAD a="b>c">x', '<HEAD a="b>c">[S]x'],
  [
    'behind the doctype where there is no head',
    '<!doctype html><script>1</script>',
    '<!doctype html>[S]<script>1</script>',
  ],
  ['behind <html> where there is no head', '<html lang=de><body>x', '<html lang=de>[S]<body>x'],
  ['at the very beginning', 'x', '[S]x'],
  ['in an empty page', '', '[S]'],
  ['not in a comment that looks like a head', '<!-- <head> --><p>', '[S]<!-- <head> --><p>'],
  ['behind a byte order mark', '\uFEFF<p>', '\uFEFF[S]<p>'],
]) {
  test(`the scripts are put ${what}, and nothing else changes`, (t) => {
    t.is(put(page).body.toString(), expected)
  })
}

test('the encoding that a page names is told, because the scripts come before it', (t) => {
  const latin1 = Buffer.from('<meta charset="ISO-8859-1">\u00e9', 'latin1')
  const { body, charset } = inject(latin1, '[S]', ORIGIN)
  t.is(charset, 'ISO-8859-1')
  t.deepEqual(body, Buffer.from('[S]<meta charset="ISO-8859-1">\u00e9', 'latin1'))
  t.is(
    put('<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">').charset,
    'windows-1252',
  )
  t.is(put('<p>').charset, 'utf-8')
  t.is(put('<meta charset="x\r\ny: z">').charset, 'utf-8')
  const utf16 = Buffer.from('\uFEFF<p>', 'utf16le')
  t.is(inject(utf16, '[S]', ORIGIN).body, utf16)
})

test("a page's own policy gets the bridge's leave", (t) => {
  const page = `<head><meta http-equiv="content-security-policy" content="connect-src 'none'; script-src 'self'">`
  t.is(
    put(page).body.toString(),
    `<head>[S]<meta http-equiv="content-security-policy" content="connect-src http://localhost:1 ws://localhost:1; script-src 'self' 'nonce-N'">`,
  )
})

for (const [policy, expected] of [
  ["script-src 'self'", "script-src 'self' 'nonce-N'"],
  ["script-src 'none'", "script-src 'nonce-N'"],
  // A nonce would take away what 'unsafe-inline' gives.
  ["script-src 'unsafe-inline'", "script-src 'unsafe-inline'"],
  ["script-src 'unsafe-inline' 'nonce-a'", "script-src 'unsafe-inline' 'nonce-a' 'nonce-N'"],
  [
    "default-src 'self'",
    "default-src 'self'; script-src 'self' 'nonce-N'; connect-src 'self' http://localhost:1 ws://localhost:1",
  ],
  ["img-src 'self'", "img-src 'self'"],
  [
    'connect-src https://a; CONNECT-SRC https://b;',
    'connect-src https://a http://localhost:1 ws://localhost:1',
  ],
  ["script-src-elem 'self', script-src x", "script-src-elem 'self' 'nonce-N', script-src x 'nonce-N'"],
]) {
  test(`of the policy "${policy}" becomes one that lets the bridge in, and nothing else`, (t) => {
    t.is(withBridge(policy, 'N', 'http://localhost:1'), expected)
  })
}

const PARTS = { script: 'bridge()', config: 'config = 1', configUrl: '/c', scriptUrl: '/s' }
for (const [what, source, expected] of [
  ['a classic script', 'x', '{config = 1;bridge();}x'],
  ['a strict one', "'use strict'; x", `"use strict";{config = 1;bridge();}'use strict'; x`],
  [
    'one that is strict behind comments and other directives',
    '// a\n"b"\n/* c */ "use strict"\nx',
    '"use strict";{config = 1;bridge();}// a\n"b"\n/* c */ "use strict"\nx',
  ],
  ['one that only says the words', 'x; "use strict"', '{config = 1;bridge();}x; "use strict"'],
  ['one with the words in parentheses', '("use strict")', '{config = 1;bridge();}("use strict")'],
  ['a module', 'import "a"\nx', 'import "/c";import "/s";import "a"\nx'],
  ['a module by import.meta', 'import.meta.url', 'import "/c";import "/s";import.meta.url'],
  ['one that does not parse', 'x (', '{config = 1;bridge();}x ('],
]) {
  test(`${what} of a worker begins with the bridge, and keeps its lines`, (t) => {
    t.is(prepend(source, PARTS), expected)
  })
}

test("the page's script is the facade without anything of Node.js, and one line where lines count", async (t) => {
  const script = await pageScript()
  t.notRegex(script, /\brequire\(/)
  t.notRegex(script, /["']node:/)
  t.is(prepend('x', { ...PARTS, script }).split('\n').length, 1)
  // Without what only a served page has it does nothing, and does not throw.
  const sandbox = vm.createContext({})
  vm.runInContext(script, sandbox)
  t.deepEqual(Object.keys(sandbox), [])
})

test('a page finds the same IP addresses as the engine', (t) => {
  const engine = require('moz-tcp-socket/engine').native
  for (const text of [
    '1.2.3.4',
    '01.2.3.4',
    '1.2.3',
    '1.2.3.4.',
    '256.1.1.1',
    '1.2.3.4.5',
    '',
    '::',
    '::1',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::',
    '1:2:3:4:5:6:7:8::',
    '::1.2.3.4',
    '1.2.3.4::',
    '1:2:3:4:5:6:1.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::ffff:1.2.3.4',
    'fe80::1%eth0',
    'fe80::1%',
    'fe80::1%a%b',
    '1.2.3.4%a',
    'g::1',
    '12345::',
    '::00001',
    'ABCD::ef',
    '[::1]',
    ' ::1',
    'localhost',
  ]) {
    t.is(ipVersion(text), engine.ipVersion(text), JSON.stringify(text))
  }
})

test('messages are what they were', (t) => {
  for (const [kind, id, content] of [
    [ORDER.Send, 1, Uint8Array.of(0, 255)],
    [ORDER.Connect, 0xffffffff, { host: '\u00e9' }],
    [ORDER.Credit, 3, 0xffffffff],
    [FACT.Written, 5, Number.MAX_SAFE_INTEGER],
    [FACT.Ended, 2, undefined],
  ]) {
    t.deepEqual(decode(encode(kind, id, content)), { kind, id, content })
  }
})

test('the documentation has the numbers of the limits', (t) => {
  const text = readFileSync(join(__dirname, '../../../../docs/bridge.md'), 'utf8')
  const rows = text.slice(text.indexOf('## Bounds')).replaceAll(/ +/g, ' ')
  const {
    connections,
    waiting,
    patience,
    socketsOfPage,
    sockets,
    listeners,
    configurations,
    sessions,
    connects,
    orders,
    calls,
  } = LIMITS
  for (const said of [
    `connected | ${connections} |`,
    `not connected | ${waiting}, for ${patience / 1000} s each |`,
    `${socketsOfPage} for each page, ${sockets} for all |`,
    `${connects.each} a second for each page, ${connects.burst} at once |`,
    `listeners | ${listeners} for each page |`,
    `${configurations}; ${sessions} for each page |`,
    `${calls.each} a second for each page, ${calls.burst} at once, ${LIMITS.callBytes >> 20} MiB each |`,
    `orders | ${orders.each} a second`,
    `${(LONGEST_MESSAGE - 5) >> 10} KiB and 5 bytes |`,
    `not taken | ${WINDOW >> 10} KiB in Node.js |`,
    `${LIMITS.waitingBytes.most >> 20} MiB | none of its connections is read, until ${LIMITS.waitingBytes.least >> 20} MiB |`,
  ]) {
    t.true(rows.includes(said), said)
  }
})
