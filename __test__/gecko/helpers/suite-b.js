'use strict'

// Suite B of Gecko's tests, retold: client and server are both of the first generation's API. The original used port
// 8085 because a child process could not learn the real one; here the first round takes a free port, and the second
// round listens on that port again.

const { bytesOf } = require('./trial.js')

const DATA = Buffer.from([0, 255, 254, 0, 1, 2, 3, 0, 255, 255, 254, 0])
const OPTIONS = { binaryType: 'arraybuffer' }

const arrayBuffer = (bytes) => Uint8Array.from(bytes).buffer

function start(trial, api) {
  return { trial, api, port: 0, server: null, client: null, accepted: null, sockets: [] }
}

function stop({ server, sockets }) {
  server?.close()
  for (const socket of sockets) socket.closeImmediately()
}

function expectNothing({ trial }, socket, who) {
  for (const type of ['data', 'error', 'close'])
    socket[`on${type}`] = trial.unexpected(`${type} at the ${who}`)
}

/** `from` sends DATA, and `to` gets exactly that. */
async function transfer({ trial }, from, to) {
  const joint = trial.joint('data')
  const collect = trial.collector('DATA', DATA, joint.step('data'))
  to.ondata = (event) => collect(bytesOf(trial, event))
  trial.is(from.send(arrayBuffer(DATA)), true, 'send of a few bytes')
  await trial.until(joint.all)
  to.ondata = trial.unexpected('data after everything expected had arrived')
}

const steps = {
  async connectSock(f) {
    const { trial, api } = f
    // A server of the round before may be there, with connections: its port must be ours again at once.
    f.server?.close()
    f.server = api.mozTCPSocket.listen(f.port, OPTIONS, -1)
    f.port = f.server.localPort
    const joint = trial.joint('connect', 'open')
    f.server.onerror = trial.unexpected('error at the server')
    // The first generation's argument is the accepted socket itself (decision Q-27).
    f.server.onconnect = joint.step('connect', (socket) => {
      trial.is(socket instanceof api.TCPSocket, true, 'the argument of onconnect is a socket')
      trial.is(socket.host, '127.0.0.1', 'host of the accepted socket')
      f.accepted = socket
      f.sockets.push(socket)
      expectNothing(f, socket, 'accepted socket')
    })
    f.client = api.mozTCPSocket.open('127.0.0.1', f.port, OPTIONS)
    f.sockets.push(f.client)
    f.client.ondrain = null
    f.client.onopen = joint.step('open')
    expectNothing(f, f.client, 'client')
    await trial.until(joint.all)
  },

  sendDataToServer: (f) => transfer(f, f.client, f.accepted),

  receiveDataFromServer: (f) => transfer(f, f.accepted, f.client),

  /** Handlers of both sockets stay as they are: whatever the listener's end does to them is a failure. */
  serverCloses({ trial, server }) {
    trial.quiet(() => server.close(), 'close() of the server')
  },

  async openSockInClosingServer({ trial, api, port, sockets }) {
    const joint = trial.joint('error', 'close')
    const late = api.mozTCPSocket.open('127.0.0.1', port, OPTIONS)
    sockets.push(late)
    late.onopen = trial.unexpected('open after the server closed')
    late.onerror = joint.step('error')
    late.onclose = joint.step('close')
    await trial.until(joint.all)
  },

  cleanup({ trial, server, client, accepted }) {
    client.onclose = null
    accepted.onclose = null
    trial.is(client.onclose, null, 'onclose after it was set to null')
    trial.quiet(() => server.close(), 'close() of a closed server')
    trial.quiet(() => client.close(), 'close() of the client')
  },
}

const ORIGINAL_ORDER = `
  connectSock sendDataToServer receiveDataFromServer serverCloses sendDataToServer
  receiveDataFromServer serverCloses openSockInClosingServer cleanup connectSock receiveDataFromServer
  sendDataToServer cleanup
`

/** Titles, and the steps of each. */
const cases = [
  ['GT-15 connectSock: onconnect gets the accepted socket, with the host of its peer', 'connectSock'],
  [
    'GT-15 connectSock again: the port of a closed server with a live connection is free at once',
    'connectSock sendDataToServer connectSock sendDataToServer',
  ],
  ['GT-16 sendDataToServer: what the client sends arrives exactly', 'connectSock sendDataToServer'],
  ['GT-17 receiveDataFromServer: what the server sends arrives exactly', 'connectSock receiveDataFromServer'],
  [
    'GT-18 serverCloses: the listener closes, twice, and its connection does not notice',
    'connectSock serverCloses serverCloses',
  ],
  [
    'GT-19 after the listener closed, both directions of its connection still work',
    'connectSock serverCloses sendDataToServer receiveDataFromServer',
  ],
  [
    'GT-20 openSockInClosingServer: a closed listener accepts nobody',
    'connectSock serverCloses openSockInClosingServer',
  ],
  [
    'GT-21 cleanup: null silences onclose, and closing again is harmless',
    'connectSock receiveDataFromServer sendDataToServer serverCloses cleanup cleanup',
  ],
  ['GT-15 … GT-21 in the order of the original run, both rounds on one port', ORIGINAL_ORDER],
].map(([title, list]) => ({ title, steps: list.trim().split(/\s+/) }))

/** The suite on one copy of the API. */
module.exports = (api) => ({ start: (trial) => start(trial, api), stop, steps, cases })
