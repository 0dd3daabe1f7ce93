'use strict'

// Puts together what is published, into npm/: the main package, one package for each binary in artifacts/, and the development tools.
// The main one names those with binaries as optional dependencies, of which a package manager installs the one that fits the machine.
// `--all`: every target in package.json has to have its binary, as in a release.

const { execFileSync } = require('node:child_process')
const {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} = require('node:fs')
const { dirname, join } = require('node:path')

const { platformName } = require('../lib/platform/machine.js')
const manifest = require('../package.json')
const { problemsOf } = require('./check-binary.js')
const { root } = require('./engine.js')

const artifacts = join(root, 'artifacts')
const npm = join(root, 'npm')
const { name: own, napi, version } = manifest

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))
const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)

/** What goes wherever a binary goes: the licenses of what is compiled into it ask for that. */
const LEGAL = ['LICENSE', 'NOTICE', 'THIRD-PARTY.txt']

function checkVersions() {
  const [, crate] = /^version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))
  if (crate !== version)
    throw new Error(`package.json is of version ${version}, and Cargo.toml of version ${crate}`)
  const { version: tools } = readJson(join(root, 'packages', 'dev', 'package.json'))
  if (tools !== version)
    throw new Error(
      `package.json is of version ${version}, and packages/dev/package.json of version ${tools}`,
    )
}

/** Fills the directory that napi-rs made for a target. Returns false where there is no binary for it. */
function platformPackage(target) {
  const platform = platformName(target)
  const binary = `${napi.binaryName}.${platform}.node`
  const directory = join(npm, platform)
  const file = join(artifacts, binary)
  if (!existsSync(file)) {
    rmSync(directory, { recursive: true, force: true })
    return false
  }
  const problems = problemsOf(file)
  if (problems.length > 0) throw new Error(`${file}:\n- ${problems.join('\n- ')}`)
  copyFileSync(file, join(directory, binary))
  for (const name of LEGAL) copyFileSync(join(root, name), join(directory, name))
  const place = join(directory, 'package.json')
  const made = readJson(place)
  writeJson(place, { ...made, repository: manifest.repository, files: [...made.files, ...LEGAL] })
  appendFileSync(
    join(directory, 'README.md'),
    `\nIt is installed by [${own}](https://www.npmjs.com/package/${own}), and of no use without. ` +
      'What is compiled into it, and under which licenses, is in THIRD-PARTY.txt.\n',
  )
  return true
}

/** Copies what `npm pack` would choose of the package at `from` to `to`, with `changed` as its package.json. */
function copyPackage(from, to, changed) {
  const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: from,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // A list of packages, or, from npm 12 on, an object of them.
  const [{ files }] = Object.values(JSON.parse(listed))
  for (const { path } of files) {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    copyFileSync(join(from, path), join(to, path))
  }
  writeJson(join(to, 'package.json'), changed)
}

function mainPackage(platforms) {
  const { workspaces: _, ...published } = manifest
  const optionalDependencies = Object.fromEntries(
    platforms.map((platform) => [`${own}-${platform}`, version]),
  )
  copyPackage(root, join(npm, 'main'), { ...published, optionalDependencies })
}

/** The development tools, which want the main package of their own version. In the repository that is the folder above. */
function devPackage() {
  const from = join(root, 'packages', 'dev')
  const tools = readJson(join(from, 'package.json'))
  const to = join(npm, 'dev')
  copyPackage(from, to, { ...tools, dependencies: { ...tools.dependencies, [own]: version } })
  copyFileSync(join(root, 'LICENSE'), join(to, 'LICENSE'))
}

/** Returns the directories in the order in which they are to be published: what another depends on comes before it. */
function assemble({ all = false } = {}) {
  checkVersions()
  rmSync(npm, { recursive: true, force: true })
  const napiCli = join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
  execFileSync(process.execPath, [napiCli, 'create-npm-dirs', '--npm-dir', npm], {
    cwd: root,
    stdio: 'ignore',
  })
  const missing = napi.targets.filter((target) => !platformPackage(target))
  const platforms = napi.targets.filter((target) => !missing.includes(target)).map(platformName)
  if (all && missing.length > 0) throw new Error(`no binary in ${artifacts} for ${missing.join(', ')}`)
  if (platforms.length === 0)
    throw new Error(`no binary in ${artifacts}: run "node scripts/build-release.js"`)
  mainPackage(platforms)
  devPackage()
  return { directories: [...platforms, 'main', 'dev'].map((name) => join(npm, name)), missing }
}

if (require.main === module) {
  const { directories, missing } = assemble({ all: process.argv.includes('--all') })
  for (const directory of directories) console.log(directory)
  if (missing.length > 0) console.error(`without a binary: ${missing.join(', ')}`)
}

module.exports = { assemble, npm }
