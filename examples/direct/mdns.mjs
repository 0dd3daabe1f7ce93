// node --import moz-tcp-socket/direct/register examples/direct/mdns.mjs offer SERVICE INSTANCE     for instance _http._tcp.local mine
// node --import moz-tcp-socket/direct/register examples/direct/mdns.mjs find SERVICE
//
// Multicast DNS, RFC 6762 and 6763: one process offers a service, until it is ended, and others find it. `find` prints the first instance. MDNS_PORT is
// another port than 5353, for a test.

import { TYPES, decodeMessage, encodeMessage } from './dns-message.mjs'

const GROUP = '224.0.0.251'
const PORT = Number(process.env.MDNS_PORT ?? 5353)
const PATIENCE = 500

const [what, service, instance] = process.argv.slice(2)
const socket = new UDPSocket({
  localAddress: '0.0.0.0',
  localPort: PORT,
  multicastAllowAddressSharing: true,
  multicastTimeToLive: 255,
})
const { readable, writable, multicastController } = await socket.opened
await multicastController.joinGroup(GROUP)
const writer = writable.getWriter()
const send = (message) =>
  writer.write({ data: encodeMessage(message), remoteAddress: GROUP, remotePort: PORT })
if (what === 'offer') await offer()
else await find()

async function offer() {
  const announcement = {
    isResponse: true,
    answers: [{ name: service, type: TYPES.PTR, data: `${instance}.${service}` }],
  }
  await send(announcement)
  console.log('offered')
  for await (const message of messages()) {
    const isAsked = message.questions.some(({ name, type }) => name === service && type === TYPES.PTR)
    if (!message.isResponse && isAsked) await send(announcement)
  }
}

async function find() {
  const ask = () => send({ questions: [{ name: service, type: TYPES.PTR }] })
  const timer = setInterval(ask, PATIENCE)
  await ask()
  for await (const { answers } of messages()) {
    const found = answers.find(({ name, type }) => name === service && type === TYPES.PTR)
    if (!found) continue
    console.log(found.data)
    break
  }
  clearInterval(timer)
  writer.releaseLock()
  await socket.close()
}

async function* messages() {
  for await (const { data } of readable) {
    try {
      yield decodeMessage(data)
    } catch {
      // It is no message of DNS.
    }
  }
}
