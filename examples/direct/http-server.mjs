// node --import moz-tcp-socket/direct/register examples/direct/http-server.mjs [PORT]
//
// An HTTP server on Direct Sockets, as an Isolated Web App would have it: it knows nothing of Node.js but how it is started. It answers GET with
// what was asked for, POST with what was sent, and WebSockets with an echo of each message. Ctrl+C ends it.

import { ByteReader } from './byte-reader.mjs'
import { acceptOf, echoMessages } from './web-socket.mjs'

const encode = (text) => new TextEncoder().encode(text)
const LARGEST_BODY = 64 * 1024 * 1024

const [port] = process.argv.slice(2)
const server = new TCPServerSocket('127.0.0.1', port ? { localPort: Number(port) } : {})
const { readable, localPort } = await server.opened
console.log(`http://127.0.0.1:${localPort}/`)
for await (const connection of readable) void serve(connection)

async function serve(connection) {
  const { readable: input, writable } = await connection.opened
  const reader = new ByteReader(input)
  const writer = writable.getWriter()
  const write = (bytes) => writer.write(bytes)
  try {
    while (await answer(reader, write));
    await writer.close()
    await reader.cancel()
  } catch (error) {
    console.error(error.message)
    await writer.abort(error).catch(() => {})
    await reader.cancel().catch(() => {})
  }
  await connection.closed.catch(() => {})
}

/** Answers one request. `false` when the connection is to end. */
async function answer(reader, write) {
  const request = await nextRequest(reader)
  if (request === undefined) return false
  const { method, target, headers } = request
  if (headers.get('upgrade')?.toLowerCase() === 'websocket') {
    const accept = await acceptOf(headers.get('sec-websocket-key'))
    await write(
      encode(
        head('101 Switching Protocols', {
          upgrade: 'websocket',
          connection: 'Upgrade',
          'sec-websocket-accept': accept,
        }),
      ),
    )
    await echoMessages(reader, write)
    return false
  }
  const body = await bodyOf(headers, reader)
  if (method === 'GET' || method === 'HEAD') {
    const content = encode(`You asked for ${target}\n`)
    await write(encode(head('200 OK', { 'content-type': 'text/plain', 'content-length': content.length })))
    if (method === 'GET') await write(content)
  } else if (method === 'POST') {
    await write(
      encode(head('200 OK', { 'content-type': 'application/octet-stream', 'content-length': body.length })),
    )
    await write(body)
  } else {
    await write(encode(head('405 Method Not Allowed', { allow: 'GET, HEAD, POST', 'content-length': 0 })))
  }
  return headers.get('connection')?.toLowerCase() !== 'close'
}

async function nextRequest(reader) {
  const first = await reader.line()
  if (first === undefined) return undefined
  const [method, target] = first.split(' ')
  const headers = new Headers()
  for (;;) {
    const line = await reader.line()
    if (line === undefined) return undefined
    if (line === '') return { method, target, headers }
    const colon = line.indexOf(':')
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
}

async function bodyOf(headers, reader) {
  const length = Number(headers.get('content-length') ?? 0)
  if (!(length <= LARGEST_BODY)) throw new Error(`a body of ${length} bytes`)
  return length === 0 ? new Uint8Array(0) : reader.take(length)
}

function head(status, fields) {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`
}
