'use strict'

// A POP3 server with two messages that nobody can read, for docs/walkthrough.md: it speaks TLS, with cert.pem and key.pem.

const { readFileSync } = require('node:fs')

const { TCPServerSocket } = require('moz-tcp-socket')

const ANSWERS = { USER: '+OK', PASS: '+OK', STAT: '+OK 2 1024', QUIT: '+OK bye' }

const [cert, key] = [readFileSync('cert.pem'), readFileSync('key.pem')]
const port = Number(process.argv[2] ?? 1995)
const server = new TCPServerSocket(port, { localAddress: '127.0.0.1', useSecureTransport: true, cert, key })

server.onconnect = ({ socket }) => {
  socket.send('+OK ready\r\n')
  let input = ''
  socket.ondata = ({ data }) => {
    const lines = (input + data).split('\r\n')
    input = lines.pop()
    for (const line of lines) {
      const [command] = line.split(' ')
      socket.send(`${ANSWERS[command] ?? '-ERR what?'}\r\n`)
      if (command === 'QUIT') socket.close()
    }
  }
}
console.log(`a mail server at localhost:${server.localPort}`)
