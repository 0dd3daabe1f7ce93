'use strict'

// Which binary of the engine belongs to this machine. Those that are prebuilt are in `napi.targets` of package.json, in
// Rust's names; napi-rs, which builds them, gives files and packages the shorter names made here.

const { libc } = require('./libc.js')

const ARCHITECTURES = { __proto__: null, x86_64: 'x64', aarch64: 'arm64' }
const SYSTEMS = { __proto__: null, linux: 'linux', darwin: 'darwin', windows: 'win32' }

/** `linux-x64-gnu` for `x86_64-unknown-linux-gnu`. */
function platformName(triple) {
  const [architecture, , system, abi] = triple.split('-')
  const name = `${SYSTEMS[system]}-${ARCHITECTURES[architecture]}`
  return abi ? `${name}-${abi}` : name
}

/** `{ name, description }` of the machine this runs on: `name` as above, `description` for people. */
function thisPlatform() {
  const { platform, arch } = process
  const plain = `${platform}-${arch}`
  switch (platform) {
    case 'linux': {
      const kind = libc()
      const suffix = arch === 'arm' ? 'eabihf' : ''
      return {
        name: `${plain}-${kind}${suffix}`,
        description: `${plain} with ${kind === 'gnu' ? 'glibc' : 'musl'}`,
      }
    }
    case 'win32':
      return { name: `${plain}-msvc`, description: plain }
    case 'android':
      return { name: arch === 'arm' ? `${plain}-eabi` : plain, description: plain }
    default:
      return { name: plain, description: plain }
  }
}

module.exports = { platformName, thisPlatform }
