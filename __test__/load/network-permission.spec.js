'use strict'

// Node's permission model withholds the network where Node.js has a switch for it (`--allow-net`, from 25 on), and an
// addon must not be the way around.

const { spawnSync } = require('node:child_process')
const { join } = require('node:path')

const test = require('ava')

const { testOn } = require('../helpers/needs.js')
const { FROM, newestNode } = require('../helpers/runtimes.js')

const root = join(__dirname, '..', '..')

/** Opens a server and a client to it, and prints what came of each as JSON. */
const PROGRAM = `
const { TCPSocket, TCPServerSocket } = require(${JSON.stringify(root)})
if (process.argv.includes('meddle')) process.permission.has = () => true
if (process.argv.includes('drop')) process.permission.drop('net')
const attempt = (make) => {
  try {
    make().close()
    return 'made'
  } catch (error) {
    return { name: error.name, code: error.code, permission: error.permission, message: error.message }
  }
}
console.log(JSON.stringify({
  listen: attempt(() => new TCPServerSocket(0, { localAddress: '127.0.0.1' })),
  open: attempt(() => new TCPSocket('127.0.0.1', 9)),
}))
`

function run(node, flags, ...args) {
  const all = [...flags, '--allow-addons', '--allow-fs-read=*', '-e', PROGRAM, '--', ...args]
  const { stdout, stderr } = spawnSync(node, all, { encoding: 'utf8', timeout: 60_000 })
  return JSON.parse(stdout || JSON.stringify({ stderr }))
}

const DENIED = {
  name: 'Error',
  code: 'ERR_ACCESS_DENIED',
  permission: 'Net',
  message: 'Access to this API has been restricted. Use --allow-net to manage permissions.',
}
const testNewest = testOn(test, newestNode, FROM)

testNewest(
  'with the permission model and without --allow-net, opening and listening throw ERR_ACCESS_DENIED',
  (t) => {
    t.deepEqual(run(newestNode, ['--permission']), { listen: DENIED, open: DENIED })
  },
)

testNewest('with --allow-net they do not, until the permission is dropped', (t) => {
  t.deepEqual(run(newestNode, ['--permission', '--allow-net']), { listen: 'made', open: 'made' })
  t.deepEqual(run(newestNode, ['--permission', '--allow-net'], 'drop'), { listen: DENIED, open: DENIED })
})

testNewest('putting another process.permission.has in place grants nothing', (t) => {
  t.deepEqual(run(newestNode, ['--permission'], 'meddle'), { listen: DENIED, open: DENIED })
})

const [major, minor] = process.versions.node.split('.').map(Number)
const PERMISSION = major > 23 || (major === 23 && minor >= 5) ? '--permission' : '--experimental-permission'

test('a Node.js without that switch restricts no sockets, and neither do we', (t) => {
  const flags = major >= 25 ? [PERMISSION, '--allow-net'] : [PERMISSION]
  t.deepEqual(run(process.execPath, flags), { listen: 'made', open: 'made' })
})
