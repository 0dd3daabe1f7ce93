'use strict'

// What comes in at one end of a netcat goes out at the other, no faster than the slower of the two: `send` answers false, and the input
// stops until `drain`; the output is full, and the socket is suspended until it is not.

const { Transform } = require('node:stream')

const { describeError } = require('moz-tcp-socket/trace')

/** Ends each line with CR LF that ends with LF alone. */
function toCrlf() {
  let endsWithCr = false
  return new Transform({
    transform(chunk, _encoding, done) {
      const out = Buffer.allocUnsafe(chunk.length * 2)
      let length = 0
      for (const byte of chunk) {
        if (byte === 10 && !endsWithCr) out[length++] = 13
        out[length++] = byte
        endsWithCr = byte === 13
      }
      done(null, out.subarray(0, length))
    },
  })
}

/**
 * Ties `socket`, open and of binary type "arraybuffer", to the streams `input` and `output`. Resolves when the connection has ended and
 * everything received is written, and rejects where it failed. `crlf` is as above; so many milliseconds after the end of the input, or
 * after what was received last then, the socket is closed: `quit`, or never where that is undefined.
 */
function pump(socket, { input, output }, { crlf = false, quit } = {}) {
  const source = crlf ? input.pipe(toCrlf()) : input
  let timer
  let inputEnded = false
  const closeLater = () => {
    if (!inputEnded || quit === undefined) return
    clearTimeout(timer)
    // Both directions end: Firefox OS sockets know no half-close.
    timer = setTimeout(() => socket.close(), quit)
  }

  return new Promise((resolve, reject) => {
    let failure = null
    const fail = (error) => {
      failure ??= error
      socket.closeImmediately()
    }
    const onInput = (chunk) => {
      if (socket.readyState === 'open' && !socket.send(chunk)) source.pause()
    }
    const onInputEnd = () => {
      inputEnded = true
      closeLater()
    }
    const onOutputDrain = () => socket.resume()
    const onOutputError = (error) => fail(new Error(`cannot write: ${error.message}`))
    const onInputError = (error) => fail(new Error(`cannot read: ${error.message}`))

    socket.ondrain = () => source.resume()
    socket.ondata = ({ data }) => {
      closeLater()
      if (output.write(Buffer.from(data))) return
      socket.suspend()
      output.once('drain', onOutputDrain)
    }
    socket.onerror = ({ data }) => (failure ??= new Error(describeError(data)))
    socket.onclose = () => {
      clearTimeout(timer)
      source.off('data', onInput).off('end', onInputEnd)
      input.destroy()
      const done = () => {
        output.off('drain', onOutputDrain).off('error', onOutputError)
        if (failure) reject(failure)
        else resolve()
      }
      // The last bytes may still be on their way.
      if (output.writableLength > 0 && !output.destroyed && !output.errored) output.write('', done)
      else done()
    }
    output.on('error', onOutputError)
    input.on('error', onInputError)
    source.on('end', onInputEnd).on('data', onInput)
  })
}

module.exports = { pump }
