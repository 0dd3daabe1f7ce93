'use strict'

// Suite A of Gecko's tests, retold: a client of the first generation against a server that is not of this API. A case
// is a list of steps on one fixture; `order` is the one long run in which Gecko had them.

const { randomBytes } = require('node:crypto')

const { RawServer } = require('./raw-server.js')
const { bytesOf } = require('./trial.js')
const { refusedPort } = require('./ports.js')

/** With zeros at its start, inside and at its end: nothing may be cut there. */
const DATA = Buffer.from([0, 255, 254, 0, 1, 2, 3, 0, 255, 255, 254, 0])
/** Three bytes more than the 64 KiB above which `send` answers false. */
const BIG = randomBytes(65539)
const BIG2 = randomBytes(65539)
/** Two of these stay below 64 KiB, the third does not. */
const MEDIUM = randomBytes(22000)

const arrayBuffer = (bytes) => Uint8Array.from(bytes).buffer

async function start(trial, api) {
  const server = await RawServer.start(trial)
  return { trial, api, server, client: null, clients: [] }
}

function stop({ server, clients }) {
  for (const client of clients) client.closeImmediately()
  server.stop()
}

/** The handlers with which each test begins. */
function expectNothing({ trial, client, server }) {
  client.ondrain = null
  for (const type of ['open', 'data', 'error', 'close']) {
    client[`on${type}`] = trial.unexpected(`${type} at the client`)
  }
  server.expectNothing()
}

const steps = {
  async connectSock(f) {
    const { trial, server } = f
    server.forget()
    const client = f.api.mozTCPSocket.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
    f.client = client
    f.clients.push(client)
    trial.is(client.readyState, 'connecting', 'state when open() returns')
    const joint = trial.joint('connection at the server', 'open')
    expectNothing(f)
    server.onaccept = joint.step('connection at the server')
    client.onopen = joint.step('open')
    await trial.until(joint.all)
  },

  async sendData(f) {
    const { trial, server, client } = f
    const joint = trial.joint('data')
    server.ondata = trial.collector('DATA', DATA, joint.step('data'))
    trial.is(client.send(arrayBuffer(DATA)), true, 'send of a few bytes')
    await trial.until(joint.all)
  },

  async sendBig(f) {
    const { trial, server, client } = f
    const joint = trial.joint('data', 'drain')
    server.ondata = trial.collector('BIG', BIG, joint.step('data'))
    client.ondrain = joint.step('drain', () => trial.is(client.bufferedAmount, 0, 'bufferedAmount at drain'))
    trial.is(client.send(arrayBuffer(BIG)), false, 'send of more than 64 KiB')
    await trial.until(joint.all)
    client.ondrain = trial.unexpected('second drain')
  },

  async receiveData(f) {
    const { trial, server, client } = f
    const joint = trial.joint('data')
    server.ondata = trial.unexpected('data at the server')
    const collect = trial.collector('DATA', DATA, joint.step('data'))
    client.ondata = (event) => collect(bytesOf(trial, event))
    server.write(DATA)
    await trial.until(joint.all)
  },

  async serverCloses(f) {
    const { trial, server, client } = f
    const joint = trial.joint('close', 'end of stream')
    client.ondata = trial.unexpected('data at the client')
    client.onclose = joint.step('close')
    server.onclose = joint.step('end of stream')
    server.closeConnection()
    await trial.until(joint.all)
  },

  async clientCloses(f) {
    const { trial, server, client } = f
    const joint = trial.joint('close', 'end of stream')
    client.onclose = joint.step('close')
    server.onclose = joint.step('end of stream')
    client.close()
    await trial.until(joint.all)
  },

  async bufferedClose(f) {
    const { trial, server, client } = f
    const joint = trial.joint('data', 'close', 'end of stream')
    server.ondata = trial.collector('BIG', BIG, joint.step('data'))
    server.onclose = joint.step('end of stream')
    client.onclose = joint.step('close')
    client.send(arrayBuffer(BIG))
    client.close()
    await trial.until(joint.all)
  },

  async badConnect(f) {
    const { trial, api } = f
    const refused = await refusedPort()
    const client = api.mozTCPSocket.open('127.0.0.1', refused.port)
    f.clients.push(client)
    let name
    const joint = trial.joint('error', 'close')
    client.onopen = trial.unexpected('open')
    client.ondata = trial.unexpected('data')
    client.onerror = joint.step('error', (event) => {
      name = event.data.name
    })
    client.onclose = joint.step('close', () => trial.is(name, 'ConnectionRefusedError', 'error before close'))
    await trial.until(joint.all)
    refused.release()
  },

  async drainTwice(f) {
    const { trial, server, client } = f
    const ends = trial.joint('close', 'end of stream')
    const first = trial.joint('drain', 'data')
    server.ondata = trial.collector('BIG', BIG, first.step('data'))
    server.onclose = ends.step('end of stream')
    client.onclose = ends.step('close')
    client.ondrain = first.step('drain')
    trial.is(client.send(arrayBuffer(BIG)), false, 'first send')
    await trial.until(first.all)

    const second = trial.joint('drain', 'data')
    server.ondata = trial.collector('BIG2', BIG2, second.step('data'))
    client.ondrain = second.step('drain')
    trial.is(client.send(arrayBuffer(BIG2)), false, 'second send')
    client.close()
    await trial.until(Promise.all([second.all, ends.all]))
  },

  async bufferTwice(f) {
    const { trial, server, client } = f
    const joint = trial.joint('data', 'drain', 'close', 'end of stream')
    server.ondata = trial.collector('BIG and BIG2', Buffer.concat([BIG, BIG2]), joint.step('data'))
    server.onclose = joint.step('end of stream')
    client.onclose = joint.step('close')
    client.ondrain = joint.step('drain', () => client.close())
    trial.is(client.send(arrayBuffer(BIG)), false, 'first send')
    trial.is(client.send(arrayBuffer(BIG2)), false, 'second send')
    await trial.until(joint.all)
  },

  async continueSend(f) {
    const { trial, server, client } = f
    const joint = trial.joint('drain', 'close', 'end of stream')
    server.ondata = () => {}
    server.onclose = joint.step('end of stream')
    client.onclose = joint.step('close')
    client.ondrain = joint.step('drain', () => {
      trial.is(client.bufferedAmount, 0, 'bufferedAmount at drain')
      client.close()
    })
    let sends = 0
    let more
    do {
      more = client.send(arrayBuffer(MEDIUM))
      sends++
      trial.is(client.bufferedAmount, MEDIUM.length * sends, `bufferedAmount after ${sends} sends`)
    } while (more && sends < 10)
    trial.is(sends, 3, 'sends until the first false')
    await trial.until(joint.all)
  },

  cleanup({ trial, client }) {
    trial.is(client.readyState, 'closed', 'state')
    trial.quiet(() => client.close(), 'close() of a closed socket')
  },

  async multisend(f) {
    const { trial, server } = f
    server.forget()
    const joint = trial.joint('data', 'close', 'end of stream')
    server.onaccept = () => {}
    server.ondata = trial.collector('OKBYE', Buffer.from('OKBYE'), joint.step('data'))
    server.onclose = joint.step('end of stream')
    const client = f.api.mozTCPSocket.open('127.0.0.1', server.port, { binaryType: 'arraybuffer' })
    f.clients.push(client)
    client.onerror = trial.unexpected('error')
    client.onclose = joint.step('close')
    const { buffer } = new TextEncoder().encode('OKBYE')
    client.onopen = () => {
      client.send(buffer, 0, 2)
      client.send(buffer, 2, 3)
      client.close()
    }
    await trial.until(joint.all)
  },
}

const ORIGINAL_ORDER = `
  connectSock sendData sendBig receiveData serverCloses connectSock clientCloses connectSock
  bufferedClose badConnect connectSock drainTwice connectSock bufferTwice connectSock continueSend
  cleanup
`

/** Titles, and the steps of each. */
const cases = [
  ['GT-01 connectSock: the server sees the connection and the client opens', 'connectSock'],
  ['GT-02 sendData: a few bytes arrive exactly and send answers true', 'connectSock sendData'],
  ['GT-03 sendBig: send answers false, drain comes with bufferedAmount 0', 'connectSock sendBig'],
  ['GT-04 receiveData: the client gets exactly what the server wrote', 'connectSock receiveData'],
  ['GT-05 serverCloses: the client closes without error', 'connectSock serverCloses'],
  ['GT-06 clientCloses: both ends see the end, without error', 'connectSock clientCloses'],
  ['GT-07 bufferedClose: close right after send loses nothing', 'connectSock bufferedClose'],
  ['GT-08 badConnect: ConnectionRefusedError comes, and close after it', 'badConnect'],
  ['GT-09 drainTwice: drain comes again, even after close was called', 'connectSock drainTwice'],
  ['GT-10 bufferTwice: drain comes when both overfull sends are written', 'connectSock bufferTwice'],
  ['GT-11 continueSend: bufferedAmount is exact after each send of a turn', 'connectSock continueSend'],
  ['GT-12 cleanup: closing a closed socket is harmless', 'connectSock clientCloses cleanup'],
  ['GT-14 multisend: two slices of one buffer arrive as they were cut', 'multisend'],
  ['GT-01 … GT-12 in the order of the original run, on one server', ORIGINAL_ORDER],
].map(([title, list]) => ({ title, steps: list.trim().split(/\s+/) }))

/** The suite on one copy of the API. */
module.exports = (api) => ({ start: (trial) => start(trial, api), stop, steps, cases })
