'use strict'

// Loads the native engine: the file that a clone has built, else the one in the package of this platform, which is an
// optional dependency. Where that fails the first sentence of the error says which of three things is the matter: nobody
// built an engine for this platform, its package is not installed, or it is there and the system does not load it.
// napi-rs can generate a loader too, but that one tries everything and hides the reason among the guesses.

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const { napi, name: own, version } = require('../../package.json')
const packages = require('./packages.js')
const { thisPlatform } = require('./machine.js')

const root = join(__dirname, '..', '..')

/** What this package takes from the engine. */
const NAMES = [
  'ARENA',
  'EventChannel',
  'EventKind',
  'NOT_WRITTEN',
  'TCPServerSocket',
  'TCPSocket',
  'TlsConfig',
  'UDPSocket',
  'ipVersion',
  'processPolicy',
  'reportException',
  'setProcessPolicy',
  'settleClosed',
  'sharesTlsSessions',
]

/** What the system says, and what that means. */
const HINTS = [
  [
    /addons is disabled/,
    'Node.js was started with --no-addons, or with the permission model and without --allow-addons.',
  ],
  [
    /Access to this API has been restricted/,
    'With the permission model, Node.js has to be allowed to read that file.',
  ],
  [/NotCapable|Requires \w+ access/, 'Deno has to be allowed that: --allow-ffi and --allow-read.'],
  [
    /version `GLIBC(?:XX)?_/,
    'The C library of this system is older than the engine needs (glibc 2.28 for a prebuilt one): update the system, ' +
      'or build the engine on it.',
  ],
  // The last is its name for Zig, and may be found where compilers have something else of that name.
  [
    /libc\.musl-|ld-musl-|libc\.so: /,
    'It was built for musl, and this system has another C library: install or build it here.',
  ],
  [
    /libc\.so\.6|ld-linux/,
    'It was built for glibc, and this system has another C library: install or build it here.',
  ],
  // Of a file that exists.
  [/^Error: cannot open shared object file/, 'It is for another processor: install or build it here.'],
  [
    /invalid ELF header|file too short|not a valid Win32|not a mach-o|slice is not valid|wrong ELF class|incompatible arch/i,
    'The file is damaged, or for another system: install or build it again.',
  ],
]

const CLONE =
  'in a clone of the repository run "npm run build", which needs Rust and a C compiler (see CONTRIBUTING.md)'

function failure(sentences, cause) {
  return new Error(`${own}: ${sentences.join(' ')}`, cause && { cause })
}

/** The engine is at `file`, or what is there makes it impossible to tell. */
function cannotLoad(file, cause) {
  // The system often names the file once more, and Node.js who required it.
  const [reason] = String(cause?.message ?? cause)
    .replace(`${file}: `, '')
    .split('\n')
  const hint = HINTS.find(([pattern]) => pattern.test(`${cause?.name}: ${reason}`))
  const end = /[.!]$/.test(reason) ? '' : '.'
  const sentence = `the engine in ${file} cannot be loaded: ${reason}${end}`
  return failure(hint ? [sentence, hint[1]] : [sentence], cause)
}

function open(file) {
  let engine
  try {
    engine = require(file)
  } catch (error) {
    throw cannotLoad(file, error)
  }
  const found = engine.engineVersion?.()
  if (found === version) {
    const missing = NAMES.find((name) => engine[name] === undefined)
    if (missing === undefined) return engine
    // In a clone, after the sources have changed.
    throw failure([
      `the engine in ${file} was built from other sources; run "npm run build". It has no ${missing}.`,
    ])
  }
  throw failure([
    `the engine in ${file} is of ${found ? `version ${found}` : 'an unknown version'}, and this package of version ` +
      `${version}; install both again, or in a clone run "npm run build".`,
  ])
}

/** The file that `resolve` finds for `request`, or undefined where there is none. */
function find(request, resolve) {
  try {
    return resolve()
  } catch (error) {
    if (error?.code === 'MODULE_NOT_FOUND') return undefined
    throw cannotLoad(request, error)
  }
}

/** A file to load instead, for tests and sanitizers. napi-rs gave the variable that name. */
function given() {
  try {
    return process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  } catch {
    // Deno may withhold the environment, and without it there is nothing given.
    return undefined
  }
}

function load() {
  const instead = given()
  if (instead) return open(instead)

  const { name, description } = thisPlatform()
  const file = join(root, `${napi.binaryName}.${name}.node`)
  const built = find(file, () => require.resolve(file))
  if (built) return open(built)

  const dependency = `${own}-${name}`
  const installed = packages[name] && find(dependency, packages[name])
  if (installed) {
    const { version: found } = require(`${dependency}/package.json`)
    if (found === version) return open(installed)
    throw failure([
      `${dependency} is of version ${found}, and this package of version ${version}; run "npm install ` +
        `${own}@${version}", which installs both.`,
    ])
  }

  if (!packages[name]) {
    throw failure([
      `there is no prebuilt engine for ${description}; to build one, ${CLONE}.`,
      `Prebuilt are ${Object.keys(packages).join(', ')}.`,
    ])
  }
  if (existsSync(join(root, 'Cargo.toml'))) {
    throw failure([`the engine for ${description} is not built yet; run "npm run build" in ${root}.`])
  }
  throw failure([
    `the package with the engine for ${description} is missing; run "npm install ${dependency}@${version}".`,
    'It is one of the optional dependencies, which --omit=optional leaves out, and a node_modules folder or lockfile of ' +
      'another system may lack.',
  ])
}

module.exports = load()
