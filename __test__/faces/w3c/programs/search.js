'use strict'

// A program as the draft of 2013 has them: looks for devices by SSDP, and prints who answers first.

const { UDPSocket } = require('moz-tcp-socket/w3c/events')

const address = '239.255.255.250'
const port = process.argv[2]
const socket = new UDPSocket({ loopback: true })
socket.addEventListener('open', function () {
  const lines = [
    'M-SEARCH * HTTP/1.1',
    'ST: upnp:rootdevice',
    'MAN: "ssdp:discover"',
    `HOST: ${address}:${port}`,
    'MX: 10',
  ]
  this.send(lines.join('\r\n'), address, port)
  console.log('sent')
})
socket.addEventListener('message', (e) => {
  console.log(`${new TextDecoder().decode(e.data)} from port ${e.remotePort}`)
  socket.close()
})
socket.addEventListener('error', (e) => console.error('error:', e.name, e.message))
socket.joinMulticast(address)
