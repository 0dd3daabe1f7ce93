'use strict'

// An IRC session with ngIRCd, in string mode as the Firefox OS chat clients did it: two users, a channel, UTF-8 by
// hand, and the server closing the connection after QUIT.

const test = require('ava')

const { startIrcServer } = require('../helpers/ngircd.js')
const { testWith } = require('../helpers/peers.js')
const { mozTCPSocket, scope } = require('../helpers/sockets.js')

/** One user: `line(pattern)` resolves with the next line that matches. Answers PING. */
async function user(own, port, nick) {
  const socket = mozTCPSocket.open('127.0.0.1', port)
  const events = own.watch(socket)
  const lines = []
  let rest = ''
  socket.ondata = ({ data }) => {
    const parts = (rest + data).split('\r\n')
    rest = parts.pop()
    for (const line of parts) {
      lines.push(line)
      if (line.startsWith('PING')) socket.send(`PONG${line.slice(4)}\r\n`)
    }
  }
  const line = (pattern) =>
    new Promise((resolve) => {
      const look = () => {
        const index = lines.findIndex((text) => pattern.test(text))
        if (index < 0) return
        socket.removeEventListener('data', look)
        resolve(lines.splice(0, index + 1).at(-1))
      }
      // Added after the handler, so that `lines` is up to date.
      socket.addEventListener('data', look)
      look()
    })
  await events.event('open')
  socket.send(`NICK ${nick}\r\n`)
  socket.send(`USER ${nick} 0 * :${nick} of the test\r\n`)
  await line(/ 001 /)
  return { socket, events, line }
}

const utf8 = {
  encode: (text) => unescape(encodeURIComponent(text)),
  decode: (bytes) => decodeURIComponent(escape(bytes)),
}

testWith(test, 'ngircd', 'two users meet in a channel, talk in UTF-8, and quit', async (t) => {
  const own = scope(t)
  const { port } = await startIrcServer(own)
  const [anna, bert] = await Promise.all([user(own, port, 'anna'), user(own, port, 'bert')])

  anna.socket.send('JOIN #test\r\n')
  await anna.line(/ 366 anna #test /)
  bert.socket.send('JOIN #test\r\n')
  t.regex(await anna.line(/JOIN/), /^:bert!.* JOIN :?#test$/)
  await bert.line(/ 366 bert #test /)

  const text = 'grüße, 世界 🚀'
  anna.socket.send(utf8.encode(`PRIVMSG #test :${text}\r\n`))
  t.is(utf8.decode(await bert.line(/PRIVMSG/)).split(' :')[1], text)

  for (let i = 0; i < 4; i++) bert.socket.send(`PRIVMSG anna :number ${i}\r\n`)
  for (let i = 0; i < 4; i++) t.true((await anna.line(/PRIVMSG anna/)).endsWith(`:number ${i}`))

  bert.socket.send('QUIT :bye\r\n')
  await bert.line(/^ERROR /)
  t.deepEqual(await bert.events.closed(), ['open', 'close'])
  t.regex(await anna.line(/QUIT/), /^:bert!.* QUIT :.*bye/)
  t.is(anna.socket.readyState, 'open')
  anna.socket.send('QUIT\r\n')
  t.deepEqual(await anna.events.closed(), ['open', 'close'])
})
