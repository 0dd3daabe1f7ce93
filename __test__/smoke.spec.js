'use strict'

const test = require('ava')

const { scope } = require('./helpers/sockets.js')

test('a client and a server exchange bytes and close without error', async (t) => {
  const { client, clientEvents, accepted, acceptedEvents } = await scope(t).pair()
  t.true(client.send(new Uint8Array([1, 2, 3]).buffer))
  t.deepEqual([...(await acceptedEvents.data(3))], [1, 2, 3])
  accepted.send('ok')
  t.is(String(await clientEvents.data(2)), 'ok')
  client.close()
  t.is(client.readyState, 'closing')
  t.deepEqual(await clientEvents.closed(), ['open', 'close'])
  t.deepEqual(await acceptedEvents.closed(), ['close'])
})
