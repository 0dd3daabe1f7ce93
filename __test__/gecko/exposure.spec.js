'use strict'

// Suite F of Gecko's tests (GT-40, GT-42 to GT-46): where the API can be seen, and who may use it. Gecko decided the first
// by preference and permission; here the application decides, by loading `moz-tcp-socket/register`. What a permission
// that is missing leads to is decided by `setPolicy`.

const test = require('ava')

const { resultOf } = require('./helpers/run-script.js')

const NOT_PERMITTED = 'Error: TCPSocket does not have permission in this context.\n'

const hidden = { TCPSocket: false, TCPServerSocket: false, mozTCPSocket: false, added: [] }

test('GT-40 loading the package puts nothing on the global object or on navigator', async (t) => {
  t.deepEqual(await resultOf(t, 'exposure.js', 'moz-tcp-socket'), hidden)
})

test('GT-42 by default, when nothing is loaded, there is no API', async (t) => {
  t.deepEqual(await resultOf(t, 'exposure.js', 'nothing'), hidden)
})

test('GT-43 without the permission, mozTCPSocket is in navigator, and open and listen throw', async (t) => {
  const { mozTCPSocket, thrown } = await resultOf(t, 'without-permission.js')
  t.true(mozTCPSocket)
  t.is(thrown.open, NOT_PERMITTED)
  t.is(thrown.listen, NOT_PERMITTED)
})

test('GT-44 without the permission, the constructors throw; they are there, unlike in Gecko', async (t) => {
  const { classes, thrown } = await resultOf(t, 'without-permission.js')
  t.true(classes)
  t.is(thrown.TCPSocket, NOT_PERMITTED)
  t.is(thrown.TCPServerSocket, NOT_PERMITTED)
})

test('GT-45 registered, mozTCPSocket is in navigator, and the classes are global', async (t) => {
  const { added, ...exposed } = await resultOf(t, 'exposure.js', 'moz-tcp-socket/register')
  t.deepEqual(exposed, { TCPSocket: true, TCPServerSocket: true, mozTCPSocket: true })
  const classes = [
    'TCPServerSocket',
    'TCPServerSocketEvent',
    'TCPSocket',
    'TCPSocketErrorEvent',
    'TCPSocketEvent',
    'UDPMessageEvent',
    'UDPSocket',
  ]
  // Node has a navigator of its own from version 21 on.
  t.deepEqual(
    added.filter((name) => name !== 'navigator'),
    classes,
  )
})

test('GT-46 registered, navigator.mozTCPSocket.open and the constructors make sockets', async (t) => {
  t.deepEqual(await resultOf(t, 'with-permission.js'), {
    exposed: true,
    viaNavigator: [true, 'localhost', 80, 'connecting'],
    viaClass: [true, 'localhost', 80, 'connecting'],
    listens: true,
  })
})
