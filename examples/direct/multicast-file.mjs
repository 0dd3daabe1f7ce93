// node --import moz-tcp-socket/direct/register examples/direct/multicast-file.mjs send GROUP PORT FILE
// node --import moz-tcp-socket/direct/register examples/direct/multicast-file.mjs receive GROUP PORT FILE
//
// Sends a file to all members of a multicast group at once. UDP loses datagrams, so each has a number, the first ones say how many there are, and who misses
// some asks for them. The sender goes on until nobody has asked for a while; a receiver ends when it has everything.

import { readFile, writeFile } from 'node:fs/promises'

const CHUNK = 1200
/** Numbers in one request. */
const MOST_ASKED = 300
/** Datagrams without a rest, and the rest, in milliseconds. */
const BURST = 16
const REST = 1
/** Silence after which a receiver asks, and after which a sender is done. */
const PATIENCE = 100
const GOODBYE = 1500

const DATA = 0
const REQUEST = 1

const [what, group, portText, file] = process.argv.slice(2)
const port = Number(portText)
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time))

if (what === 'send') await send(await readFile(file))
else await writeFile(file, await receive())

async function send(bytes) {
  const socket = new UDPSocket({ localAddress: '0.0.0.0', multicastTimeToLive: 4 })
  const { readable, writable } = await socket.opened
  const writer = writable.getWriter()
  const count = Math.max(1, Math.ceil(bytes.length / CHUNK))
  const due = new Set(Array.from({ length: count }, (_, i) => i))
  let heard = performance.now()
  const requests = (async () => {
    for await (const { data } of readable) {
      const view = new DataView(data.buffer)
      if (data[0] !== REQUEST) continue
      heard = performance.now()
      for (let at = 1; at + 4 <= data.length; at += 4)
        if (view.getUint32(at) < count) due.add(view.getUint32(at))
    }
  })()
  while (due.size > 0 || performance.now() - heard < GOODBYE) {
    const now = [...due].slice(0, BURST)
    for (const i of now) {
      due.delete(i)
      const chunk = bytes.subarray(i * CHUNK, (i + 1) * CHUNK)
      const data = new Uint8Array(13 + chunk.length)
      const view = new DataView(data.buffer)
      data[0] = DATA
      view.setUint32(1, i)
      view.setUint32(5, count)
      view.setUint32(9, bytes.length)
      data.set(chunk, 13)
      await writer.write({ data, remoteAddress: group, remotePort: port })
    }
    await pause(now.length > 0 ? REST : PATIENCE)
  }
  await socket[Symbol.asyncDispose]()
  await requests
}

async function receive() {
  const socket = new UDPSocket({
    localAddress: '0.0.0.0',
    localPort: port,
    multicastAllowAddressSharing: true,
    receiveBufferSize: 1024 * 1024,
  })
  const { readable, writable, multicastController } = await socket.opened
  await multicastController.joinGroup(group)
  console.log('joined')
  const writer = writable.getWriter()
  const chunks = new Map()
  let count
  let sender
  let heard = performance.now()
  const timer = setInterval(() => {
    if (sender === undefined || performance.now() - heard < PATIENCE) return
    const missing = []
    for (let i = 0; i < count && missing.length < MOST_ASKED; i++) if (!chunks.has(i)) missing.push(i)
    const data = new Uint8Array(1 + 4 * missing.length)
    const view = new DataView(data.buffer)
    data[0] = REQUEST
    missing.forEach((i, index) => view.setUint32(1 + 4 * index, i))
    void writer.write({ data, ...sender }).catch(() => {})
  }, PATIENCE)
  for await (const { data, remoteAddress, remotePort } of readable) {
    if (data[0] !== DATA || data.length < 13) continue
    heard = performance.now()
    const view = new DataView(data.buffer)
    count = view.getUint32(5)
    sender = { remoteAddress, remotePort }
    chunks.set(view.getUint32(1), data.subarray(13))
    if (chunks.size === count) break
  }
  clearInterval(timer)
  await socket[Symbol.asyncDispose]()
  const whole = new Uint8Array([...chunks.values()].reduce((sum, { length }) => sum + length, 0))
  for (const [i, chunk] of chunks) whole.set(chunk, i * CHUNK)
  return whole
}
