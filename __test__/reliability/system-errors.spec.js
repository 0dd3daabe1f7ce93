'use strict'

// What an application is told of errors of connect(2) and recv(2) that take a network to make: which of Gecko's names,
// then close, and nothing else.

const test = require('ava')

const { ask } = require('../fixtures/reliability/children.js')
const { failsys } = require('../helpers/failsys.js')
const { serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

const withFaults = serialWhere(test, failsys('') !== undefined, 'Linux with glibc and gcc')

for (const [call, code, name] of [
  ['connect', 'ECONNREFUSED', 'ConnectionRefusedError'],
  ['connect', 'EHOSTUNREACH', 'ConnectionRefusedError'],
  ['connect', 'ENETUNREACH', 'ConnectionRefusedError'],
  ['connect', 'EADDRNOTAVAIL', 'ConnectionRefusedError'],
  ['connect', 'EACCES', 'ConnectionRefusedError'],
  ['connect', 'ETIMEDOUT', 'NetworkTimeoutError'],
  ['recv', 'ETIMEDOUT', 'NetworkTimeoutError'],
  ['recv', 'ECONNRESET', 'NetworkError'],
]) {
  withFaults(`${code} from ${call} is a ${name}, then comes close`, async (t) => {
    const own = scope(t)
    const { port } = await own.netServer({}, (socket) => socket.pipe(socket))
    const env = failsys(`${call}:${code}:1:1`)
    t.deepEqual(await ask(own, 'one-connection.js', [port], { env }), {
      types: [...(call === 'recv' ? ['open'] : []), 'error', 'close'],
      bytes: 0,
      name,
      code,
      message: 'Network',
    })
  })
}

withFaults('where no call fails, the same connection works', async (t) => {
  const own = scope(t)
  const { port } = await own.netServer({}, (socket) => socket.pipe(socket))
  t.deepEqual(await ask(own, 'one-connection.js', [port], { env: failsys('') }), {
    types: ['open', 'close'],
    bytes: 1,
  })
})
