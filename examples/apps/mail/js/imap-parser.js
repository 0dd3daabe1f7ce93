/*
 * Cuts what an IMAP server sends into responses (RFC 3501, section 7). A response is a list of tokens: atoms and
 * strings as strings, NIL as null, what is in parentheses as arrays.
 */
;(function (window) {
  'use strict'

  function ImapParser(onresponse) {
    this._buffer = ''
    this._onresponse = onresponse
  }

  ImapParser.prototype.push = function (bytes) {
    this._buffer += bytes
    for (;;) {
      var end = responseEnd(this._buffer)
      if (end < 0) return
      var response = this._buffer.slice(0, end)
      this._buffer = this._buffer.slice(end)
      this._onresponse(response, tokens(response))
    }
  }

  /* Nothing that came before TLS may count after it. */
  ImapParser.prototype.clear = function () {
    this._buffer = ''
  }

  /* A response ends with a line that does not announce a literal. */
  function responseEnd(text) {
    var at = 0
    for (;;) {
      var line = text.indexOf('\r\n', at)
      if (line < 0) return -1
      var literal = /\{(\d+)\}$/.exec(text.slice(at, line))
      at = line + 2
      if (!literal) return at
      at += Number(literal[1])
      if (at > text.length) return -1
    }
  }

  function tokens(text) {
    var stack = [[]]
    var at = 0
    while (at < text.length) {
      var top = stack[stack.length - 1]
      var rest = text.slice(at, at + 32)
      var literal = /^\{(\d+)\}\r\n/.exec(rest)
      if (literal) {
        at += literal[0].length
        top.push(text.substr(at, Number(literal[1])))
        at += Number(literal[1])
      } else if (rest[0] === '"') {
        var quoted = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(text.slice(at))
        if (!quoted) break
        top.push(quoted[1].replace(/\\([\s\S])/g, '$1'))
        at += quoted[0].length
      } else if (rest[0] === '(') {
        stack.push([])
        top.push(stack[stack.length - 1])
        at++
      } else if (rest[0] === ')') {
        if (stack.length > 1) stack.pop()
        at++
      } else if (/^\s/.test(rest)) {
        at++
      } else {
        /* An atom; a section, such as BODY[HEADER.FIELDS (FROM)], belongs to it. */
        var atom = /^(?:[^\s()"[{]|\{(?!\d+\}\r\n)|\[[^\]]*\])+|^[\s\S]/.exec(text.slice(at))[0]
        top.push(/^nil$/i.test(atom) ? null : atom)
        at += atom.length
      }
    }
    return stack[0]
  }

  window.ImapParser = ImapParser
})(window)
