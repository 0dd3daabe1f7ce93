// Reads lines and exact counts of bytes from a stream of Uint8Arrays.

/** Of a line; more is an attack, or no HTTP. */
const LONGEST_LINE = 8192

export class ByteReader {
  #reader
  #bytes = new Uint8Array(0)

  constructor(readable) {
    this.#reader = readable.getReader()
  }

  /** The next `count` bytes; `undefined` where the stream ends before. */
  async take(count) {
    while (this.#bytes.length < count) if (!(await this.#more())) return undefined
    const taken = this.#bytes.slice(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }

  /** The next line, without its end; `undefined` where the stream ends before. */
  async line() {
    for (let from = 0; ;) {
      const end = this.#bytes.indexOf(10, from)
      if (end >= 0) {
        const line = await this.take(end + 1)
        return new TextDecoder().decode(line).replace(/\r?\n$/, '')
      }
      if (this.#bytes.length > LONGEST_LINE) throw new Error(`a line of more than ${LONGEST_LINE} bytes`)
      from = this.#bytes.length
      if (!(await this.#more())) return undefined
    }
  }

  /** Nothing more is wanted. */
  async cancel() {
    await this.#reader.cancel()
  }

  async #more() {
    const { value, done } = await this.#reader.read()
    if (done) return false
    const joined = new Uint8Array(this.#bytes.length + value.length)
    joined.set(this.#bytes)
    joined.set(value, this.#bytes.length)
    this.#bytes = joined
    return true
  }
}
