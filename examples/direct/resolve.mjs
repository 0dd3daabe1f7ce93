// node --import moz-tcp-socket/direct/register examples/direct/resolve.mjs SERVER PORT NAME [TYPE]
//
// Asks a DNS server over UDP, RFC 1035: again after a second without an answer, five times in all. It prints the answers, one a line.

import { TYPES, decodeMessage, encodeMessage } from './dns-message.mjs'

const TRIES = 5
const PATIENCE = 1000

const [remoteAddress, remotePort, name, type = 'A'] = process.argv.slice(2)
const socket = new UDPSocket({ remoteAddress, remotePort: Number(remotePort) })
const { readable, writable } = await socket.opened
const reader = readable.getReader()
const writer = writable.getWriter()
const id = crypto.getRandomValues(new Uint16Array(1))[0]
const query = encodeMessage({ id, wantsRecursion: true, questions: [{ name, type: TYPES[type] }] })
const ask = () => writer.write({ data: query }).catch(() => {})

let tries = 1
const timer = setInterval(() => {
  if (++tries > TRIES) void reader.cancel()
  else void ask()
}, PATIENCE)
await ask()
const answer = await nextAnswer()
clearInterval(timer)
if (answer === undefined) console.error(`no answer from ${remoteAddress}`)
else if (answer.code !== 0) console.error(`error ${answer.code}`)
else for (const { data } of answer.answers) console.log(String(data))
process.exitCode = answer?.code === 0 ? 0 : 1
await reader.cancel()
reader.releaseLock()
writer.releaseLock()
await socket.close()

/** The answer to the question, whatever else comes. */
async function nextAnswer() {
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return undefined
    try {
      const message = decodeMessage(value.data)
      if (message.isResponse && message.id === id) return message
    } catch {
      // It is no message of DNS.
    }
  }
}
