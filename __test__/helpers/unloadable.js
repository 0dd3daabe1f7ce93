'use strict'

// Copies of the package whose engine cannot be loaded, each in one of the ways that users meet. What has to be wrong with
// a binary is made with a compiler: the system's own loader then says what it says of a real one.

const { execFileSync, spawnSync } = require('node:child_process')
const { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { name: own, napi, version } = require('../../package.json')
const { thisPlatform } = require('../../lib/platform/machine.js')

const root = join(__dirname, '..', '..')
const { name: platform } = thisPlatform()
const binary = `${napi.binaryName}.${platform}.node`

/** A directory for the test `t`, which is removed after it. */
function directoryFor(t) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-load-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/**
 * The package without an engine, as a package manager installs it. Returns its directory, and `platformPackage` to put
 * that of this machine beside it.
 */
function installed(t) {
  const directory = directoryFor(t)
  // Deno takes a directory with this for a project, whose packages it may read.
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ dependencies: { [own]: version } }))
  const modules = join(directory, 'node_modules')
  const main = join(modules, own)
  for (const part of ['package.json', 'index.js', 'register.js', 'lib']) {
    cpSync(join(root, part), join(main, part), { recursive: true })
  }
  return {
    main,
    /** `fill` gets the file where the engine belongs. */
    platformPackage(fill, packageVersion = version) {
      const beside = join(modules, `${own}-${platform}`)
      mkdirSync(beside)
      const manifest = { name: `${own}-${platform}`, version: packageVersion, main: binary }
      writeFileSync(join(beside, 'package.json'), JSON.stringify(manifest))
      fill(join(beside, binary))
      return join(beside, binary)
    },
  }
}

/** Compiles a library for the place `file`, with the words of `flags`. */
function compile(file, source, ...flags) {
  const from = `${file}.c`
  writeFileSync(from, source)
  execFileSync('gcc', ['-shared', '-fPIC', '-nostdlib', '-o', file, from, ...flags], { stdio: 'pipe' })
}

/** A program that asks for the dynamic loader `loader`, as Node.js does for another C library. It cannot be run. */
function programFor(t, loader) {
  const file = join(directoryFor(t), 'program')
  writeFileSync(`${file}.c`, 'void begin(void) {}')
  const flags = ['-nostdlib', '-pie', '-Wl,-e,begin', `-Wl,--dynamic-linker,${loader}`]
  execFileSync('gcc', ['-o', file, `${file}.c`, ...flags], { stdio: 'pipe' })
  return file
}

/** A library that wants something in the version `wanted` of the C library. */
function wantsLibcVersion(file, wanted) {
  const script = `${file}.map`
  writeFileSync(script, `${wanted} { global: wanted_by_the_test; };`)
  const stub = `${file}.libc.so`
  compile(stub, 'void wanted_by_the_test(void) {}', '-Wl,-soname,libc.so.6', `-Wl,--version-script,${script}`)
  compile(file, 'void wanted_by_the_test(void); void use(void) { wanted_by_the_test(); }', stub)
}

/** A library that needs the C library called `soname`, as every binary for another one does. */
function needsLibrary(file, soname) {
  const stub = `${file}.stub.so`
  compile(stub, 'void wanted_by_the_test(void) {}', `-Wl,-soname,${soname}`)
  compile(file, 'void wanted_by_the_test(void); void use(void) { wanted_by_the_test(); }', stub)
}

/** What a program says that requires the package in `main`: the error's message, or "loaded". */
function load(main, { command = process.execPath, flags = [], env = {}, before = '' } = {}) {
  const cwd = join(main, '..', '..')
  const program = join(cwd, 'program.cjs')
  const lines = [
    before,
    `try { require('${own}'); console.log('loaded') }`,
    "catch (error) { console.log(error.message); console.log(error.cause ? 'with a cause' : 'without a cause') }",
  ]
  writeFileSync(program, lines.join('\n'))
  const { stdout, stderr, status } = spawnSync(command, [...flags, program], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: '', NODE_OPTIONS: '', ...env },
    timeout: 60_000,
  })
  return { said: stdout.split('\n')[0], hasCause: stdout.includes('with a cause'), status, stderr }
}

module.exports = {
  binary,
  directoryFor,
  installed,
  load,
  needsLibrary,
  platform,
  programFor,
  wantsLibcVersion,
}
