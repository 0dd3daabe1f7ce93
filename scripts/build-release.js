'use strict'

// Builds the binary of a platform package as it is published, into artifacts/: `node scripts/build-release.js [TRIPLE…]`.
// It differs from `npm run build` in what it needs at run time and in what it tells: on Linux it is linked by Zig against
// an old glibc, and no binary contains a path of the machine it was built on. check-binary.js checks both.

const { spawnSync } = require('node:child_process')
const { copyFileSync, mkdirSync } = require('node:fs')
const { homedir } = require('node:os')
const { join } = require('node:path')

const { platformName } = require('../lib/platform/machine.js')
const { napi } = require('../package.json')
const { GLIBC, problemsOf } = require('./check-binary.js')
const { hostTriple, root, target: targetDirectory } = require('./engine.js')
const { zigEnvironment } = require('./zig.js')

const artifacts = join(root, 'artifacts')

/** Apart from what developers build, which has other flags. */
const directory = join(targetDirectory, 'published')

/** What Rust writes into messages of panics, and the name it gets there. */
const REMAPPED = {
  [join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry', 'src')]: 'cargo',
  [directory]: 'target',
  [root]: 'moz-tcp-socket',
}

// Where OpenSSL looks for engines and providers, which would be below the directory it was built in. It is built without
// either; the path is one that does not exist, and that nobody but root could make.
const NOWHERE = ['ENGINESDIR', 'MODULESDIR'].map((name) => `-D${name}="\\"/nonexistent/openssl\\""`).join(' ')

function rustFlags(triple) {
  const flags = Object.entries(REMAPPED).map(([path, name]) => `--remap-path-prefix=${path}=/${name}`)
  // An addon is loaded by a program that has a libc of its own.
  if (triple.endsWith('musl')) flags.push('-C', 'target-feature=-crt-static')
  // Windows has none of that version unless something installed it, and Node.js comes with its own inside.
  if (triple.endsWith('msvc')) flags.push('-C', 'target-feature=+crt-static')
  // By itself the linker of macOS writes down where the library was made.
  if (triple.includes('apple')) flags.push('-C', `link-arg=-Wl,-install_name,@rpath/${napi.binaryName}.node`)
  return flags
}

const LIBRARIES = {
  linux: 'libmoz_tcp_socket.so',
  darwin: 'libmoz_tcp_socket.dylib',
  windows: 'moz_tcp_socket.dll',
}

/** Returns the file that was built. Throws where it is not fit to be published. */
function build(triple) {
  const system = triple.split('-')[2]
  const isLinux = system === 'linux'
  const forCargo = isLinux && triple.endsWith('gnu') ? `${triple}.${GLIBC}` : triple
  const args = [isLinux ? 'zigbuild' : 'build', '--release', '--locked', '--lib', '--target', forCargo]
  const { status, error } = spawnSync('cargo', [...args, '--target-dir', directory], {
    cwd: root,
    env: {
      ...process.env,
      ...(isLinux && { ...zigEnvironment(triple, GLIBC), CFLAGS: NOWHERE }),
      CARGO_ENCODED_RUSTFLAGS: rustFlags(triple).join('\u001F'),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (error) throw error
  if (status !== 0) throw new Error(`cargo exited with ${status}`)
  const file = join(artifacts, `${napi.binaryName}.${platformName(triple)}.node`)
  mkdirSync(artifacts, { recursive: true })
  copyFileSync(join(directory, triple, 'release', LIBRARIES[system]), file)
  const problems = problemsOf(file)
  if (problems.length > 0) throw new Error(`${file}:\n- ${problems.join('\n- ')}`)
  return file
}

if (require.main === module) {
  const [...triples] = process.argv.slice(2)
  for (const triple of triples.length > 0 ? triples : [hostTriple()]) {
    if (!napi.targets.includes(triple)) throw new Error(`${triple}: not one of ${napi.targets.join(', ')}`)
    console.log(`built ${build(triple)}`)
  }
}

module.exports = { artifacts, build }
