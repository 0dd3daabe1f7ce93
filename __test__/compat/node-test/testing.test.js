'use strict'

// moz-tcp-socket/testing in Node's own runner, which waits for the event loop: what is left open would hang it.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { describe, it, mock } = require('node:test')

const { TCPSocket } = require('moz-tcp-socket')
const { createMock, faultProxy, scriptedPeer } = require('moz-tcp-socket/testing')

describe('moz-tcp-socket/testing in node --test', () => {
  it('makes mocks whose methods are spies of node:test', async () => {
    const mocked = createMock({ fn: (implementation) => mock.fn(implementation) })
    const socket = new mocked.TCPSocket('example.org', 25)
    socket.mock.open()
    socket.send('hello')
    assert.equal(socket.send.mock.callCount(), 1)
    assert.deepEqual(socket.send.mock.calls[0].arguments, ['hello'])
    socket.close()
    await once(socket, 'close')
  })

  it('fails a test in which the client deviates, and leaves nothing open', async () => {
    const peer = await scriptedPeer()
    const proxy = await faultProxy({ to: peer.port })
    try {
      peer.expect('yes')
      const socket = new TCPSocket('127.0.0.1', proxy.port)
      socket.onopen = () => socket.send('no!')
      await assert.rejects(peer.done, /expected:\n {4}yes\n {2}received:\n {4}no!\n/)
      if (socket.readyState !== 'closed') await once(socket, 'close')
    } finally {
      await Promise.all([proxy.close(), peer.close()])
    }
  })

  it('leaves nothing open when a peer is closed that nobody came to', async () => {
    const peer = await scriptedPeer({ tls: true })
    peer.stall()
    await peer.close()
    await assert.rejects(peer.done, /closed before the script was done/)
  })
})
