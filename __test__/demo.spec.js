'use strict'

// `npm run demo` as a newcomer runs it: the app of 2013 on the embedded server, and the command line.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const vm = require('node:vm')

const test = require('ava')

const { UsageError, parse } = require('../examples/runner/arguments.js')
const { makeCertificates } = require('../examples/server/certificate.js')
const { runDemo } = require('./fixtures/demo/run.js')
const { toldName } = require('./helpers/tls-peers.js')

/** Of the largest message: it is made up, but the same in every run. */
const LARGEST = '1a4ab81176768d59b5aee4a8debd82cd6fb0a452f8fd0c2cb543ab14ed8df6cb'

test.serial('the demo reads its mailbox over plain, STLS and implicit TLS connections', async (t) => {
  const { code, signal, out, err } = await runDemo(t)
  t.deepEqual({ code, signal, err }, { code: 0, signal: null, err: '' }, out)
  const story = [
    /made up 320 messages, 68\.\d MB; the largest has 53\.0 MB/,
    /listening: port \d+ \(plain, a TCPServerSocket\)/,
    /^1\. Plain, binaryType "string"$/,
    /C: PASS \*{8}$/,
    /C: RETR 1$/,
    /100 % +68\.\d of 68\.\d MB, 320 of 320 messages, \d+ MB\/s/,
    /C: QUIT/,
    /320 of 320 SHA-256 digests are those of the server/,
    /suspended the socket [1-9]\d* times/,
    /filled its send buffer [1-9]\d* times, and went on at "drain"/,
    /^2\. STLS, binaryType "arraybuffer"$/,
    /C: STLS$/,
    /Upgraded to TLS; the certificate is verified/,
    /C: USER/,
    /320 of 320 SHA-256 digests are those of the server/,
    /^3\. Implicit TLS, binaryType "arraybuffer"$/,
    /the certificate is verified/,
    /S: \+OK Embedded POP3 server ready/,
    /320 of 320 SHA-256 digests are those of the server/,
    /^4\. The same TLS server, its authority not trusted$/,
    new RegExp(`refused: ${toldName('SecurityUntrustedCertificateIssuerError')}`),
    /^ +plain +string +320 .* MB\/s +equal$/,
    /^ +STLS +arraybuffer +320 .* MB\/s +equal$/,
    /^ +TLS +arraybuffer +320 .* MB\/s +equal$/,
    new RegExp(`^ +${LARGEST}$`),
    /all 960 messages arrived as they are on the server/,
  ]
  const lines = out.split('\n')
  for (const part of story) {
    const at = lines.findIndex((line) => part.test(line))
    if (at === -1) t.log(out)
    t.not(at, -1, `${part} is missing, or not in its place`)
    lines.splice(0, at + 1)
  }
})

test.serial('the demo writes plain text to what is not a terminal', async (t) => {
  const { code, out } = await runDemo(t, ['--digests'], { env: { FORCE_COLOR: '1' } })
  t.is(code, 0)
  t.notRegex(out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  const digests = [...out.matchAll(/^ +([\da-f]{64}) +(\d+) +#(\d+)$/gm)]
  t.deepEqual(
    digests.map(([, , , number]) => Number(number)),
    Array.from({ length: 320 }, (_, index) => index + 1),
  )
  t.is(digests.filter(([, sha256]) => sha256 === LARGEST).length, 1)
})

test.serial('the demo fails when a message is not stored as it is on the server', async (t) => {
  const nodeArgs = ['--require', require.resolve('./fixtures/demo/careless-device.js')]
  const { code, out } = await runDemo(t, [], { nodeArgs })
  t.is(code, 1)
  t.is(out.split('319 of 320 SHA-256 digests are those of the server; different: 7').length, 4, out)
  t.regex(out, /NOT all messages arrived/)
  t.notRegex(out, /all 960 messages/)
})

test('the app finds the socket API, and nothing of Node.js', (t) => {
  require('../register.js')
  const { startApp } = require('../examples/runner/sandbox.js')
  const app = startApp()
  const of = (names) => vm.runInContext(`[${names.map((name) => `typeof ${name}`)}].join()`, app)
  t.is(
    of(['require', 'module', 'process', 'Buffer', 'global', 'setImmediate']),
    Array(6).fill('undefined').join(),
  )
  t.is(of(['navigator.mozTCPSocket.open', 'window.checkMail']), 'function,function')
})

test('the app is written in the JavaScript of 2013', (t) => {
  const directory = path.join(__dirname, '..', 'examples', 'mail-check')
  for (const name of fs.readdirSync(directory)) {
    const code = fs.readFileSync(path.join(directory, name), 'utf8').replace(/\/\*[^]*?\*\//g, '')
    for (const later of [
      /=>/,
      /`/,
      /\b(let|const|class|async|await|Promise)\b/,
      /\.{3}/,
      /,\s*\)/,
      /\?\.|\?\?/,
    ]) {
      t.notRegex(code, later, name)
    }
  }
})

// Left over from whoever runs the tests, it would be taken for the password that is missing.
delete process.env.POP3_PASSWORD

test('a URL says how to connect, where and as whom', (t) => {
  const of = (url) => parse([url]).account
  t.deepEqual(of('pop3s://reader:secret@mail.example.org'), {
    host: 'mail.example.org',
    port: 995,
    user: 'reader',
    password: 'secret',
    security: 'tls',
    patience: 30,
  })
  t.deepEqual(of('pop3://a%40b.org:p%3A%2F%C3%A9@[::1]:1110/'), {
    host: '::1',
    port: 1110,
    user: 'a@b.org',
    password: 'p:/é',
    security: 'starttls',
    patience: 30,
    allowPlain: true,
  })
  t.is(of('pop3://u:p@mail.example.org').port, 110)
  t.is(of('pop3://u:p@mail.example.org').allowPlain, undefined)
  t.is(of('pop3://u:p@b%C3%BCcher.example').host, 'bücher.example')
})

test('options say what to fetch, and whom to trust', (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'demo-'))
  t.teardown(() => fs.rmSync(directory, { recursive: true }))
  const file = path.join(directory, 'ca.pem')
  const { ca } = makeCertificates(['localhost'])
  fs.writeFileSync(file, ca)
  const url = 'pop3://u:p@mail.example.org'
  const { account, last, digests } = parse([url, '--ca', file, '--last', '7', '--allow-plain', '--digests'])
  t.deepEqual([account.ca, account.allowPlain, last, digests], [ca, true, 7, true])
  t.is(parse([url]).last, 300)
  t.is(parse([url, '--last', '0']).last, Infinity)
  t.is(parse([url, '--timeout', '5']).account.patience, 5)
})

test.serial('the password may come from the environment', (t) => {
  process.env.POP3_PASSWORD = 'from there'
  t.teardown(() => delete process.env.POP3_PASSWORD)
  t.is(parse(['pop3s://u@mail.example.org']).account.password, 'from there')
  t.is(parse(['pop3s://u:here@mail.example.org']).account.password, 'here')
})

for (const [what, args, message] of [
  ['something that is no URL', ['mail.example.org'], /That is not a URL/],
  ['a port that is none', ['pop3s://u:hush@mail.example.org:99999'], /That is not a URL/],
  ['another scheme', ['imap://u:hush@mail.example.org'], /must start with pop3/],
  ['no host', ['pop3s:///'], /has no host/],
  ['no user', ['pop3s://mail.example.org'], /has no user name/],
  ['no password', ['pop3s://u@mail.example.org'], /has no password/],
  ['a bad escape', ['pop3s://u:hush%@mail.example.org'], /percent sign/],
  ['a path', ['pop3s://u:hush@mail.example.org/INBOX'], /Nothing may follow/],
  ['two URLs', ['pop3s://u:hush@a.example', 'pop3s://u:hush@b.example'], /One URL/],
  ['an unknown option', ['--hush'], /--hush/],
  ['a number that is none', ['pop3s://u:hush@mail.example.org', '--last', 'ten'], /--last takes a number/],
  ['no PEM file', ['pop3s://u:hush@mail.example.org', '--ca', __filename], /--ca: .* no certificate/],
  ['an option without its URL', ['--allow-plain'], /go with the URL/],
]) {
  test(`the command line refuses ${what}, without repeating a password`, (t) => {
    const error = t.throws(() => parse(args), { instanceOf: UsageError, message })
    if (args[0].startsWith('pop')) t.notRegex(error.message, /hush/)
  })
}

test('the demo tells what is wrong with its command line', async (t) => {
  const { code, signal, out, err } = await runDemo(t, ['imap://u:hush@mail.example.org'])
  t.deepEqual({ code, signal, out }, { code: 1, signal: null, out: '' })
  t.regex(err, /^The URL must start with pop3[^\n]*\n[^\n]*--help[^\n]*\n$/)
})

test('the demo explains itself', async (t) => {
  const { code, out, err } = await runDemo(t, ['--help'])
  t.deepEqual({ code, err }, { code: 0, err: '' })
  t.regex(out, /npm run demo -- URL/)
})
