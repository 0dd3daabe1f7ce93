'use strict'

// What is published: the scripts that refuse a binary which would not load, or would tell too much; and lists that are
// written down in several places, which must agree.

const { execFileSync } = require('node:child_process')
const { readFileSync, readdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const test = require('ava')

const { hasTools, isGlibc, testOn, testWhere } = require('../helpers/needs.js')
const { directoryFor, needsLibrary, wantsLibcVersion } = require('../helpers/unloadable.js')
const { platformName } = require('../../lib/platform/machine.js')
const packages = require('../../lib/platform/packages.js')
const { name, napi, repository, version } = require('../../package.json')
const { problemsOf } = require('../../scripts/check-binary.js')
const { problemsOf: releaseProblemsOf } = require('../../scripts/check-release.js')

const root = join(__dirname, '..', '..')
const read = (file) => readFileSync(join(root, file), 'utf8')
const withCompiler = (...args) => {
  testWhere(test, isGlibc && hasTools('gcc', 'readelf'), 'gcc, readelf and glibc')(...args)
}

withCompiler('a binary that needs a newer glibc than 2.28 is refused', (t) => {
  const file = join(directoryFor(t), 'moz-tcp-socket.linux-x64-gnu.node')
  wantsLibcVersion(file, 'GLIBC_2.29')
  t.deepEqual(problemsOf(file), ['it needs GLIBC_2.29, newer than 2.28'])
  wantsLibcVersion(file, 'GLIBC_2.28')
  t.deepEqual(problemsOf(file), [])
  wantsLibcVersion(file, 'GLIBC_2.4')
  t.deepEqual(problemsOf(file), [])
})

withCompiler('a binary that needs a library which is not everywhere is refused', (t) => {
  const file = join(directoryFor(t), 'moz-tcp-socket.linux-x64-musl.node')
  needsLibrary(file, 'libssl.so.3')
  t.deepEqual(problemsOf(file), ['it needs libssl.so.3, which is not everywhere'])
  needsLibrary(file, 'libc.so')
  t.deepEqual(problemsOf(file), [])
})

withCompiler('a binary for musl that is linked with glibc is refused, and the other way round', (t) => {
  const directory = directoryFor(t)
  const musl = join(directory, 'moz-tcp-socket.linux-x64-musl.node')
  wantsLibcVersion(musl, 'GLIBC_2.17')
  t.true(problemsOf(musl).includes('it is linked with glibc'))
  const gnu = join(directory, 'moz-tcp-socket.linux-x64-gnu.node')
  needsLibrary(gnu, 'libc.musl-x86_64.so.1')
  t.true(problemsOf(gnu).includes('it is not linked with glibc'))
})

test('a binary that contains a path of the machine it was built on is refused', (t) => {
  const file = join(directoryFor(t), 'moz-tcp-socket.darwin-arm64.node')
  for (const path of [join(root, 'src', 'lib.rs'), '/home/somebody/work', 'C:\\Users\\runneradmin\\.cargo']) {
    writeFileSync(file, `\0\u0001${path}\0`, 'latin1')
    t.regex(problemsOf(file).join('\n'), /^it contains a path of the machine it was built on: /)
  }
  writeFileSync(file, '\0/usr/local/ssl\0/cargo/tokio/src/lib.rs\0/rustc/0123/library/std/src/lib.rs\0')
  t.deepEqual(problemsOf(file), [])
})

test('a binary that panics on demand is refused', (t) => {
  const file = join(directoryFor(t), 'moz-tcp-socket.darwin-arm64.node')
  writeFileSync(file, '\0fault hook: connect\0')
  t.deepEqual(problemsOf(file), ['it is built with the feature fault-hooks'])
})

test('package.json, that of the tools, Cargo.toml and the engine have one version', (t) => {
  t.is(require('../../packages/dev/package.json').version, version)
  t.is(/^version = "(.+)"$/m.exec(read('Cargo.toml'))[1], version)
  t.is(require('../../lib/platform/native.js').engineVersion(), version)
})

// In Alpine the development packages are those of the machine around it, whose binaries do not load there.
const hasDevelopmentTools = process.platform !== 'linux' || isGlibc

testOn(
  test,
  hasDevelopmentTools,
  'no musl',
)('platforms have the names that napi-rs gives them', (t) => {
  const { parseTriple } = require('@napi-rs/cli')
  for (const target of napi.targets) t.is(platformName(target), parseTriple(target).platformArchABI)
})

test('the package looks for the packages that are published, by their names', (t) => {
  t.deepEqual(Object.keys(packages), napi.targets.map(platformName))
  for (const [platform, resolve] of Object.entries(packages)) {
    // Spelled out, and so easily copied wrong.
    t.true(String(resolve).includes(`require.resolve('${name}-${platform}')`), String(resolve))
  }
})

test('every target is built by the release workflow, checked by cargo-deny and named in docs/install.md', (t) => {
  const built = [...read('.github/workflows/release.yml').matchAll(/- \{ target: ([\w-]+),/g)].map(
    ([, target]) => target,
  )
  t.deepEqual(built.toSorted(), napi.targets.toSorted())
  const denied = [...read('deny.toml').matchAll(/^ {2}"([\w-]+)",$/gm)].map(([, target]) => target)
  t.deepEqual(denied.toSorted(), napi.targets.toSorted())
  const [, table] = read('docs/install.md').split('| prebuilt |')
  for (const target of napi.targets) t.true(table.includes(`\`${platformName(target)}\``), target)
})

testWhere(
  test,
  hasTools('cargo'),
  'cargo',
)('THIRD-PARTY.txt names every crate that Cargo links into the engine here', (t) => {
  const args = ['tree', '--locked', '--edges', 'normal,no-proc-macro', '--prefix', 'none', '--format', '{p}']
  const listed = execFileSync('cargo', args, { cwd: root, encoding: 'utf8' })
  const crates = new Set(listed.match(/^\S+ v[\d.]+/gm).map((line) => line.replace(' v', ' ')))
  t.true(crates.size > 20)
  const text = read('THIRD-PARTY.txt')
  for (const crate of crates) {
    if (!crate.startsWith('moz-tcp-socket ')) t.true(text.includes(`\n${crate}`), crate)
  }
  t.regex(text, /^OpenSSL \d/m)
})

test('the tools that .ci/run installs and those in CONTRIBUTING.md are one list', (t) => {
  const listed = read('.ci/packages.txt')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
  t.true(listed.length > 10)
  const [, sentence] = /<!-- \.ci\/packages\.txt -->\n([^]*?)<!-- end -->/.exec(read('CONTRIBUTING.md'))
  const documented = [...sentence.matchAll(/`([\w-]+)`/g)].map(([, tool]) => tool)
  t.deepEqual(documented.toSorted(), listed.toSorted())
})

const workflows = readdirSync(join(root, '.github', 'workflows'))

for (const file of workflows) {
  test(`${file} uses actions by hash, and says which version that is`, (t) => {
    const uses = [...read(`.github/workflows/${file}`).matchAll(/\buses: (.*)$/gm)].map(
      ([, action]) => action,
    )
    t.true(uses.length > 0)
    for (const action of uses) t.regex(action, /^[\w-]+\/[\w-]+@[\da-f]{40} # v\d+\.\d+\.\d+$/)
  })
}

test('package.json names the repository', (t) => {
  t.is(repository?.type, 'git')
  t.regex(repository.url, /^git\+https:\/\/.+\.git$/)
})

const RELEASE = {
  tag: 'v1.2.3',
  manifest: { version: '1.2.3', repository: { url: 'git+https://example.org/somebody/sockets.git' } },
  tools: { version: '1.2.3' },
  cargo: '[package]\nversion = "1.2.3"\n',
  changelog:
    '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-12-01\n\n### Added\n\n- something\n\n## [1.2.2] - 2026-11-01\n',
  readme: '# Sockets\n',
  here: 'https://example.org/somebody/sockets',
}

for (const [what, change, problem] of [
  ['another tag', { tag: 'v1.2.4' }, 'the tag is v1.2.4, and package.json of version 1.2.3'],
  [
    'another version of the tools',
    { tools: { version: '1.2.2' } },
    'packages/dev/package.json is of version 1.2.2, and package.json of version 1.2.3',
  ],
  [
    'another version in Cargo.toml',
    { cargo: 'version = "1.2.2"' },
    'Cargo.toml is of version 1.2.2, and package.json of version 1.2.3',
  ],
  [
    'no section of the changelog',
    { changelog: '## [Unreleased]\n\n- see [1.2.3]\n' },
    'CHANGELOG.md has no heading "## [1.2.3] - YYYY-MM-DD"',
  ],
  [
    'a section without a date',
    { changelog: '## [1.2.3]\n\n- something\n' },
    'CHANGELOG.md has no heading "## [1.2.3] - YYYY-MM-DD"',
  ],
  [
    'an empty section',
    { changelog: '## [1.2.3] - 2026-12-01\n\n## [1.2.2] - 2026-11-01\n\n- something\n' },
    'CHANGELOG.md says nothing of 1.2.3',
  ],
  [
    'a README that calls it unpublished',
    { readme: '**It is not published yet.**' },
    'README.md says that it is not published yet',
  ],
  [
    'another repository',
    { here: 'https://example.org/fork/sockets' },
    'the repository is https://example.org/fork/sockets, and package.json names git+https://example.org/somebody/sockets.git',
  ],
]) {
  test(`a release with ${what} is refused`, (t) => {
    t.deepEqual(releaseProblemsOf({ ...RELEASE, ...change }), [problem])
  })
}

test('a release in which all agrees is not', (t) => {
  t.deepEqual(releaseProblemsOf(RELEASE), [])
})
