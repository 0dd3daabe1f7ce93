// The server's side of a WebSocket connection, RFC 6455: the handshake's answer, and an echo of messages.

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const CONTINUATION = 0
const CLOSE = 8
const PING = 9
const PONG = 10
const LARGEST_MESSAGE = 16 * 1024 * 1024

/** The value of Sec-WebSocket-Accept for a client's key. */
export async function acceptOf(key) {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(key + GUID))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
}

/** Sends each message back until the client closes. `reader` is a ByteReader, `write(bytes)` sends. */
export async function echoMessages(reader, write) {
  let opcode
  let parts = []
  for (;;) {
    const frame = await nextFrame(reader)
    if (frame === undefined) return
    if (frame.opcode === PING) await write(frameOf(PONG, frame.payload))
    if (frame.opcode === CLOSE) return write(frameOf(CLOSE, frame.payload))
    if (frame.opcode > CLOSE) continue
    if (frame.opcode !== CONTINUATION) ({ opcode } = frame)
    parts.push(frame.payload)
    if (!frame.isLast) continue
    await write(frameOf(opcode, joined(parts)))
    parts = []
  }
}

/** `{ opcode, isLast, payload }`; `undefined` where the connection ends. A client masks what it sends. */
async function nextFrame(reader) {
  const head = await reader.take(2)
  if (head === undefined) return undefined
  const length = await lengthOf(head[1] & 0x7f, reader)
  if (length > LARGEST_MESSAGE) throw new Error(`a frame of ${length} bytes`)
  const mask = head[1] & 0x80 ? await reader.take(4) : undefined
  const payload = await reader.take(length)
  if (payload === undefined) return undefined
  if (mask) for (let i = 0; i < length; i++) payload[i] ^= mask[i & 3]
  return { opcode: head[0] & 0x0f, isLast: (head[0] & 0x80) !== 0, payload }
}

async function lengthOf(short, reader) {
  if (short < 126) return short
  const bytes = await reader.take(short === 126 ? 2 : 8)
  const view = new DataView(bytes.buffer)
  return short === 126 ? view.getUint16(0) : Number(view.getBigUint64(0))
}

function frameOf(opcode, payload) {
  const { length } = payload
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = new Uint8Array(head + length)
  const view = new DataView(frame.buffer)
  frame[0] = 0x80 | opcode
  if (head === 2) frame[1] = length
  else if (head === 4) {
    frame[1] = 126
    view.setUint16(2, length)
  } else {
    frame[1] = 127
    view.setBigUint64(2, BigInt(length))
  }
  frame.set(payload, head)
  return frame
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
