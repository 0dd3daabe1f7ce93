'use strict'

// `node scripts/check-imports.js [ROOT]` keeps the sources in order: what can be read, tested and moved one by one stays so. It fails
// where
//
// - files of src/, or of lib/, import each other in a circle,
// - one of them has more than LONGEST lines,
// - the wall is broken: src/net names Node-API, or src/binding or lib/, but for lib/testing, has networking of its own,
// - something on a lower floor of src/net imports something on a higher one.

const { existsSync, readFileSync, readdirSync } = require('node:fs')
const { dirname, join, relative, resolve, sep } = require('node:path')

const { tangles } = require('./imports/circles.js')
const { readCrate } = require('./imports/rust.js')

/** The most lines of a file. */
const LONGEST = 450

/**
 * The floors of src/net, the lowest first: on each the names of folders and of files without `.rs`. What is on one may import what is
 * on it or below. While there are none nothing is checked; else each folder and file has to have its place.
 */
const FLOORS = [
  ['sync', 'sys', 'blocking', 'exhaustion', 'error', 'input', 'batch', 'credit'],
  ['tuning', 'local_end'],
  'tls',
  ['peer', 'ends'],
  'options',
  // What a report carries, and who makes reports.
  ['event', 'readiness'],
  ['policy', 'names'],
  ['timers', 'room'],
  'lingering',
  'context',
  ['connection', 'datagram', 'listen'],
]

/** What those parts of the sources may not name, and why. */
const WALL = [
  { under: 'src/net/', names: /^napi/, why: 'src/net is the engine, which knows nothing of Node' },
  {
    under: 'src/binding/',
    names: /^(?:tokio::net|std::net::(?:Tcp|Udp)|socket2|openssl|native_tls|tokio_native_tls)/,
    why: 'src/binding has no networking of its own',
  },
  {
    under: 'lib/',
    // Peers for tests, of Node's sockets: nothing that sockets of this package are made of.
    except: 'lib/testing/',
    names: /^(?:node:)?(?:dgram|dns|http|http2|https|net|tls)(?:\/|$)/,
    why: 'lib has no networking of its own',
  },
]

const REQUIRE = /\brequire\(\s*['"]([^'"]+)['"]\s*\)/g
const COMMENT = /^\s*\/\/.*|\/\*[^]*?\*\//gm

/** The files below `folder` of `root` that end in `extension`. */
function filesIn(root, folder, extension) {
  const directory = join(root, folder)
  if (!existsSync(directory)) return []
  const names = readdirSync(directory, { recursive: true }).filter((name) => name.endsWith(extension))
  return names.sort().map((name) => join(directory, name))
}

/** What the CommonJS modules `files` require: as `readCrate` tells it of Rust. */
function readModules(files) {
  const imports = []
  const foreign = []
  for (const from of files) {
    const code = readFileSync(from, 'utf8').replace(COMMENT, (text) => text.replace(/[^\n]/g, ' '))
    for (const { 1: name, index } of code.matchAll(REQUIRE)) {
      const line = code.slice(0, index).split('\n').length
      if (name.startsWith('.')) imports.push({ from, to: resolve(dirname(from), name), line })
      else foreign.push({ from, name, line })
    }
  }
  return { imports, foreign }
}

/** What is wrong with the sources below `root`: a message for each. `floors` are as FLOORS, of which other sources have none. */
function check(root, floors = []) {
  const show = (file) => relative(root, file).replaceAll(sep, '/')
  const at = ({ from, line }) => `${show(from)}:${line}`
  const rust = filesIn(root, 'src', '.rs')
  const javascript = filesIn(root, 'lib', '.js')
  if (rust.length + javascript.length === 0)
    return [`${root} has neither Rust in src/ nor JavaScript in lib/`]

  const crate =
    rust.length > 0 ? readCrate(join(root, 'src/lib.rs')) : { files: [], imports: [], foreign: [] }
  const modules = readModules(javascript)
  const imports = [...crate.imports, ...modules.imports]
  const problems = []

  const known = new Set(crate.files)
  for (const file of rust) if (!known.has(file)) problems.push(`${show(file)}: no module declares this file`)

  for (const file of [...rust, ...javascript]) {
    const lines = readFileSync(file, 'utf8').split('\n').length - 1
    if (lines > LONGEST) problems.push(`${show(file)}: ${lines} lines, and the most is ${LONGEST}`)
  }

  for (const { files, circles } of tangles(imports)) {
    const lines = [`${files.length} files import each other: ${files.map(show).join(', ')}`]
    for (const circle of circles) {
      lines.push(`  ${[...circle, circle[0]].map(({ from }) => show(from)).join(' -> ')}`)
      for (const edge of circle) lines.push(`    ${at(edge)} imports ${show(edge.to)}`)
    }
    problems.push(lines.join('\n'))
  }

  for (const edge of [...crate.foreign, ...modules.foreign]) {
    for (const { under, except, names, why } of WALL) {
      const file = show(edge.from)
      const isWithin = file.startsWith(under) && !(except && file.startsWith(except))
      if (isWithin && names.test(edge.name)) problems.push(`${at(edge)} names ${edge.name}: ${why}`)
    }
  }
  for (const edge of imports) {
    const [from, to] = [edge.from, edge.to].map(show)
    if (from.startsWith('lib/') && !from.startsWith('lib/testing/') && to.startsWith('lib/testing/')) {
      problems.push(`${at(edge)} imports ${to}: lib/testing is for tests alone`)
    }
    if (show(edge.from).startsWith('src/net/') && show(edge.to).startsWith('src/binding/')) {
      problems.push(
        `${at(edge)} imports ${show(edge.to)}: src/net is the engine, which knows nothing of Node`,
      )
    }
  }

  return floors.length > 0 ? [...problems, ...checkFloors(floors, { rust, imports, show, at })] : problems
}

function checkFloors(floors, { rust, imports, show, at }) {
  /** The folder or file of src/net that `file` is in; undefined for those elsewhere, and for the mod.rs above all floors. */
  const partOf = (file) => {
    const [, part] = /^src\/net\/([^/]+?)(?:\.rs)?(?:\/|$)/.exec(show(file)) ?? []
    return part === 'mod' ? undefined : part
  }
  const floorOf = (part) => floors.findIndex((names) => [names].flat().includes(part))
  const problems = []
  const parts = new Set(rust.map(partOf).filter((part) => part !== undefined))
  for (const part of parts) if (floorOf(part) === -1) problems.push(`src/net/${part}: is on no floor`)
  for (const part of floors.flat()) if (!parts.has(part)) problems.push(`floor ${part}: is not in src/net`)
  for (const edge of imports) {
    const [from, to] = [edge.from, edge.to].map(partOf)
    if (from === undefined || to === undefined || from === to) continue
    if (floorOf(from) < floorOf(to))
      problems.push(`${at(edge)} imports ${show(edge.to)}: that is on a higher floor`)
  }
  return problems
}

if (require.main === module) {
  const ours = join(__dirname, '..')
  const root = resolve(process.argv[2] ?? ours)
  const problems = check(root, root === ours ? FLOORS : [])
  for (const problem of problems) console.error(problem)
  console.log(problems.length === 0 ? 'Imports run one way.' : `${problems.length} problems`)
  process.exitCode = problems.length === 0 ? 0 : 1
}

module.exports = { LONGEST, check }
