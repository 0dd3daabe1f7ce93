'use strict'

// Suite F of Gecko's tests, as far as it applies (GT-40, GT-42, GT-45, GT-46): where the API can be seen. Gecko decided
// by preference and permission; here the application decides, by loading `moz-tcp-socket/register`. GT-43 and GT-44 (the
// preference without the permission) have no counterpart: there is no permission that could be missing.

const test = require('ava')

const { resultOf } = require('./helpers/run-script.js')

const hidden = { TCPSocket: false, TCPServerSocket: false, mozTCPSocket: false, added: [] }

test('GT-40 loading the package puts nothing on the global object or on navigator', async (t) => {
  t.deepEqual(await resultOf(t, 'exposure.js', 'moz-tcp-socket'), hidden)
})

test('GT-42 by default, when nothing is loaded, there is no API', async (t) => {
  t.deepEqual(await resultOf(t, 'exposure.js', 'nothing'), hidden)
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
