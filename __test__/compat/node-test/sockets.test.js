'use strict'

// An application's tests in Node's own runner, which leaves the exit to the event loop: a socket that went on being
// counted would hang it.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { afterEach, describe, it, mock } = require('node:test')

const { TCPSocket, TCPServerSocket, TCPSocketEvent, mozTCPSocket } = require('moz-tcp-socket')

/** A client and its peer, both open. */
async function connected(options) {
  const server = new TCPServerSocket(0, { ...options, localAddress: '127.0.0.1' })
  const client = new TCPSocket('127.0.0.1', server.localPort, options)
  // `once` of node:events takes any EventTarget.
  const [[{ socket: peer }]] = await Promise.all([once(server, 'connect'), once(client, 'open')])
  server.close()
  return { client, peer }
}

async function close({ client, peer }) {
  const closed = Promise.all([once(client, 'close'), once(peer, 'close')])
  client.close()
  await closed
}

describe('moz-tcp-socket in node --test', () => {
  afterEach(() => mock.timers.reset())

  it('echoes over loopback', async () => {
    const pair = await connected({ binaryType: 'arraybuffer' })
    pair.peer.ondata = ({ data }) => pair.peer.send(data)
    pair.client.send('hello')
    const [event] = await once(pair.client, 'data')
    assert.ok(event instanceof TCPSocketEvent)
    assert.ok(event.data instanceof ArrayBuffer)
    assert.equal(Buffer.from(event.data).toString(), 'hello')
    await close(pair)
  })

  it('throws what assert.throws can name', () => {
    assert.throws(() => new TCPSocket('localhost', 'http'), TypeError)
    assert.throws(() => mozTCPSocket.send(''), { name: 'NS_ERROR_FAILURE', message: 'Socket not open.' })
  })

  it('goes on with mocked timers', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
    const pair = await connected()
    assert.equal(pair.client.send('x'.repeat(300000)), false)
    await once(pair.client, 'drain')
    await close(pair)
  })

  it('tells a mocked handler its socket', async () => {
    const pair = await connected()
    pair.client.ondata = mock.fn()
    pair.peer.send('hello')
    await once(pair.client, 'data')
    assert.equal(pair.client.ondata.mock.callCount(), 1)
    assert.equal(pair.client.ondata.mock.calls[0].this, pair.client)
    await close(pair)
  })

  it('leaves a listener behind that does not hold the runner', () => {
    assert.equal(new TCPServerSocket(0, { localAddress: '127.0.0.1' }).unref().localPort > 0, true)
  })
})
