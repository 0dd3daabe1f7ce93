'use strict'

// `npm run test:faults [-- NAME …]`: the fault suite of __test__/faults, or those of its files whose name begins with NAME
// (`network`, `os/descriptors`). Files in which a test fails are run once more by themselves. Prints a table of what was done and what
// went wrong; `--write` puts it into docs/reliability.md.
// The last line is "N passed, N failed".

const { spawn } = require('node:child_process')
const { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join, sep } = require('node:path')
const { stripVTControlCharacters } = require('node:util')

const { root } = require('./engine.js')

const folder = join('__test__', 'faults')
const page = join(root, 'docs', 'reliability.md')
const BEGIN = '<!-- table of npm run test:faults -->'
const END = '<!-- end of the table -->'

/** Milliseconds. A suite that has not ended by then is killed, and has failed. */
const LIMIT = 20 * 60_000

function filesOf(names) {
  const all = readdirSync(join(root, folder), { recursive: true })
    .map((name) => name.replaceAll(sep, '/'))
    .filter((name) => name.endsWith('.spec.js'))
    .sort()
  const files = names.length > 0 ? all.filter((file) => names.some((name) => file.startsWith(name))) : all
  if (files.length === 0)
    throw new Error(`no file of ${folder} begins with ${names.join(' or ')}: ${all.join(', ')}`)
  return files.map((file) => join(folder, file))
}

/** Runs ava over `files`. Resolves with `{ output, status }`; `status` is `null` when it had to be killed. */
function runAva(files, ledger) {
  return new Promise((resolve, reject) => {
    const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
    const child = spawn(process.execPath, [ava, '--config', 'faults.config.mjs', ...files], {
      cwd: root,
      env: { ...process.env, MOZ_TCP_SOCKET_FAULT_LEDGER: ledger },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: LIMIT,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (text) => {
      process.stdout.write(text)
      output += stripVTControlCharacters(text)
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ output, status }))
  })
}

function linesOf(ledger) {
  const text = readFileSync(ledger, 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

function tableOf(lines) {
  const sorted = lines.toSorted((a, b) => a.name.localeCompare(b.name) || a.fault.localeCompare(b.fault))
  const rows = sorted.map(
    ({ name, ids, fault, did, runs, lostBytes, wrongOrders, hangs, crashes, leaks }) => [
      ids.length > 0 ? `${fault} (${ids.join(', ')})` : fault,
      did,
      runs,
      lostBytes,
      wrongOrders,
      hangs,
      crashes,
      leaks,
      `\`npm run test:faults -- ${name}\``,
    ],
  )
  const head = [
    'fault',
    'what was done',
    'runs',
    'lost bytes',
    'wrong orders',
    'hangs',
    'crashes',
    'leaks',
    'command',
  ]
  const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}

function writePage(table) {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`${page} has lost the marks of its table`)
  writeFileSync(page, `${text.slice(0, from + BEGIN.length)}\n\n${table}\n\n${text.slice(to)}`)
}

/** Runs `files`. Resolves with what came of it. */
async function runRound(files, ledger) {
  writeFileSync(ledger, '')
  const { output, status } = await runAva(files, ledger)
  const passed = [...output.matchAll(/^\s*[✔√] (.+)$/gm)].map(([, title]) => title)
  return {
    output,
    status,
    lines: linesOf(ledger),
    passed: passed.length,
    passedIn: (some) =>
      passed.filter((title) => some.some((file) => title.startsWith(`${titleOf(file)} › `))).length,
    failed: [...output.matchAll(/^\s*[✘×] (.+)$/gm)].map(([, title]) => title),
    skipped: /(\d+) tests? skipped/.exec(output)?.[1],
  }
}

/** What the titles of a file's tests begin with, where there are several files: `network › windows`. */
const titleOf = (file) =>
  file
    .slice(folder.length + 1)
    .replace(/\.spec\.js$/, '')
    .replaceAll(sep, ' › ')
    .replaceAll('/', ' › ')

/** Those of `files` in which a test failed; all of them where that cannot be told. */
function failedFiles(output, files) {
  const titles = [...output.matchAll(/^\s*[✘×] \[fail\]: (.+)$/gm)].map(([, title]) => title)
  const found = files.filter((file) => titles.some((title) => title.startsWith(`${titleOf(file)} › `)))
  return found.length > 0 ? found : files
}

async function main() {
  const args = process.argv.slice(2)
  const names = args.filter((arg) => arg !== '--write')
  const scratch = mkdtempSync(join(tmpdir(), 'faults-'))
  try {
    const files = filesOf(names)
    let round = await runRound(files, join(scratch, 'first'))
    const again = round.status === 0 ? [] : failedFiles(round.output, files)
    if (again.length > 0) {
      // Faults of networks and clocks, in real time: another program of the machine can make one test miss its moment, but not twice.
      console.log(`\nfailed, and run again by themselves: ${again.join(', ')}\n`)
      const second = await runRound(again, join(scratch, 'second'))
      const kept = round.lines.filter(({ name }) => !again.includes(join(folder, `${name}.spec.js`)))
      const others = again.length === files.length ? 0 : round.passed - round.passedIn(again)
      round = { ...second, passed: others + second.passed, lines: [...kept, ...second.lines] }
    }
    const table = tableOf(round.lines)
    console.log(`\n${table}\n`)
    if (args.includes('--write')) writePage(table)
    for (const name of round.failed) console.log(`failed: ${name}`)
    if (round.skipped) console.log(`${round.skipped} skipped: see above for what they need`)
    const count = round.status === 0 ? 0 : Math.max(1, round.failed.length)
    console.log(`${round.passed} passed, ${count} failed`)
    process.exitCode = round.status === 0 && round.passed > 0 ? 0 : 1
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

main()
