'use strict'

// An application's tests with `setupFiles: ['moz-tcp-socket/register']`, in Jest's `node` environment and in jsdom, whose
// navigator is an accessor of the window. before-register.js has put a TCPSocket there first.

const moz = require('moz-tcp-socket')

const isDom = typeof window === 'object'

test('navigator is what it was, with mozTCPSocket on it', () => {
  if (isDom) {
    expect(navigator).toBe(window.navigator)
    expect(navigator).toBeInstanceOf(window.Navigator)
    expect(navigator.userAgent).toMatch(/jsdom/)
  }
  expect(navigator).toBe(globalThis.navigatorBefore ?? navigator)
  expect(navigator.mozTCPSocket).toBe(moz.mozTCPSocket)
  expect(navigator.TCPSocket).toBe(moz.mozTCPSocket)
})

test('a TCPSocket of the application stays, and the other classes are beside it', () => {
  expect(globalThis.TCPSocket).toBe('of the application')
  expect(TCPServerSocket).toBe(moz.TCPServerSocket)
  expect(TCPSocketEvent).toBe(moz.TCPSocketEvent)
})

test('an echo, with code of Firefox OS', (done) => {
  const server = navigator.mozTCPSocket.listen(0)
  server.onconnect = (peer) => {
    peer.ondata = (event) => {
      peer.send(event.data)
      peer.close()
      server.close()
    }
  }
  const socket = navigator.mozTCPSocket.open('127.0.0.1', server.localPort)
  let answer = ''
  socket.onopen = () => socket.send('hello')
  socket.ondata = (event) => (answer += event.data)
  socket.onclose = () => {
    expect(answer).toBe('hello')
    done()
  }
})
