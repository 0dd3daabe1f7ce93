'use strict'

// `npm run tls:report`: meets TLS peers that others wrote, good ones and bad ones, and shows what an application sees of
// each, how many of its bytes the bad ones got, and what handshakes cost. `-- --write` puts that into
// docs/tls-conditions.md, `-- --check` says where that page differs. Needs the openssl and curl command line tools, and
// Linux: elsewhere TLS does not tell reasons.

const { readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { isDeepStrictEqual } = require('node:util')

const {
  INJECTIONS,
  REFUSED,
  VERIFIED,
  WAYS,
  observe,
  observeInjection,
} = require('./tls-report/conditions.js')
const { CONNECTIONS, measureCost } = require('./tls-report/cost.js')
const { CLIENTS, SERVERS, tryClient, tryServer } = require('./tls-report/interop.js')
const { scope } = require('../__test__/helpers/sockets.js')
const { describeMachine } = require('../benchmark/lib/machine.js')

const PAGE = join(__dirname, '..', 'docs', 'tls-conditions.md')

const COST = '## What a handshake costs'
const DECISIONS = '## Decisions'

/** Runs `work` with a scope of its own, as a test has one, and tears it down. */
async function scoped(work) {
  const tearDowns = []
  try {
    return await work(scope({ teardown: (tearDown) => tearDowns.push(tearDown) }))
  } finally {
    for (const tearDown of tearDowns) await tearDown()
  }
}

const code = (text) => (text ? `\`${text}\`` : '')
const row = (...cells) => `| ${cells.join(' | ')} |`
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((cells) => row(...cells)).join('\n')

/** What both ways led to, which is the same but for the bytes; else this throws. */
function agreed(what, [first, second]) {
  const [{ leaked: _, ...one }, { leaked: __, ...other }] = [first, second]
  if (!isDeepStrictEqual(one, other)) {
    throw new Error(`${what}: ${JSON.stringify(one)} at once, ${JSON.stringify(other)} after STARTTLS`)
  }
  return one
}

/** The error of what was observed, for a cell. */
const result = ({ name, message, errorCode }) => (name ? `${code(name)}<br>${message} ${errorCode}` : 'open')

async function conditionRow(condition) {
  const seen = WAYS.map((way) => scoped((own) => observe(own, condition, way)))
  const outcome = agreed(condition.what, await Promise.all(seen))
  const leaked = (await Promise.all(seen)).map((each) => each.leaked)
  return [condition.what, code(condition.peer), result(outcome), outcome.reason, leaked.join(', ')]
}

async function conditionTable(conditions, lastHead) {
  // What waits for a deadline waits beside the others.
  const early = new Map()
  for (const condition of conditions) {
    if (condition.takesLong) early.set(condition, conditionRow(condition))
  }
  const rows = []
  for (const condition of conditions) rows.push(early.get(condition) ?? (await conditionRow(condition)))
  return table(['condition', 'server', 'error', 'data.reason', lastHead], await Promise.all(rows))
}

async function injectionTable() {
  const rows = []
  for (const injection of INJECTIONS) {
    const outcome = await scoped((own) => observeInjection(own, injection))
    const injected = outcome.injected ? `${outcome.injected} the upgrade` : 'never'
    rows.push([injection.what, result(outcome), outcome.reason, injected, outcome.leaked])
  }
  return table(['plaintext', 'error', 'data.reason', 'is data', 'bytes that leaked'], rows)
}

async function interopRows(peers, attempt) {
  const rows = []
  for (const peer of peers) {
    const [protocol, cipher, ...more] = await scoped((own) => attempt(own, peer))
    rows.push([peer.what, protocol, code(cipher), ...more])
  }
  return rows
}

async function costSection() {
  const { cpu, cores } = describeMachine()
  const rows = await measureCost()
  const head = ['', 'ms', 'node:tls', 'ratio', 'CPU, µs', 'node:tls', 'ratio']
  return `${COST}

A client on the loopback, and a server of node:tls in a process of its own with a P-256 certificate; one connection at a time. Each figure
is the median of ${CONNECTIONS}; a ratio is this package divided by node:tls, and the two take turns. Time is from the call to \`open\` (or
\`secureConnect\`), CPU time that of the process with all its threads until \`close\`. node:tls has one secure context for all connections:
without, each of its handshakes costs a new one. Measured with Node.js ${process.versions.node} on ${cores} cores of ${cpu}.

${table(head, rows)}

Absolute figures are those of one machine, so this is measured when the page is made, and not compared by the tests.
[performance.md](performance.md) has more handshakes at a time, and other runtimes.
`
}

/** What is written in the page from `heading` to the next one. */
function written(heading) {
  const page = readFileSync(PAGE, 'utf8')
  const begin = page.indexOf(heading)
  return page.slice(begin, page.indexOf('\n## ', begin))
}

/** `withCost`: with costs that are measured now, rather than those that are written. */
async function report(withCost) {
  // By itself, before anything else keeps the machine busy.
  const cost = withCost ? await costSection() : written(COST)
  // Some of these wait for a deadline, so the rest is done meanwhile.
  const refused = conditionTable(REFUSED, 'bytes that leaked')
  const verified = await conditionTable(VERIFIED, 'bytes that it got')
  const injected = await injectionTable()
  const head = ['', 'protocol', 'cipher', 'ALPN', 'second connection']
  const servers = table(head, await interopRows(SERVERS, tryServer))
  const clients = table(head, await interopRows(CLIENTS, tryClient))
  return `# TLS: conditions and peers

\`npm run tls:report\` meets each of these peers and makes this page, but for its decisions. It is part of the tests that it still says so.
\`s_server\`, \`s_client\` and curl are the ones of the system, and thus not the OpenSSL that is built in here. Files are
throwaway certificates of \`__test__/helpers/pki-matrix.js\`.

## What each condition leads to

Each server is met twice: with \`useSecureTransport\`, and with \`upgradeToSecure()\` behind a plain line. Both lead to the same error. The
client trusts the root of the certificates, wants \`localhost\` where nothing else is said, and sends 64 bytes as soon as it may: in
\`open\`, and right after \`upgradeToSecure()\`. The last column counts those that the server deciphered, or that crossed the wire in the
clear, both ways. An error has its name, its class (\`event.message\`) and \`errorCode\`.

### The server is refused

${await refused}

What is called \`NetworkTimeoutError\` comes 30 seconds after the beginning of the handshake.

### The server was verified

${verified}

### Somebody injects plaintext into STARTTLS

A line in the clear arrives with the server's go-ahead, or after it. The application calls \`upgradeToSecure()\` when it gets the go-ahead,
and sends 64 bytes.

${injected}

What is in one event with the go-ahead, the application sees before it decides to go on.

## Our client and servers of others

A line goes there and one comes back, on each of two connections, of which the second may take up the session of the first.

${servers}

## Our server and clients of others

${clients}

${cost}
${written(DECISIONS)}
## What a platform cannot do

That is a table of [api.md](api.md#platforms), and nowhere else.
`
}

/** Lines without the padding that the formatter gives to tables. */
function lines(page) {
  return page.split('\n').map((line) => line.replace(/ *\| */g, '|').replace(/-{3,}/g, '---'))
}

async function main() {
  const page = await report(!process.argv.includes('--check'))
  if (process.argv.includes('--write')) {
    writeFileSync(PAGE, page)
  } else if (process.argv.includes('--check')) {
    const [found, expected] = [lines(page), lines(readFileSync(PAGE, 'utf8'))]
    const differing = found.filter((line, index) => line !== expected[index])
    for (const line of differing) console.error(`not in docs/tls-conditions.md: ${line}`)
    if (differing.length > 0 || found.length !== expected.length) process.exitCode = 1
  } else {
    process.stdout.write(page)
  }
}

main()
