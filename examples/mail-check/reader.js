/*
 * Reads lines, and texts that end with a line that is a dot, from what a socket receives, whatever its binaryType. A
 * classic script: it defines window.Reader.
 */
;(function (window) {
  'use strict'

  var LF = 10
  var CR = 13
  var DOT = 46

  /* Lines of POP3 have at most 512 bytes. This much without an end is something else. */
  var MAX_LINE = 8192

  /* What comes and goes on a socket of binaryType "arraybuffer". */
  var bytes = {
    empty: new Uint8Array(0),
    received: function (data) {
      return new Uint8Array(data)
    },
    join: function (a, b) {
      var both = new Uint8Array(a.length + b.length)
      both.set(a, 0)
      both.set(b, a.length)
      return both
    },
    slice: function (data, start, end) {
      return data.subarray(start, end)
    },
    at: function (data, index) {
      return data[index]
    },
    lineEnd: function (data, from) {
      var last = data.length - 1
      for (var i = from; i < last; i++) {
        if (data[i] === CR && data[i + 1] === LF) return i
      }
      return -1
    },
    toText: function (data) {
      return String.fromCharCode.apply(null, data)
    },
    toSend: function (text) {
      var data = new Uint8Array(text.length)
      for (var i = 0; i < text.length; i++) data[i] = text.charCodeAt(i)
      return data.buffer
    },
  }

  /* The same for binaryType "string", where each character is a byte. */
  var strings = {
    empty: '',
    received: function (data) {
      return data
    },
    join: function (a, b) {
      return a + b
    },
    slice: function (data, start, end) {
      return data.substring(start, end)
    },
    at: function (data, index) {
      return data.charCodeAt(index)
    },
    lineEnd: function (data, from) {
      return data.indexOf('\r\n', from)
    },
    toText: function (data) {
      return data
    },
    toSend: function (text) {
      return text
    },
  }

  function Reader(binaryType) {
    this._kind = binaryType === 'arraybuffer' ? bytes : strings
    this._input = this._kind.empty
    this._at = 0
    this._lineStarts = true
    /* There is a line that is too long. */
    this.endless = false
  }

  /* Takes what a "data" event has. */
  Reader.prototype.add = function (data) {
    var more = this._kind.received(data)
    this._input = this.isEmpty() ? more : this._kind.join(this._kind.slice(this._input, this._at), more)
    this._at = 0
  }

  Reader.prototype.isEmpty = function () {
    return this._at === this._input.length
  }

  /* The next line, or null when it is not whole yet. */
  Reader.prototype.line = function () {
    var end = this._kind.lineEnd(this._input, this._at)
    if ((end === -1 ? this._input.length : end) - this._at > MAX_LINE) this.endless = true
    if (end === -1 || this.endless) return null
    var line = this._kind.toText(this._kind.slice(this._input, this._at, end))
    this._at = end + 2
    return line
  }

  /*
   * Calls piece(data) with what there is of a text, and answers whether that was all of it. Lines of it that start
   * with a dot come with another one before it. Input ends anywhere: two bytes at its end may have to wait for more.
   */
  Reader.prototype.text = function (piece) {
    var kind = this._kind
    var input = this._input
    var length = input.length
    var from = this._at
    var at = from
    for (;;) {
      if (this._lineStarts) {
        if (at === length) break
        if (kind.at(input, at) === DOT) {
          var waits = at + 1 === length || (at + 2 === length && kind.at(input, at + 1) === CR)
          if (waits) break
          if (at > from) piece(kind.slice(input, from, at))
          if (kind.at(input, at + 1) === CR && kind.at(input, at + 2) === LF) {
            this._at = at + 3
            return true
          }
          from = at = at + 1
        }
        this._lineStarts = false
      }
      var end = kind.lineEnd(input, at)
      if (end === -1) {
        at = length > at && kind.at(input, length - 1) === CR ? length - 1 : length
        break
      }
      at = end + 2
      this._lineStarts = true
    }
    this._at = at
    if (at > from) piece(kind.slice(input, from, at))
    return false
  }

  /* Text in UTF-8, as send() takes it. */
  Reader.prototype.toSend = function (text) {
    return this._kind.toSend(unescape(encodeURIComponent(text)))
  }

  window.Reader = Reader
})(window)
