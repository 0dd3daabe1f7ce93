// Lines of UTF-8 out of the ArrayBuffers of a socket. A character may be in two of them.
;(() => {
  'use strict'

  class LineReader {
    constructor(onLine) {
      this.decoder = new TextDecoder()
      this.rest = ''
      this.onLine = onLine
    }

    push(buffer) {
      const lines = (this.rest + this.decoder.decode(buffer, { stream: true })).split('\n')
      this.rest = lines.pop()
      lines.forEach((line) => this.onLine(line))
    }
  }

  window.LineReader = LineReader
})()
