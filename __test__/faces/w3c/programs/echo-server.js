'use strict'

// A program as the draft has them, for `node --import moz-tcp-socket/w3c/register`: what it is sent on its port it sends back.

const localPort = Number(process.argv[2])

navigator.tcpServerPermission.requestPermission({ localPort }).then(
  () => {
    const server = new TCPServerSocket({ localAddress: '127.0.0.1', localPort })
    server.opened.then(
      () => console.log('listening'),
      (e) => console.error('listening failed:', e),
    )
    accept()

    function accept() {
      server.listen().then(
        (connected) => {
          const reader = connected.readable.getReader()
          echo()
          function echo() {
            reader.read().then(({ value, done }) => {
              if (done) return connected.halfClose()
              console.log(`${value.byteLength} bytes from ${connected.remoteAddress}`)
              connected.writeable.write(value).then(echo)
            })
          }
          connected.closed.then(() => console.log('connection closed'))
          accept()
        },
        (e) => console.log('no more connections:', e.name),
      )
    }

    process.stdin.on('end', () => server.close()).resume()
  },
  (e) => console.error('denied:', e),
)
