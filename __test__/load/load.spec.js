'use strict'

// What a user reads where the engine cannot be loaded. The first sentence names the one of three cases that it is: nobody
// built an engine for this platform, its package is missing, or it is there and the system refuses it.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { copyFileSync, readFileSync, readdirSync, writeFileSync } = require('node:fs')
const { basename, join, relative } = require('node:path')

const { nodeFileTrace } = require('@vercel/nft')
const test = require('ava')

const { testOn, testWhere, hasTools, isGlibc } = require('../helpers/needs.js')
const { FROM, deno, newestNode } = require('../helpers/runtimes.js')
const {
  binary,
  directoryFor,
  installed,
  load,
  needsLibrary,
  platform,
  programFor,
  wantsLibcVersion,
} = require('../helpers/unloadable.js')
const { version } = require('../../package.json')

const root = join(__dirname, '..', '..')
const built = join(root, binary)
const withCompiler = (...args) => testWhere(test, isGlibc && hasTools('gcc'), 'gcc and glibc')(...args)

/** Pretends, before the package is loaded, to be on another machine, and to be the program `execPath` there. */
function pretend(system, arch, execPath, report) {
  const lines = [
    `Object.defineProperty(process, 'platform', { value: '${system}' })`,
    `Object.defineProperty(process, 'arch', { value: '${arch}' })`,
  ]
  if (execPath) lines.push(`process.execPath = ${JSON.stringify(execPath)}`)
  if (report) lines.push(`process.report.getReport = () => (${JSON.stringify(report)})`)
  return lines.join('\n')
}

const MUSL = '/lib/ld-musl-x86_64.so.1'
const GLIBC = '/lib64/ld-linux-x86-64.so.2'
const GLIBC_OF_NIX = '/nix/store/0123456789abcdef-glibc-2.40/lib/ld-linux-x86-64.so.2'
const GLIBC_OF_POWER = '/lib64/ld64.so.2'

test('with the package of the platform beside it, the package loads', (t) => {
  const { main, platformPackage } = installed(t)
  platformPackage((file) => copyFileSync(built, file))
  t.is(load(main).said, 'loaded')
})

test('what a clone has built is taken first', (t) => {
  const { main, platformPackage } = installed(t)
  platformPackage((file) => writeFileSync(file, 'no library'))
  copyFileSync(built, join(main, binary))
  t.is(load(main).said, 'loaded')
})

test('tools that collect what a program needs find the engine', async (t) => {
  const { main, platformPackage } = installed(t)
  const file = platformPackage((place) => copyFileSync(built, place))
  const base = join(main, '..', '..')
  const program = join(base, 'program.cjs')
  writeFileSync(program, "require('moz-tcp-socket')")
  const { fileList } = await nodeFileTrace([program], { base })
  t.true(fileList.has(relative(base, file)), [...fileList].join(' '))
})

// Nobody built an engine for this platform.

for (const [system, arch, loader, description] of [
  ['freebsd', 'x64', undefined, 'freebsd-x64'],
  ['linux', 'riscv64', GLIBC, 'linux-riscv64 with glibc'],
  ['linux', 'ppc64', GLIBC_OF_POWER, 'linux-ppc64 with glibc'],
  ['linux', 's390x', MUSL, 'linux-s390x with musl'],
  ['linux', 'arm', GLIBC, 'linux-arm with glibc'],
  ['android', 'arm64', undefined, 'android-arm64'],
  ['win32', 'ia32', undefined, 'win32-ia32'],
  ['sunos', 'x64', undefined, 'sunos-x64'],
]) {
  const testHere = loader ? withCompiler : test
  testHere(`on ${description} the first sentence says that none is prebuilt, and how to build one`, (t) => {
    const { main, platformPackage } = installed(t)
    platformPackage((file) => copyFileSync(built, file))
    const { said } = load(main, { before: pretend(system, arch, loader && programFor(t, loader)) })
    const wanted = `there is no prebuilt engine for ${description}; to build one, in a clone`
    t.true(said.startsWith(`moz-tcp-socket: ${wanted}`), said)
    t.regex(said, /npm run build/)
    t.regex(said, /Prebuilt are .*linux-x64-musl/)
    t.notRegex(said, /optional|missing/)
  })
}

// The package of the platform is missing.

for (const [system, arch, loader, description, name] of [
  ['linux', 'x64', GLIBC, 'linux-x64 with glibc', 'linux-x64-gnu'],
  ['linux', 'x64', GLIBC_OF_NIX, 'linux-x64 with glibc', 'linux-x64-gnu'],
  ['linux', 'x64', MUSL, 'linux-x64 with musl', 'linux-x64-musl'],
  ['linux', 'arm64', MUSL, 'linux-arm64 with musl', 'linux-arm64-musl'],
  ['darwin', 'arm64', undefined, 'darwin-arm64', 'darwin-arm64'],
  ['win32', 'arm64', undefined, 'win32-arm64', 'win32-arm64-msvc'],
]) {
  const testHere = loader ? withCompiler : test
  testHere(`without the package of ${name} (${loader}) the first sentence says how to install it`, (t) => {
    const { main } = installed(t)
    const { said } = load(main, { before: pretend(system, arch, loader && programFor(t, loader)) })
    const wanted = `the package with the engine for ${description} is missing; run "npm install moz-tcp-socket-${name}@${version}".`
    t.true(said.startsWith(`moz-tcp-socket: ${wanted}`), said)
    t.regex(said, /optional dependencies/)
  })
}

for (const [kind, report] of [
  ['glibc', { header: { glibcVersionRuntime: '2.36' }, sharedObjects: [] }],
  ['musl', { header: {}, sharedObjects: [MUSL] }],
]) {
  test(`where its program cannot be read, what Node.js reports says that this is ${kind}`, (t) => {
    const { main } = installed(t)
    const nothing = join(directoryFor(t), 'no such program')
    const { said } = load(main, { before: pretend('linux', 'x64', nothing, report) })
    t.true(
      said.startsWith(`moz-tcp-socket: the package with the engine for linux-x64 with ${kind} is missing;`),
      said,
    )
  })
}

test('loading does not wait for a worker that is in a synchronous call', async (t) => {
  const { main, platformPackage } = installed(t)
  platformPackage((file) => copyFileSync(built, file))
  const reads =
    "require('node:worker_threads').parentPort.postMessage('reads'); require('node:fs').readSync(0, Buffer.alloc(1))"
  const program = `
    const { Worker } = require('node:worker_threads')
    const worker = new Worker(${JSON.stringify(reads)}, { eval: true })
    worker.once('message', () => {
      require(${JSON.stringify(main)})
      console.log('loaded')
    })
  `
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [said] = await once(child.stdout, 'data')
  t.is(String(said), 'loaded\n')
  child.stdin.end()
  const [code] = await once(child, 'exit')
  t.is(code, 0)
})

test('in a clone that has built nothing, the first sentence says to build it', (t) => {
  const { main } = installed(t)
  writeFileSync(join(main, 'Cargo.toml'), '')
  const { said } = load(main)
  t.regex(said, /^moz-tcp-socket: the engine for \S+( with \w+)? is not built yet; run "npm run build"/)
})

// It is there, and the system refuses it.

/** The first sentence for a binary that the system refuses with `reason`. */
function refused(t, { said, hasCause }, file, reason) {
  t.true(said.startsWith(`moz-tcp-socket: the engine in ${file} cannot be loaded: `), said)
  t.regex(said, reason)
  t.true(hasCause)
  t.notRegex(said, /no prebuilt|missing;|optional dependencies/)
}

for (const [what, content] of [
  ['an empty file', ''],
  ['a short file', 'not a library at all'],
  ['a long file that is no library', Buffer.alloc(100_000, 'x')],
]) {
  test(`${what} in place of the engine is called damaged, with the system's reason`, (t) => {
    const { main, platformPackage } = installed(t)
    const file = platformPackage((place) => writeFileSync(place, content))
    const reason = isGlibc
      ? /(?:file too short|invalid ELF header)\. The file is damaged/
      : /cannot be loaded: ./
    refused(t, load(main), file, reason)
  })
}

withCompiler('an engine for a newer glibc names the version that the system lacks', (t) => {
  const { main, platformPackage } = installed(t)
  const file = platformPackage((place) => wantsLibcVersion(place, 'GLIBC_2.99'))
  refused(t, load(main), file, /version `GLIBC_2\.99' not found .*older than the engine needs \(glibc 2\.28/)
})

withCompiler('an engine for musl on glibc names the library of musl', (t) => {
  const { main, platformPackage } = installed(t)
  const file = platformPackage((place) => needsLibrary(place, 'libc.musl-x86_64.so.1'))
  refused(t, load(main), file, /libc\.musl-x86_64\.so\.1: cannot open shared object file.*built for musl/)
})

withCompiler('an engine for musl, linked by Zig, is not called damaged', (t) => {
  const { main, platformPackage } = installed(t)
  const file = platformPackage((place) => needsLibrary(place, 'libc.so'))
  refused(t, load(main), file, /libc\.so: .*built for musl/)
})

testOn(
  test,
  isGlibc,
  'glibc',
)('an engine for another processor is named as that', (t) => {
  const { main, platformPackage } = installed(t)
  const file = platformPackage((place) => {
    const content = readFileSync(built)
    // The machine in the header of ELF: Alpha, which Node.js never ran on.
    content.writeUInt16LE(0x9026, 18)
    writeFileSync(place, content)
  })
  refused(t, load(main), file, /cannot open shared object file.*for another processor/)
})

test('a file that is given in the environment and does not exist is named', (t) => {
  const { main } = installed(t)
  const file = join(main, 'no-such.node')
  const { said } = load(main, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: file } })
  t.is(said, `moz-tcp-socket: the engine in ${file} cannot be loaded: Cannot find module '${file}'.`)
})

/** What lib/ takes from the engine, as its text says. */
function namesInUse() {
  const names = new Set()
  for (const file of readdirSync(join(root, 'lib'), { recursive: true })) {
    if (!file.endsWith('.js') || basename(file) === 'native.js') continue
    const text = readFileSync(join(root, 'lib', file), 'utf8')
    for (const [, name] of text.matchAll(/(?<![#\w.])native\.(\w+)/g)) if (name !== 'js') names.add(name)
    for (const [, list] of text.matchAll(
      /const \{ ([\w, ]+) \} = (?:native$|require\('.\/platform\/native.js'\))/gm,
    )) {
      for (const name of list.split(', ')) names.add(name)
    }
  }
  return [...names]
}

test('an engine of this version that lacks what the package uses was built from other sources', (t) => {
  const { main } = installed(t)
  const file = join(main, 'stale.cjs')
  const names = namesInUse()
  t.true(names.includes('processPolicy') && names.includes('TlsConfig'))
  for (const name of names) {
    writeFileSync(file, `module.exports = { ...require(${JSON.stringify(built)}), ${name}: undefined }`)
    const { said } = load(main, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: file } })
    const expected = `the engine in ${file} was built from other sources; run "npm run build". It has no ${name}.`
    t.is(said, `moz-tcp-socket: ${expected}`)
  }
})

test('with --no-addons the first sentence says that Node.js loads none', (t) => {
  const { main, platformPackage } = installed(t)
  const file = platformPackage((place) => copyFileSync(built, place))
  refused(t, load(main, { flags: ['--no-addons'] }), file, /loading addons is disabled\. .*--no-addons/)
})

const [major, minor] = process.versions.node.split('.').map(Number)
const PERMISSION = major > 23 || (major === 23 && minor >= 5) ? '--permission' : '--experimental-permission'

test('with the permission model and without --allow-addons the first sentence says so', (t) => {
  const { main, platformPackage } = installed(t)
  const file = platformPackage((place) => copyFileSync(built, place))
  refused(t, load(main, { flags: [PERMISSION, '--allow-fs-read=*'] }), file, /--allow-addons/)
  t.is(load(main, { flags: [PERMISSION, '--allow-fs-read=*', '--allow-addons'] }).said, 'loaded')
})

testOn(
  test,
  newestNode,
  FROM,
)('where Node.js may not read the engine, the first sentence says so', (t) => {
  const { main, platformPackage } = installed(t)
  platformPackage((place) => copyFileSync(built, place))
  const program = join(main, '..', '..', 'program.cjs')
  const flags = ['--permission', '--allow-addons', `--allow-fs-read=${main}`, `--allow-fs-read=${program}`]
  const { said } = load(main, { command: newestNode, flags })
  t.regex(
    said,
    new RegExp(`^moz-tcp-socket: the engine in \\S*${platform}\\S* cannot be loaded: Access to this API`),
  )
  t.regex(said, /--allow-fs-read/)
})

testOn(
  test,
  deno,
  FROM,
)('Deno without --allow-ffi is told what to allow', (t) => {
  const { main, platformPackage } = installed(t)
  const file = platformPackage((place) => copyFileSync(built, place))
  const env = { DENO_DIR: directoryFor(t), DENO_NO_PROMPT: '1', DENO_NO_UPDATE_CHECK: '1' }
  const run = (...flags) => load(main, { command: deno, flags: ['run', '--no-prompt', ...flags], env })
  refused(t, run(), file, /ffi access.*--allow-ffi/)
  refused(t, run('--allow-read', '--allow-env'), file, /ffi access.*--allow-ffi/)
  t.is(run('--allow-read', '--allow-ffi').said, 'loaded')
})

// Versions that do not belong together.

test('a platform package of another version is named, with both versions', (t) => {
  const { main, platformPackage } = installed(t)
  platformPackage((file) => copyFileSync(built, file), '9.9.9')
  const { said } = load(main)
  t.true(
    said.startsWith(
      `moz-tcp-socket: moz-tcp-socket-${platform} is of version 9.9.9, and this package of version ${version};`,
    ),
    said,
  )
})

test('a binary of another version is named, with both versions', (t) => {
  const { main } = installed(t)
  const manifest = JSON.stringify({ ...require('../../package.json'), version: '9.9.9' })
  writeFileSync(join(main, 'package.json'), manifest)
  copyFileSync(built, join(main, binary))
  const { said } = load(main)
  const place = join(main, binary)
  t.true(
    said.startsWith(
      `moz-tcp-socket: the engine in ${place} is of version ${version}, and this package of version 9.9.9;`,
    ),
    said,
  )
})

// In Alpine the development packages are those of the machine around it, whose binaries do not load there.
const hasOtherAddons = process.platform !== 'linux' || isGlibc

testOn(
  test,
  hasOtherAddons,
  'no musl',
)('a library that is no engine of ours is not taken for one', (t) => {
  const other = readdirSync(join(root, 'node_modules', '@oxfmt'), { recursive: true }).find((file) =>
    file.endsWith('.node'),
  )
  t.truthy(other, 'some other addon to try')
  const { main } = installed(t)
  copyFileSync(join(root, 'node_modules', '@oxfmt', other), join(main, binary))
  t.regex(
    load(main).said,
    /^moz-tcp-socket: the engine in \S+ is of an unknown version, and this package of version/,
  )
})
