'use strict'

// `npm run test:package`: whether what would be published installs and runs. Builds the binary for this machine as it is
// published (and takes those for other targets that lie in artifacts/), publishes all packages to a registry of its own
// on the loopback, installs from that by name with each package manager and each version of Node.js, in an empty
// directory without Rust or a C compiler on PATH, and runs an echo over TLS there. Prints a matrix, and as a last row what
// a user reads who left out optional dependencies. The development tools are installed by npm as well, and run an app there: what else
// they depend on comes from the registry that npm uses here. `--install` only installs what it needs, from package-test/.

const { execFileSync, spawn, spawnSync } = require('node:child_process')
const {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs')
const { createServer } = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { makePki } = require('../__test__/helpers/pki.js')
const { platformName } = require('../lib/platform/machine.js')
const { name: own, napi, version } = require('../package.json')
const { artifacts, build } = require('./build-release.js')
const { hostTriple, newest, root, sourcesAt } = require('./engine.js')
const { assemble, npm } = require('./package.js')

const tools = join(root, 'scripts', 'package-test')
const modules = join(tools, 'node_modules')

/** Milliseconds for each command. */
const LIMIT = 120_000

/** Installs the registry, the package managers and the versions of Node.js where that was not done for this lockfile. */
function installTools() {
  const lockfile = join(tools, 'package-lock.json')
  if (newest(join(modules, '.package-lock.json')) > newest(lockfile)) return
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error']
  execFileSync('npm', args, { cwd: tools, stdio: ['ignore', 'inherit', 'inherit'] })
}

/** `{ v20: file, … }` of those that there are for this machine, and the one that runs this. */
function nodes() {
  const found = readdirSync(modules)
    .filter((name) => /^node-\d+$/.test(name))
    .map((name) => join(modules, name, 'bin', 'node'))
    .filter((file) => existsSync(file))
  if (found.length === 0) found.push(process.execPath)
  return found.map((file) => ({ file, name: execFileSync(file, ['--version'], { encoding: 'utf8' }).trim() }))
}

/** Whether that version of Node.js is one of those that are maintained for years. */
function isLongTerm(node) {
  return Number(/^v(\d+)/.exec(node)[1]) % 2 === 0
}

/** npm itself, for a Node.js that has none beside it. */
function globalNpm() {
  return join(
    execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim(),
    'npm',
    'bin',
    'npm-cli.js',
  )
}

/** The command line of each package manager that adds the package to a project, and what that needs besides. */
const MANAGERS = {
  npm: { cli: globalNpm, add: ['install', own, '--no-audit', '--no-fund'] },
  pnpm: { cli: () => join(modules, 'pnpm', 'bin', 'pnpm.cjs'), add: ['add', own] },
  'yarn 1': { cli: () => join(modules, 'yarn', 'bin', 'yarn.js'), add: ['add', own, '--no-progress'] },
  'yarn 4, node_modules': {
    cli: () => join(modules, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js'),
    add: ['add', own],
    settings: 'nodeLinker: node-modules\n',
  },
  'yarn 4, Plug’n’Play': {
    cli: () => join(modules, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js'),
    add: ['add', own],
    settings: 'nodeLinker: pnp\n',
    run: ['--require', './.pnp.cjs'],
  },
}

/** A port that was free a moment ago. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** The registry that npm uses on this machine. */
function othersFrom() {
  return execFileSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8' }).trim()
}

/** Starts a registry for our own packages, and resolves with `{ url, stop }` when it listens. */
async function startRegistry(directory) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const config = join(directory, 'verdaccio.yaml')
  writeFileSync(
    config,
    [
      `storage: ${join(directory, 'storage')}`,
      'packages:',
      `  '${own}*': { access: $all, publish: $all }`,
      // What the development tools depend on. Nothing of ours is looked for there.
      "  '**': { access: $all, proxy: others }",
      `uplinks: { others: { url: '${othersFrom()}' } }`,
      'max_body_size: 100mb',
      'log: { type: stdout, format: pretty, level: http }',
      '',
    ].join('\n'),
  )
  // It needs a newer Node.js than the oldest that the package runs on.
  const newestNode = nodes().at(-1).file
  const args = [
    join(modules, 'verdaccio', 'bin', 'verdaccio'),
    '--config',
    config,
    '--listen',
    `127.0.0.1:${port}`,
  ]
  const child = spawn(newestNode, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the registry did not start:\n${output}`)), LIMIT)
    const end = (settle) => {
      clearTimeout(timer)
      settle()
    }
    child.on('exit', () => end(() => reject(new Error(`the registry ended:\n${output}`))))
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text
        if (output.includes('http address')) end(resolve)
      })
    }
  })
  return { url, output: () => output, stop: () => child.kill() }
}

/** What the project sees: Node.js of one version and a shell, and nothing of ours. */
function environment(project, node, url) {
  const bin = join(project, '..', 'bin')
  mkdirSync(bin, { recursive: true })
  symlinkSync(node, join(bin, 'node'))
  symlinkSync('/bin/sh', join(bin, 'sh'))
  const home = join(project, '..', 'home')
  mkdirSync(home)
  return {
    PATH: bin,
    HOME: home,
    CI: 'true',
    NODE_NO_WARNINGS: '1',
    npm_config_registry: url,
    npm_config_cache: join(home, 'npm-cache'),
    npm_config_store_dir: join(home, 'pnpm-store'),
    YARN_REGISTRY: url,
    YARN_CACHE_FOLDER: join(home, 'yarn-cache'),
    YARN_NPM_REGISTRY_SERVER: url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    // What was published a moment ago counts as suspicious.
    YARN_NPM_MINIMAL_AGE_GATE: '0',
  }
}

/** Installs and runs in a new project. Returns `undefined`, or what went wrong. */
function attempt({ cli, add, settings, run = [] }, node, url, program) {
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-install-'))
  try {
    const project = join(directory, 'project')
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true }))
    if (settings) writeFileSync(join(project, '.yarnrc.yml'), settings)
    const env = environment(project, node, url)
    const call = (...args) =>
      spawnSync(node, args, {
        cwd: project,
        env,
        encoding: 'utf8',
        timeout: LIMIT,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    const installing = call(cli(), ...add)
    if (installing.status !== 0)
      return `install: ${installing.stdout}${installing.stderr}${installing.error ?? ''}`
    const running = call(...run, ...program)
    if (running.status !== 0) return `run: ${running.stdout}${running.stderr}${running.error ?? ''}`
    return undefined
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Loads the package, and fails unless that failed with the sentence for a missing package. */
const EXPECT_MISSING = `
try { require('${own}') } catch (error) {
  if (/^${own}: the package with the engine for .* is missing; run "npm install ${own}-/.test(error.message)) process.exit(0)
  console.error(error.message)
}
process.exit(1)
`

function publish(directories, url, directory) {
  const userconfig = join(directory, 'npmrc')
  // npm wants to have a token, whoever may publish.
  writeFileSync(userconfig, `registry=${url}\n${url.replace('http:', '')}:_authToken=anybody\n`)
  for (const each of directories) {
    const args = [
      'publish',
      '--userconfig',
      userconfig,
      '--registry',
      url,
      '--provenance=false',
      '--loglevel',
      'error',
    ]
    execFileSync('npm', args, { cwd: each, stdio: ['ignore', 'inherit', 'inherit'], timeout: LIMIT })
  }
}

/** Lints a package as it is published, with the tarball of npm. */
function lint(directory, into) {
  const packed = execFileSync('npm', ['pack', '--pack-destination', into, '--loglevel', 'error'], {
    cwd: directory,
    encoding: 'utf8',
  })
  const tarball = join(into, packed.trim().split('\n').at(-1))
  const tool = (name, ...args) =>
    spawnSync(join(root, 'node_modules', '.bin', name), args, { cwd: root, stdio: 'inherit' }).status === 0
  return [
    ['publint', tool('publint', 'run', tarball, '--strict')],
    ['attw', tool('attw', tarball)],
  ]
}

async function main() {
  const triple = hostTriple()
  const binary = join(artifacts, `${napi.binaryName}.${platformName(triple)}.node`)
  if (newest(binary) < sourcesAt()) build(triple)
  const { directories, missing } = assemble()

  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-package-'))
  const registry = await startRegistry(directory)
  const failures = []
  const table = {}
  try {
    for (const [what, passed] of [
      ...lint(join(npm, 'main'), directory),
      ...lint(join(npm, 'dev'), directory),
    ])
      if (!passed) failures.push(what)
    publish(directories, registry.url, directory)
    copyFileSync(join(tools, 'echo.cjs'), join(directory, 'echo.cjs'))
    const { ca, cert, key } = makePki()
    for (const [name, text] of Object.entries({ 'ca.pem': ca, 'leaf.pem': cert, 'leaf.key': key })) {
      writeFileSync(join(directory, name), text)
    }
    const program = [join(directory, 'echo.cjs')]
    const rows = Object.entries(MANAGERS).map(([name, manager]) => {
      return { name, manager, program, passes: 'echo over TLS' }
    })
    rows.push({
      name: 'npm --omit=optional',
      manager: { ...MANAGERS.npm, add: [...MANAGERS.npm.add, '--omit=optional'] },
      program: ['-e', EXPECT_MISSING],
      passes: 'says what is missing',
    })
    copyFileSync(join(tools, 'app.cjs'), join(directory, 'app.cjs'))
    rows.push({
      name: `npm, ${own}-dev`,
      manager: { ...MANAGERS.npm, add: ['install', `${own}-dev`, '--no-audit', '--no-fund'] },
      program: [join(directory, 'app.cjs')],
      passes: 'runs and serves an app',
    })
    for (const { name, manager, program: run, passes } of rows) {
      table[name] = {}
      for (const { file, name: node } of nodes()) {
        // Other package managers do not support the versions that never were for long.
        if (name !== 'npm' && !isLongTerm(node)) {
          table[name][node] = '–'
          continue
        }
        const problem = attempt(manager, file, registry.url, run)
        table[name][node] = problem ? 'FAIL' : passes
        if (problem) failures.push(`${name} with ${node}: ${problem.trim()}`)
      }
    }
  } finally {
    registry.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  console.log(`\n${own} ${version}, installed by name from a registry:`)
  console.table(table)
  if (missing.length > 0) console.log(`not built here, so not in the registry: ${missing.join(', ')}`)
  for (const failure of failures) console.error(`failed: ${failure}`)
  process.exitCode = failures.length === 0 ? 0 : 1
}

installTools()
if (!process.argv.includes('--install')) main()
