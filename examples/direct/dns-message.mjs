// DNS messages, RFC 1035: as much of them as a resolver and a responder of services need.

export const TYPES = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 }

/** The most pointers that a name may follow: more is a loop. */
const MOST_POINTERS = 32

/** The bytes of `{ id, isResponse, questions: [{ name, type }], answers: [{ name, type, ttl, data }] }`; `data` are bytes, or a name for PTR. */
export function encodeMessage({
  id = 0,
  isResponse = false,
  wantsRecursion = false,
  questions = [],
  answers = [],
}) {
  const flags = (isResponse ? 0x8400 : 0) | (wantsRecursion ? 0x0100 : 0)
  const bytes = [...u16(id), ...u16(flags), ...u16(questions.length), ...u16(answers.length), 0, 0, 0, 0]
  for (const { name, type } of questions) bytes.push(...encodeName(name), ...u16(type), ...u16(1))
  for (const { name, type, ttl = 120, data } of answers) {
    const content = typeof data === 'string' ? encodeName(data) : [...data]
    bytes.push(...encodeName(name), ...u16(type), ...u16(1), ...u16(ttl >>> 16), ...u16(ttl & 0xffff))
    bytes.push(...u16(content.length), ...content)
  }
  return Uint8Array.from(bytes)
}

/** The same back. Of A and AAAA `data` is an address, of PTR a name, of others bytes. It throws for what is no message. */
export function decodeMessage(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = view.getUint16(2)
  const message = { id: view.getUint16(0), isResponse: (flags & 0x8000) !== 0, code: flags & 15 }
  let at = 12
  const next = (count, read) =>
    Array.from({ length: count }, () => {
      const { name, end } = decodeName(bytes, at)
      at = end
      return read(name, view.getUint16(at))
    })
  message.questions = next(view.getUint16(4), (name, type) => {
    at += 4
    return { name, type }
  })
  message.answers = next(view.getUint16(6), (name, type) => {
    const [ttl, length] = [view.getUint32(at + 4), view.getUint16(at + 8)]
    const start = at + 10
    at = start + length
    if (at > bytes.length) throw new RangeError('a record is cut off')
    return { name, type, ttl, data: decodeData(bytes, type, start, length) }
  })
  return message
}

function decodeData(bytes, type, start, length) {
  const data = bytes.slice(start, start + length)
  if (type === TYPES.A) return data.join('.')
  if (type === TYPES.PTR) return decodeName(bytes, start).name
  if (type !== TYPES.AAAA) return data
  const groups = Array.from({ length: 8 }, (_, i) => ((data[2 * i] << 8) | data[2 * i + 1]).toString(16))
  return groups.join(':')
}

function encodeName(name) {
  const labels = name.split('.').filter(Boolean)
  const parts = labels.map((label) => new TextEncoder().encode(label))
  return [...parts.flatMap((part) => [part.length].concat(Array.from(part))), 0]
}

function decodeName(bytes, at) {
  const labels = []
  let end
  for (let pointers = 0; ;) {
    const length = bytes[at]
    if (length === undefined || pointers > MOST_POINTERS) throw new RangeError('no name')
    if (length >= 0xc0) {
      end ??= at + 2
      at = ((length & 0x3f) << 8) | bytes[at + 1]
      pointers++
    } else if (length === 0) {
      return { name: labels.join('.'), end: end ?? at + 1 }
    } else {
      labels.push(new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + length)))
      at += 1 + length
    }
  }
}

const u16 = (value) => [(value >> 8) & 255, value & 255]
