'use strict'

// The doctor's table against docs/porting.md and the package, and each rule against code that it is for.

const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const test = require('ava')
const { TCPServerSocket, TCPSocket } = require('moz-tcp-socket')

const { examine } = require('../../index.js')
const {
  CLIENT_OPTIONS,
  REFUSED_OPTIONS,
  RULES,
  SERVER_MEMBERS,
  SERVER_OPTIONS,
  SOCKET_MEMBERS,
  UNSEEN,
} = require('../../lib/doctor/rules.js')

const porting = readFileSync(join(__dirname, '../../../../docs/porting.md'), 'utf8')
const decisions = new Set([...porting.matchAll(/^\| (Q-\d\d) \|/gm)].map(([, id]) => id))
const folder = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-doctor-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

let count = 0
/** The findings in `code`, but for those that the ways in always make. */
function findings(code, extension = 'js') {
  const file = join(folder, `code-${++count}.${extension}`)
  writeFileSync(file, code)
  return examine(file).findings
}

test('each decision that a rule names is in docs/porting.md', (t) => {
  t.true(decisions.size > 40)
  for (const [name, { q, text, verdict }] of Object.entries(RULES)) {
    if (q !== undefined) t.true(decisions.has(q), `${name} names ${q}`)
    t.true(verdict !== 'differs' || q !== undefined, `${name} differs, and has no decision`)
    t.regex(text, /^\S.*[^.]$/, name)
  }
})

test('each decision of docs/porting.md is in a rule, or in the list of those that no code shows, with a reason', (t) => {
  const named = new Set(Object.values(RULES).map(({ q }) => q))
  for (const id of decisions) {
    t.true(named.has(id) !== id in UNSEEN, `${id}: must be in exactly one of both`)
    if (id in UNSEEN) t.true(UNSEEN[id].length > 20, id)
  }
  for (const id of Object.keys(UNSEEN)) t.true(decisions.has(id), id)
})

test('options and members are those of the package', (t) => {
  const signal = AbortSignal.abort()
  for (const name of REFUSED_OPTIONS) {
    const bad = { [name]: 'nothing that asks for nothing', signal }
    t.throws(() => new TCPSocket('127.0.0.1', 1, bad), { instanceOf: TypeError }, name)
  }
  for (const [own, Class, args] of [
    [CLIENT_OPTIONS, TCPSocket, ['127.0.0.1', 1]],
    [SERVER_OPTIONS, TCPServerSocket, [0]],
  ]) {
    for (const name of own) {
      // What there is not, asks for nothing; a name that is refused throws all the same where there is a value.
      let message = ''
      try {
        new Class(...args, { [name]: Symbol(name), signal }).close()
      } catch (error) {
        ;({ message } = error)
      }
      t.notRegex(message, /is not supported|an option of|no option/, name)
    }
  }
  for (const name of Object.keys(TCPSocket.prototype))
    t.true(SOCKET_MEMBERS.has(name) || name.startsWith('on'), name)
  for (const name of Object.keys(TCPServerSocket.prototype))
    t.true(SERVER_MEMBERS.has(name) || name.startsWith('on'), name)
})

const open = "var s = navigator.mozTCPSocket.open('h', 1)\n"
const listen = 'var l = navigator.mozTCPSocket.listen(5000, {}, 5)\n'
const server = 'var l = new TCPServerSocket(5000, {}, 5)\n'

/** Of each rule: code, and at which `line:column` it is seen. */
const EXAMPLES = {
  factory: ['if (navigator.mozTCPSocket) go()', '1:15'],
  class: ['typeof TCPServerSocket', '1:8'],
  'udp-class': ['new UDPSocket()', '1:5'],
  open: ["new TCPSocket('h', 1)", '1:1'],
  listen: ['try { new TCPServerSocket(5000, {}, 5).onconnect = f } catch (e) {}', '1:7'],
  'factory-attribute': ['navigator.mozTCPSocket.readyState', '1:24'],
  'factory-buffered': ['navigator.mozTCPSocket.bufferedAmount', '1:24'],
  'method-of-socket': [`${open}s.open('h', 2)`, '2:3'],
  tls: ["new TCPSocket('h', 1, { useSecureTransport: true })", '1:25'],
  'use-ssl': ["new TCPSocket('h', 1, { useSSL: false })", '1:25'],
  option: ["new TCPSocket('h', 1, { timeout: 5 })", '1:25'],
  'unknown-option': ["var o = {}; o.color = 1; new TCPSocket('h', 1, o)", '1:15'],
  'refused-option': ['new TCPServerSocket(5000, { ca: x }, 5)', '1:29'],
  'binary-type': ["new TCPSocket('h', 1, { binaryType: 'arraybuffer' })", '1:25'],
  'bad-binary-type': ["new TCPSocket('h', 1, { binaryType: 'blob' })", '1:25'],
  'any-port': ['new TCPServerSocket(-1)', '1:21'],
  'bad-port': ["new TCPSocket('h', 0)", '1:20'],
  'low-port': ['new TCPServerSocket(80)', '1:21'],
  'default-backlog': ['new TCPServerSocket(5000, {}, 0)', '1:31'],
  backlog: ['new TCPServerSocket(5000, {}, 5)', '1:31'],
  'listen-throws': ['new TCPServerSocket(5000)', '1:1'],
  send: [`${open}s.send('x')`, '2:3'],
  'send-answer': [`${open}if (!s.send('x')) wait()`, '2:8'],
  'send-view': [`${open}s.send(new Uint8Array(5))`, '2:8'],
  'send-wide': [`${open}s.send('\u20ac')`, '2:8'],
  'send-nothing': [`${open}s.send(b, 0, 0)`, '2:14'],
  'send-length': [`${open}s.send(b, 0, n)`, '2:14'],
  'send-length-answer': [`${open}x = s.send(b, 0, n)`, '2:7'],
  'send-offset': [`${open}s.send(b, n)`, '2:11'],
  'send-buffer': [`${open}s.send(new ArrayBuffer(5))`, '2:8'],
  'buffered-amount': [`${open}s.bufferedAmount > 5`, '2:3'],
  handler: [`${open}s.onopen = f`, '2:3'],
  'open-data': [`${open}s.onopen = function (e) { e.data }`, '2:29'],
  'on-drain': [`${open}s.ondrain = f`, '2:3'],
  'on-error': [`${open}s.addEventListener('error', f)`, '2:3'],
  'error-shape': [`${open}s.onerror = (e) => log(e.data.name)`, '2:26'],
  'error-refused': [`${open}s.onerror = (e) => e.name === 'ConnectionRefusedError'`, '2:31'],
  'error-security': [`switch (name) { case 'SecurityError': }`, '1:22'],
  'error-code': [`${open}s.onerror = (e) => e.errorCode`, '2:22'],
  'handler-throws': [`${open}s.onopen = function () { throw 1 }`, '2:26'],
  'handler-this': [`${open}s.onopen = function () { this.send('x') }`, '2:26'],
  'data-view': [`${open}s.ondata = ({ data }) => data.subarray(1)`, '2:31'],
  listener: [`${open}s.addEventListener('data', f)`, '2:3'],
  'bad-type': [`${open}s.addEventListener('ondata', f)`, '2:3'],
  'unknown-type': [`${open}s.onmessage = f`, '2:3'],
  member: [`${open}s.host`, '2:3'],
  'unknown-member': [`${open}s.write('x')`, '2:3'],
  'ready-state': [`${open}s.readyState === 'closed'`, '2:18'],
  'ready-state-open': [`${open}'open' == s.readyState`, '2:1'],
  'bad-ready-state': [`${open}s.readyState === 1`, '2:18'],
  suspend: [`${open}s.suspend()`, '2:3'],
  resume: [`${open}s.resume()`, '2:3'],
  upgrade: [`${open}s.upgradeToSecure()`, '2:3'],
  'upgrade-accepted': [`${server}l.onconnect = (e) => e.socket.upgradeToSecure()`, '2:31'],
  close: [`${open}s.close()`, '2:3'],
  'close-at-once': [`${open}s.closeImmediately()`, '2:3'],
  'on-connect-socket': [`${listen}l.onconnect = f`, '2:3'],
  'on-connect-event': [`${server}l.onconnect = f`, '2:3'],
  'connect-argument': [`${listen}l.onconnect = function (c) { c.data }`, '2:32'],
  'no-connect': [listen, '1:32'],
  'connect-throws': [`${server}l.onconnect = async () => {}`, '2:15'],
  'server-error': [`${server}l.onerror = f`, '2:3'],
  'local-port': [`${server}l.localPort`, '2:3'],
  'server-close': [`${server}l.close()`, '2:3'],
  'server-member': [`${server}l.localAddress`, '2:3'],
  'unknown-server-member': [`${server}l.address()`, '2:3'],
  'other-api': ['navigator.mozContacts.find()', '1:11'],
  'page-global': ["document.title = 'x'", '1:1'],
  'replaced-module': ["import T from 'emailjs-tcp-socket'", '1:15'],
  escapes: [`${open}keep(s)`, '2:6'],
  exported: ["module.exports = () => new TCPSocket('h', 1)", '1:1'],
  computed: [`${open}s[name]()`, '2:3'],
  ambiguous: [`${open}${listen}for (const x of [s, l]) x.send('1')`, '3:27'],
  'looks-like': ['function f(s) { s.upgradeToSecure() }', '1:19'],
  'code-from-text': ["eval('1')", '1:1'],
  'spread-options': ["new TCPSocket('h', 1, { ...o })", '1:23'],
}

/** Rules about files, which files.spec.js has. */
const OF_FILES = [
  'permission',
  'no-permission',
  'web-type',
  'no-manifest-right',
  'code-in-attribute',
  'unreadable',
  'too-long',
  'minified',
]

for (const [rule, [code, place]] of Object.entries(EXAMPLES)) {
  test(`${rule}: ${code.split('\n').at(-1) || code.trim()}`, (t) => {
    const all = findings(code)
    const found = all.filter((each) => each.rule === rule)
    t.deepEqual(
      found.map(({ line, column }) => `${line}:${column}`).slice(0, 1),
      [place],
      all.map((each) => `${each.rule} ${each.line}:${each.column}`).join('\n'),
    )
    t.like(found[0], { verdict: RULES[rule].verdict, q: RULES[rule].q ?? null, text: RULES[rule].text })
  })
}

test('every rule has an example', (t) => {
  t.deepEqual([...Object.keys(EXAMPLES), ...OF_FILES].sort(), Object.keys(RULES).sort())
})

/** Ways to a socket: each ends with a call of `closeImmediately`, which has to be found. */
const WAYS = {
  'an alias of either name':
    "var N = navigator.mozTCPSocket || navigator.TCPSocket; var s = N.open('h', 1); s.closeImmediately()",
  'window.navigator': "window.navigator.mozTCPSocket.open('h', 1).closeImmediately()",
  'a name in brackets': "navigator['mozTCPSocket']['open']('h', 1)['closeImmediately']()",
  destructuring: "const { mozTCPSocket: { open } } = navigator; open('h', 1).closeImmediately()",
  'a member of this':
    "function A() { this._s = new TCPSocket('h', 1) } A.prototype.end = function () { this._s.closeImmediately() }",
  'a private field': "class A { #s = new TCPSocket('h', 1); end() { this.#s.closeImmediately() } }",
  'a function that returns it': "function make() { return new TCPSocket('h', 1) } make().closeImmediately()",
  'a function that is called before it is declared':
    "go(); function go() { end(new TCPSocket('h', 1)) } function end(s) { s.closeImmediately() }",
  self: "function A() { var self = this; self.s = new TCPSocket('h', 1); f(function () { self.s.closeImmediately() }) }",
  'the target of an event': "new TCPSocket('h', 1).onopen = (e) => e.target.closeImmediately()",
  'this of a handler': "new TCPSocket('h', 1).onopen = function () { this.closeImmediately() }",
  'a handler by name': "new TCPSocket('h', 1).onopen = go; function go(e) { e.target.closeImmediately() }",
  'a handler that is bound':
    "class A { f() { new TCPSocket('h', 1).onopen = this.g.bind(this) } g(e) { e.target.closeImmediately() } }",
  'an accepted socket': 'new TCPServerSocket(1025).onconnect = ({ socket }) => socket.closeImmediately()',
  'an accepted socket of the first generation':
    'navigator.mozTCPSocket.listen(1025).onconnect = (c) => c.closeImmediately()',
  'a listener of connect':
    "navigator.mozTCPSocket.listen(1025).addEventListener('connect', (e) => e.socket.closeImmediately())",
  'a promise':
    "new Promise((done) => { var s = new TCPSocket('h', 1); s.onopen = () => done(s) }).then((s) => s.closeImmediately())",
  await:
    "async function make() { return new TCPSocket('h', 1) } async function f() { (await make()).closeImmediately() }",
  'a list': "var all = []; all.push(new TCPSocket('h', 1)); all.forEach((s) => s.closeImmediately())",
  'a Map':
    "const all = new Map(); all.set(1, new TCPSocket('h', 1)); for (const s of all.values()) s.closeImmediately()",
  'a choice': "var s = x ? null : (y, new TCPSocket('h', 1)); s?.closeImmediately()",
  require: "const { TCPSocket: T } = require('moz-tcp-socket'); new T('h', 1).closeImmediately()",
  import: "import * as m from 'moz-tcp-socket'; m.mozTCPSocket.open('h', 1).closeImmediately()",
  'a compiled import':
    "var _t = require('emailjs-tcp-socket'); var _t2 = _interop(_t); function _interop(o) { return o && o.__esModule ? o : { default: o } } _t2.default.open('h', 1).closeImmediately()",
  call: "function end() { this.closeImmediately() } end.call(new TCPSocket('h', 1))",
  'a default': "function f(s = new TCPSocket('h', 1)) { s.closeImmediately() }",
}

for (const [way, code] of Object.entries(WAYS)) {
  test(`follows a socket through ${way}`, (t) => {
    const found = findings(code)
    t.is(found.filter(({ rule }) => rule === 'close-at-once').length, 1, JSON.stringify(found))
    t.false(found.some(({ rule }) => rule === 'looks-like'))
  })
}

/** Code that has nothing to do with it. */
const OTHERS = {
  'a variable of the same name':
    "function f(navigator) { navigator.mozTCPSocket.open('h', 1) } var TCPSocket = other; new TCPSocket('h', 0)",
  'a WebSocket': "var s = new WebSocket('ws://x'); s.onerror = f; s.send('x'); s.close(); s.readyState === 1",
  'sockets of node:net': "var s = require('net').connect(1); s.write('x'); s.on('data', f); s.end()",
  'a member of the same name': 'this.data = 1; worker.onmessage = (e) => e.data.buffer',
  'a string': "var s = 'navigator.mozTCPSocket.open(1)' // new TCPSocket",
}

for (const [what, code] of Object.entries(OTHERS)) {
  test(`finds nothing in ${what}`, (t) => {
    t.deepEqual(findings(code), [])
  })
}

test('TypeScript and JSX are read', (t) => {
  for (const [extension, code] of [
    [
      'ts',
      'const s = (new TCPSocket("h", 1) as any)!; function f(this: A, x: TCPSocket): void {} s.closeImmediately()',
    ],
    ['tsx', 'const s: TCPSocket = <TCPSocket>x</TCPSocket> && new TCPSocket("h", 1); s.closeImmediately()'],
    ['jsx', 'const s = new TCPSocket("h", 1); const e = <a onClick={() => s.closeImmediately()} />'],
    [
      'mts',
      'export class A { constructor(private s = new TCPSocket("h", 1)) {} end() { this.s.closeImmediately() } }',
    ],
  ]) {
    const found = findings(code, extension)
    t.is(
      found.filter(({ rule }) => rule === 'close-at-once').length,
      1,
      `${extension} ${JSON.stringify(found)}`,
    )
  }
})
