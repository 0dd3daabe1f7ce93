'use strict'

// F-DS-55 to 59 of the specification (docs/direct.md): groups.

const test = require('ava')

const { MulticastController, UDPSocket } = require('moz-tcp-socket/direct')
const { bytes, disposed, reasonOf, text } = require('./support.js')

const GROUP = '239.255.0.1'

const isNamed = (t, error, name) => {
  t.true(error instanceof DOMException, `${error}`)
  t.is(error.name, name)
}

async function open(t, options) {
  const socket = disposed(
    t,
    new UDPSocket({ localAddress: '0.0.0.0', multicastAllowAddressSharing: true, ...options }),
  )
  const info = await socket.opened
  return { socket, ...info, groups: info.multicastController }
}

test('F-DS-55: a member of a group hears what is sent to it, until it leaves', async (t) => {
  const { groups, readable, localPort } = await open(t)
  t.true(groups instanceof MulticastController)
  t.deepEqual(groups.joinedGroups, [])
  t.is(await groups.joinGroup(GROUP), undefined)
  t.deepEqual(groups.joinedGroups, [GROUP])
  t.true(Object.isFrozen(groups.joinedGroups))
  t.is(groups.joinedGroups, groups.joinedGroups)
  const sender = disposed(
    t,
    new UDPSocket({ remoteAddress: GROUP, remotePort: localPort, multicastTimeToLive: 1 }),
  )
  const { writable } = await sender.opened
  const writer = writable.getWriter()
  await writer.write({ data: bytes('to the group') })
  const reader = readable.getReader()
  t.is(text((await reader.read()).value.data), 'to the group')
  t.is(await groups.leaveGroup(GROUP), undefined)
  t.deepEqual(groups.joinedGroups, [])
  await writer.write({ data: bytes('to nobody') })
  const read = reader.read()
  await new Promise((resolve) => setTimeout(resolve, 200))
  await reader.cancel()
  t.true((await read).done)
})

test('F-DS-55: two sockets may share a port, and both hear the group', async (t) => {
  const first = await open(t)
  const second = await open(t, { localPort: first.localPort })
  for (const { groups } of [first, second]) await groups.joinGroup('239.255.0.2')
  const { writable } = await open(t)
  await writable
    .getWriter()
    .write({ data: bytes('both'), remoteAddress: '239.255.0.2', remotePort: first.localPort })
  for (const { readable } of [first, second])
    t.is(text((await readable.getReader().read()).value.data), 'both')
})

test('a socket hears the groups that it has joined itself, and no others', async (t) => {
  const member = await open(t)
  await member.groups.joinGroup('239.255.0.3')
  const other = await open(t, { localPort: member.localPort })
  const read = other.readable.getReader()
  const { writable } = await open(t)
  await writable
    .getWriter()
    .write({ data: bytes('x'), remoteAddress: '239.255.0.3', remotePort: member.localPort })
  t.is(text((await member.readable.getReader().read()).value.data), 'x')
  const waiting = read.read()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await read.cancel()
  t.true((await waiting).done)
})

test('F-DS-56: joining twice, leaving what was not joined, and joining when closed are InvalidStateErrors', async (t) => {
  const { socket, groups } = await open(t)
  await groups.joinGroup(GROUP)
  isNamed(t, await reasonOf(groups.joinGroup(GROUP)), 'InvalidStateError')
  isNamed(t, await reasonOf(groups.leaveGroup('239.255.0.9')), 'InvalidStateError')
  await socket.close()
  isNamed(t, await reasonOf(groups.joinGroup('239.255.0.9')), 'InvalidStateError')
  isNamed(t, await reasonOf(groups.leaveGroup(GROUP)), 'InvalidStateError')
  t.deepEqual(groups.joinedGroups, [])
})

test('F-DS-56: what is no address of a group is a TypeError', async (t) => {
  const { groups } = await open(t)
  for (const address of ['invalid-address', '', '127.0.0.1', '::1', '223.255.255.255', '240.0.0.1']) {
    for (const method of ['joinGroup', 'leaveGroup']) {
      t.true((await reasonOf(groups[method](address))) instanceof TypeError, address)
    }
  }
  t.true((await reasonOf(groups.joinGroup())) instanceof TypeError)
  t.true((await reasonOf(groups.joinGroup(GROUP, 7))) instanceof TypeError)
})

test('a call that is under way counts: to join again, or to leave before it is joined, is an InvalidStateError', async (t) => {
  const { groups } = await open(t)
  const joining = groups.joinGroup(GROUP)
  t.deepEqual(groups.joinedGroups, [])
  isNamed(t, await reasonOf(groups.joinGroup(GROUP)), 'InvalidStateError')
  isNamed(t, await reasonOf(groups.leaveGroup(GROUP)), 'InvalidStateError')
  await joining
  const leaving = groups.leaveGroup(GROUP)
  isNamed(t, await reasonOf(groups.leaveGroup(GROUP)), 'InvalidStateError')
  await leaving
})

test('F-DS-57: of a group with sources each is joined and left by itself', async (t) => {
  const { groups } = await open(t)
  const of = (sourceAddress) => ({ sourceAddress })
  await groups.joinGroup('232.1.1.1', of('127.0.0.1'))
  await groups.joinGroup('232.1.1.1', of('127.0.0.2'))
  t.deepEqual(groups.joinedGroups, [
    { groupAddress: '232.1.1.1', sourceAddress: '127.0.0.1' },
    { groupAddress: '232.1.1.1', sourceAddress: '127.0.0.2' },
  ])
  isNamed(t, await reasonOf(groups.joinGroup('232.1.1.1', of('127.0.0.1'))), 'InvalidStateError')
  isNamed(t, await reasonOf(groups.leaveGroup('232.1.1.1', of('127.0.0.3'))), 'InvalidStateError')
  isNamed(t, await reasonOf(groups.leaveGroup('232.1.1.1')), 'InvalidStateError')
  isNamed(t, await reasonOf(groups.joinGroup('232.1.1.1')), 'InvalidStateError')
  await groups.joinGroup(GROUP)
  isNamed(t, await reasonOf(groups.joinGroup(GROUP, of('127.0.0.1'))), 'InvalidStateError')
  await groups.leaveGroup('232.1.1.1', of('127.0.0.1'))
  t.is(groups.joinedGroups.length, 2)
  for (const source of ['', 'name', '239.1.1.1', '0.0.0.0', '::1', '::']) {
    t.true((await reasonOf(groups.joinGroup('232.1.1.2', of(source)))) instanceof TypeError, source)
  }
  t.true((await reasonOf(groups.joinGroup('ff3e::1', of('127.0.0.1')))) instanceof TypeError)
})

test('F-DS-57: of a source that was joined datagrams come, and of others none', async (t) => {
  const { groups, readable, localPort } = await open(t)
  const other = disposed(t, new UDPSocket({ localAddress: '127.0.0.1' }))
  const { writable, localAddress } = await other.opened
  t.is(localAddress, '127.0.0.1')
  await groups.joinGroup('232.1.1.3', { sourceAddress: '192.0.2.77' })
  await writable.getWriter().write({ data: bytes('x'), remoteAddress: '232.1.1.3', remotePort: localPort })
  const reader = readable.getReader()
  const read = reader.read()
  await new Promise((resolve) => setTimeout(resolve, 200))
  await reader.cancel()
  t.true((await read).done)
})

test('F-DS-58: close() aborts calls that are under way, and no group is left', async (t) => {
  const { socket, groups } = await open(t)
  await groups.joinGroup(GROUP)
  const pending = [groups.joinGroup('239.255.0.5'), groups.leaveGroup(GROUP)].map(reasonOf)
  await socket.close()
  for (const error of await Promise.all(pending)) isNamed(t, error, 'AbortError')
  t.deepEqual(groups.joinedGroups, [])
})

test('F-DS-59: without loopback nothing of our own comes back', async (t) => {
  t.throws(() => new UDPSocket({ localAddress: '0.0.0.0', multicastTimeToLive: 256 }), {
    instanceOf: TypeError,
  })
  const { groups, readable, writable, localPort } = await open(t, { multicastLoopback: false })
  await groups.joinGroup(GROUP)
  await writable.getWriter().write({ data: bytes('x'), remoteAddress: GROUP, remotePort: localPort })
  const reader = readable.getReader()
  const read = reader.read()
  await new Promise((resolve) => setTimeout(resolve, 200))
  await reader.cancel()
  t.true((await read).done)
})

test('a socket that has a peer belongs to no group', async (t) => {
  const { multicastController } = await disposed(
    t,
    new UDPSocket({ remoteAddress: '127.0.0.1', remotePort: 9 }),
  ).opened
  isNamed(t, await reasonOf(multicastController.joinGroup(GROUP)), 'InvalidStateError')
  t.throws(() => new MulticastController(), { instanceOf: TypeError })
})

test('a group of another family is a NetworkError, and changes nothing', async (t) => {
  const { groups } = await open(t)
  const error = await reasonOf(groups.joinGroup('ff02::fb'))
  isNamed(t, error, 'NetworkError')
  t.truthy(error.cause.code)
  t.deepEqual(groups.joinedGroups, [])
})
