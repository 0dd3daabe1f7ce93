'use strict'

// GT-41: an IPv6 address as host, without brackets.

const test = require('ava')

const api = require('../../index.js')
const { hasIPv6, testOn } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')
const { RawServer } = require('./helpers/raw-server.js')
const { Trial, settle } = require('./helpers/trial.js')

const test6 = testOn(test, hasIPv6, 'an IPv6 loopback address')

test6('GT-41 a socket to ::1, without options, opens', async (t) => {
  const trial = new Trial()
  const server = await RawServer.start(trial, '::1')
  t.teardown(() => server.stop())
  const joint = trial.joint('connection at the server', 'open')
  server.onaccept = joint.step('connection at the server')
  const socket = new api.TCPSocket('::1', server.port)
  t.teardown(() => socket.closeImmediately())
  socket.onerror = trial.unexpected('error')
  socket.onopen = joint.step('open')
  await trial.until(joint.all)
  await settle(api)
  t.notThrows(() => trial.check())
  t.is(socket.host, '::1')
})

test6('GT-41 a listener on ::1 accepts it, and names its peer ::1', async (t) => {
  const own = scope(t)
  const { port, accepted } = own.listen({ localAddress: '::1' })
  const [, events] = own.open('::1', port)
  const [[socket, socketEvents]] = await Promise.all([accepted(), events.event('open')])
  t.is(socket.host, '::1')
  socket.close()
  t.deepEqual(await events.closed(), ['open', 'close'])
  t.deepEqual(await socketEvents.closed(), ['close'])
})

test('GT-41 brackets, which belong to URLs, are refused at once', (t) => {
  t.throws(() => new api.TCPSocket('[::1]', 80), { instanceOf: TypeError, message: /without brackets/ })
})
