'use strict'

// Writes THIRD-PARTY.txt: what others wrote and is compiled into the binaries, with its license, for every target in
// package.json. `--check` writes nothing, and fails where the file is not what would be written. Either fails where a
// crate comes without the text of a license that THIRD-PARTY.txt can give.

const { execFileSync } = require('node:child_process')
const { existsSync, readFileSync, readdirSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')

const { platformName } = require('../lib/platform/machine.js')
const { targets } = require('../package.json').napi
const { root } = require('./engine.js')

const file = join(root, 'THIRD-PARTY.txt')

/** Where a crate is under one of several, the first of these; and how its text is told from others. */
const LICENSES = {
  MIT: /Permission is hereby granted, free of charge/,
  ISC: /Permission to use, copy, modify, and\/or distribute/,
  'Apache-2.0': /Apache License\s+Version 2\.0/,
}

/** Crates that are published without their text: from the same authors' repository. */
const TEXTS = { napi: 'napi.txt', 'napi-sys': 'napi.txt' }

/** What is in the binaries and is no crate. */
const OTHERS = [
  { name: 'Rust standard library', license: 'MIT', text: 'rust-std.txt', where: () => true },
  {
    name: 'LLVM libunwind and compiler-rt',
    license: 'Apache-2.0 WITH LLVM-exception',
    text: 'llvm.txt',
    where: (target) => target.includes('linux'),
  },
]

const title = ({ name, version }) => `${name} ${version}`.trim()
const ownText = (name) => readFileSync(join(__dirname, 'licenses', name), 'utf8')

/** The packages that `target` has in its binary: what the crate depends on at run time, and OpenSSL's sources. */
function compiledIn(target) {
  const args = ['metadata', '--locked', '--format-version', '1', '--filter-platform', target]
  const { packages, resolve } = JSON.parse(
    execFileSync('cargo', args, {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const byId = new Map(packages.map((each) => [each.id, each]))
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]))
  const isMacro = (id) => byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'))
  const isOpenssl = (id) => byId.get(id).name === 'openssl-src'
  const found = new Set()
  const visit = (id) => {
    // Macros run in the compiler.
    if (found.has(id) || isMacro(id)) return
    found.add(id)
    // Carries OpenSSL; its own code and what it depends on run in the build.
    if (isOpenssl(id)) return
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (isOpenssl(pkg) || kinds.some(({ kind }) => kind === null)) visit(pkg)
    }
  }
  visit(resolve.root)
  found.delete(resolve.root)
  return [...found].map((id) => byId.get(id))
}

/** The license that is taken, of those that a crate offers. */
function choose({ name, license }) {
  const offered = (license ?? '').split(/\s*\/\s*|\s+OR\s+/)
  const chosen = Object.keys(LICENSES).find((id) => offered.includes(id))
  if (!chosen) throw new Error(`${name} is under "${license}", which this script does not know`)
  return chosen
}

function textOf(crate, license) {
  if (Object.hasOwn(TEXTS, crate.name)) return ownText(TEXTS[crate.name])
  const directory = dirname(crate.manifest_path)
  const texts = readdirSync(directory)
    .filter((name) => /^(?:licen[cs]e|copying)/i.test(name))
    .sort()
    .map((name) => readFileSync(join(directory, name), 'utf8'))
  const text = texts.find((each) => LICENSES[license].test(each))
  if (!text)
    throw new Error(`${crate.name} ${crate.version} comes without the text of its license, ${license}`)
  return text
}

function opensslOf(crate) {
  const text = readFileSync(join(dirname(crate.manifest_path), 'openssl', 'LICENSE.txt'), 'utf8')
  return { name: 'OpenSSL', version: crate.version.split('+')[1], license: 'Apache-2.0', text }
}

function crateOf(crate) {
  const license = choose(crate)
  return { name: crate.name, version: crate.version, license, text: textOf(crate, license) }
}

/** `{ name, version, license, text, targets }` of everything, sorted. */
function collect() {
  const components = new Map()
  const add = (component, target) => {
    const key = title(component)
    const known = components.get(key) ?? { ...component, targets: [] }
    known.targets.push(target)
    components.set(key, known)
  }
  for (const target of targets) {
    for (const crate of compiledIn(target)) {
      add(crate.name === 'openssl-src' ? opensslOf(crate) : crateOf(crate), target)
    }
    for (const { name, license, text, where } of OTHERS) {
      if (where(target)) add({ name, version: '', license, text: ownText(text) }, target)
    }
  }
  return [...components.values()].sort((a, b) => (title(a).toLowerCase() < title(b).toLowerCase() ? -1 : 1))
}

function render() {
  const components = collect()
  const place = (component) =>
    component.targets.length === targets.length ? 'all' : component.targets.map(platformName).join(', ')
  const rows = components.map((each) => `${title(each).padEnd(34)} ${each.license.padEnd(31)} ${place(each)}`)
  const byText = new Map()
  for (const component of components) {
    const text = normalize(component.text)
    byText.set(text, [...(byText.get(text) ?? []), component])
  }
  const texts = [...byText].map(
    ([text, those]) => `${'='.repeat(80)}\n${those.map(title).join('\n')}\n${'='.repeat(80)}\n\n${text}\n`,
  )
  return `Third-party software in the binaries of moz-tcp-socket

The binaries contain what is listed here, unchanged. Behind each is the license under which
it is used, and which binaries have it. The texts follow. scripts/third-party.js writes this file.

${rows.join('\n')}

${texts.join('\n')}`
}

function normalize(text) {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[ \t]+$/gm, '')
    .replaceAll(/^\n+|\s+$/g, '')
}

const rendered = render()
if (!process.argv.includes('--check')) {
  writeFileSync(file, rendered)
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== rendered) {
  console.error('THIRD-PARTY.txt is out of date: run "node scripts/third-party.js"')
  process.exitCode = 1
}
