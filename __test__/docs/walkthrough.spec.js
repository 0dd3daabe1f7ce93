'use strict'

// The steps of docs/walkthrough.md, one after the other, as a reader does them: in a copy of examples/walkthrough, with the commands that the
// page has. What they print is what the page says.

const { execFile, spawn } = require('node:child_process')
const { cpSync, readFileSync, readdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { hasChromium, launch } = require('../helpers/chromium.js')
const { directory, root } = require('../helpers/examples.js')
const { testOn, testWhere } = require('../helpers/needs.js')

const examples = join(root, 'examples', 'walkthrough')
const cli = join(root, 'packages', 'dev', 'bin', 'moz-tcp-socket.js')
const page = readFileSync(join(root, 'docs', 'walkthrough.md'), 'utf8')

/** By name: `{ command, output }` of each step. */
const steps = Object.fromEntries(
  [...page.matchAll(/^<!-- step: (\S+) -->\n\n```\n\$ (.*)\n([^]*?)^```$/gm)].map(
    ([, name, command, output]) => [name, { command, output }],
  ),
)

/** A copy of the example, whose app asks the server at `port`. */
function copy(t, port) {
  const cwd = directory(t, {}, ['moz-tcp-socket-dev'])
  cpSync(examples, cwd, { recursive: true })
  for (const app of ['found', 'mended']) {
    const file = join(cwd, app, 'js', 'settings.js')
    writeFileSync(file, readFileSync(file, 'utf8').replace('1995', port))
  }
  return cwd
}

/** Starts what a step says, which is `{ child, says(text), output() }`; it is stopped when the test ends. */
function start(t, name, cwd, [from, to] = ['', '']) {
  const command = steps[name].command.replace('npx moz-tcp-socket', `"${process.execPath}" "${cli}"`)
  const env = { ...process.env, NO_COLOR: '1', XDG_DATA_HOME: join(cwd, 'data') }
  for (const key of ['NODE_TEST_CONTEXT', 'FORCE_COLOR', 'NODE_EXTRA_CA_CERTS']) delete env[key]
  // `exec`: the signal that stops it is for the program, and not for a shell before it.
  const line = command.replace(from, to).replace(/^((?:\w+=\S+ )*)/, '$1exec ')
  const child = spawn('sh', ['-c', line.includes('|') ? line.replace('exec ', '') : line], { cwd, env })
  t.teardown(() => child.kill('SIGKILL'))
  let printed = ''
  const waiting = []
  const look = () => {
    for (const { text, resolve } of waiting) if (printed.includes(text)) resolve()
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      printed += text
      look()
    })
  }
  const ended = new Promise((resolve) => child.once('close', resolve))
  const says = (text) => {
    const heard = new Promise((resolve) => waiting.push({ text, resolve }))
    look()
    const early = ended.then(() => {
      if (!printed.includes(text)) throw new Error(`${name} ended without "${text}": ${printed}`)
    })
    return Promise.race([heard, early])
  }
  return { child, ended, says, output: () => printed }
}

/** The mail server of the page, with its certificate, at a port that is free, and a copy whose app asks it. */
async function prepare(t) {
  const place = copy(t, '0')
  await new Promise((resolve, reject) => {
    execFile('sh', ['-c', steps.certificate.command], { cwd: place }, (error) =>
      error ? reject(error) : resolve(),
    )
  })
  const server = start(t, 'server', place, ['server.js', 'server.js 0'])
  await server.says('\n')
  const [port] = /\d+/.exec(server.output())
  t.is(server.output().replace(port, '1995'), steps.server.output)
  const cwd = copy(t, port)
  for (const name of ['cert.pem', 'key.pem']) cpSync(join(place, name), join(cwd, name))
  return { cwd, port }
}

/** Runs an app until it has printed what the page says, and Ctrl+C ends it. */
async function runApp(t, name, cwd) {
  const app = start(t, name, cwd)
  await app.says('\n')
  t.is(app.output(), steps[name].output)
  app.child.kill('SIGINT')
  t.is(await app.ended, 0)
  t.is(app.output(), steps[name].output)
}

/** Elsewhere another shell is at hand, and errors of TLS have other names. */
const onLinux = testOn(test, process.platform === 'linux', 'Linux')

onLinux(
  'the app as it was found refuses a server that nobody trusts, and counts with one that is trusted',
  async (t) => {
    t.timeout(60_000)
    const { cwd } = await prepare(t)
    await runApp(t, 'first-run', cwd)
    await runApp(t, 'trusted-run', cwd)
  },
)

for (const name of ['test-found', 'test-mended']) {
  onLinux(`${name}: the tests of the app end as the page says`, async (t) => {
    t.timeout(60_000)
    const tests = start(t, name, copy(t, '1995'))
    await tests.ended
    t.is(tests.output(), steps[name].output)
  })
}

testWhere(
  test,
  hasChromium,
  'chromium',
)('the mended app shows its answer in a browser', async (t) => {
  t.timeout(60_000)
  const { cwd, port } = await prepare(t)
  const serving = start(t, 'serve', cwd, ['1995', port])
  await serving.says('Ctrl+C')
  const [url] = /http:\S+/.exec(serving.output())
  const browser = await launch()
  t.teardown(() => browser.close())
  const tab = await browser.newPage()
  await tab.goto(url)
  await tab.waitForFunction(() => document.querySelector('#answer').textContent !== '…')
  t.is(await tab.textContent('#answer'), '2 messages')
})

test('the page shows each file that a reader has to know, and each step is run', (t) => {
  const shown = [...page.matchAll(/^<<< \.\.\/examples\/walkthrough\/([\w/.-]+)/gm)].map(([, file]) => file)
  for (const file of ['found/manifest.webapp', 'found/js/app.js', 'mended/js/check.js', 'check.test.js']) {
    t.true(shown.includes(file), file)
  }
  for (const file of shown) t.notThrows(() => readFileSync(join(examples, file)), file)
  t.deepEqual(Object.keys(steps), [
    'certificate',
    'server',
    'first-run',
    'trusted-run',
    'test-found',
    'test-mended',
    'serve',
  ])
})

test('the app is mended in one file, and is still written in the JavaScript of 2013', (t) => {
  const read = (app, file) => readFileSync(join(examples, app, file), 'utf8')
  for (const file of ['manifest.webapp', 'index.html', 'js/app.js', 'js/settings.js']) {
    t.is(read('mended', file), read('found', file), file)
  }
  t.not(read('mended', 'js/check.js'), read('found', 'js/check.js'))
  for (const app of ['found', 'mended']) {
    for (const file of readdirSync(join(examples, app, 'js'))) {
      const code = read(app, join('js', file))
      for (const later of [/=>/, /`/, /\b(?:let|const|class|async|await|Promise)\b/]) t.notRegex(code, later)
    }
  }
})
