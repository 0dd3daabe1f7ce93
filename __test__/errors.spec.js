'use strict'

// Numbers of the operating system, as Node names them.

const test = require('ava')

const { eventError } = require('../lib/errors.js')
const { windowsError } = require('../lib/platform/system-errors.js')

const WINSOCK = { EADDRINUSE: 100, WSAEADDRINUSE: 10048, WSAECONNREFUSED: 10061, WSA_E_NO_MORE: 10110 }

test('errors of Windows sockets have the names of POSIX, and the numbers of Node', (t) => {
  const { code, errno } = windowsError(10061, WINSOCK)
  t.is(code, 'ECONNREFUSED')
  t.is(require('node:util').getSystemErrorName(errno), code)
  t.is(windowsError(10048, WINSOCK).code, 'EADDRINUSE')
  t.deepEqual(windowsError(10110, WINSOCK), { code: 'E10110', errno: -10110 })
})

test('a number that Node has no name for is its own name', (t) => {
  const error = eventError({ name: 'NetworkError', code: 1, detail: 'x', errno: 4000 })
  t.is(error.code, 'E4000')
  t.is(error.errno, -4000)
})
