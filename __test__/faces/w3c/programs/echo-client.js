'use strict'

// A program as the draft has them, for `node --import moz-tcp-socket/w3c/register`: sends a text, and prints what comes back.

const remotePort = Number(process.argv[2])

navigator.tcpPermission.requestPermission({ remoteAddress: '127.0.0.1', remotePort }).then(
  () => {
    const socket = new TCPSocket('127.0.0.1', remotePort)
    socket.writeable.write('Hello World').then(
      () => {
        console.log('sent')
        socket.readable
          .getReader()
          .read()
          .then(({ value, done }) => {
            if (!done) console.log('received:', new TextDecoder().decode(value))
            socket.close()
          })
      },
      (e) => console.error('sending failed:', e),
    )
    socket.halfClose()
    socket.opened.then(
      () => console.log('connected'),
      (e) => console.error('connecting failed:', e),
    )
    socket.closed.then(
      () => console.log('closed'),
      (e) => console.error('closed by an error:', e),
    )
  },
  (e) => console.error('denied:', e),
)
