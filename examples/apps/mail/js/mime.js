/*
 * As much of MIME (RFC 2045 to 2047) as it takes to show a message: headers with encoded words, and the first text of a
 * body. It runs in a worker, and in the page where there is none; strings hold bytes, one in each character.
 */
;(function (root) {
  'use strict'

  function fromCharset(bytes, charset) {
    if (!/^(utf-?8|us-ascii)$/i.test(charset)) return bytes
    try {
      return decodeURIComponent(escape(bytes))
    } catch (error) {
      if (error.name !== 'URIError') throw error
      return bytes
    }
  }

  function quotedPrintable(text) {
    return text.replace(/=[ \t]*\r?\n/g, '').replace(/=([\da-f]{2})/gi, function (_, hex) {
      return String.fromCharCode(parseInt(hex, 16))
    })
  }

  function base64(text) {
    try {
      return root.atob(text.replace(/[^\w+/=]/g, ''))
    } catch (error) {
      if (error.name !== 'InvalidCharacterError') throw error
      return text
    }
  }

  /* =?charset?B|Q?text?=, with the blanks between two of them taken away. */
  function words(text) {
    return text
      .replace(/(\?=)\s+(=\?)/g, '$1$2')
      .replace(/=\?([^?*]+)(?:\*[^?]*)?\?([bq])\?([^?]*)\?=/gi, function (_, charset, encoding, word) {
        var isBase64 = encoding.toLowerCase() === 'b'
        return fromCharset(isBase64 ? base64(word) : quotedPrintable(word.replace(/_/g, ' ')), charset)
      })
  }

  function headers(text) {
    var result = {}
    text
      .replace(/\r?\n[ \t]+/g, ' ')
      .split(/\r?\n/)
      .forEach(function (line) {
        var colon = line.indexOf(':')
        var name = line.slice(0, colon).toLowerCase()
        if (colon > 0 && !(name in result)) result[name] = line.slice(colon + 1).trim()
      })
    return result
  }

  function parameter(value, name) {
    var match = new RegExp(';\\s*' + name + '\\s*=\\s*(?:"([^"]*)"|([^;\\s]+))', 'i').exec(value)
    return match ? match[1] || match[2] || '' : ''
  }

  /* The first text/plain of an entity, else its first text of any kind, without its tags. */
  function textOf(head, body, depth) {
    var type = head['content-type'] || 'text/plain; charset=us-ascii'
    var boundary = parameter(type, 'boundary')
    if (/^multipart\//i.test(type) && boundary && depth < 8) {
      var texts = ('\r\n' + body)
        .split('\r\n--' + boundary)
        .slice(1)
        .map(function (part) {
          return part.slice(0, 2) === '--' ? null : entity(part.replace(/^[ \t]*\r?\n/, ''), depth + 1)
        })
      texts = texts.filter(function (each) {
        return each !== null && each.text !== null
      })
      var plain = texts.filter(function (each) {
        return each.isPlain
      })
      return plain.concat(texts, { text: null, isPlain: false })[0]
    }
    if (!/^text\//i.test(type)) return { text: null, isPlain: false }
    var encoding = (head['content-transfer-encoding'] || '').toLowerCase()
    if (encoding === 'quoted-printable') body = quotedPrintable(body)
    if (encoding === 'base64') body = base64(body)
    var text = fromCharset(body, parameter(type, 'charset') || 'us-ascii')
    var isPlain = /^text\/plain/i.test(type)
    return {
      text: isPlain ? text : text.replace(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, ''),
      isPlain: isPlain,
    }
  }

  function entity(source, depth) {
    var end = /\r?\n\r?\n/.exec(source)
    var head = headers(end ? source.slice(0, end.index) : source)
    return textOf(head, end ? source.slice(end.index + end[0].length) : '', depth)
  }

  function nameOf(address) {
    var match = /^\s*"?([^"<]*?)"?\s*<([^>]*)>/.exec(address)
    return words(match ? match[1] || match[2] : address)
  }

  root.Mime = {
    /* What a list shows of a message with these headers. */
    summary: function (source) {
      var head = headers(source)
      return {
        from: nameOf(head.from || 'nobody'),
        subject: words(head.subject || '(no subject)'),
        date: head.date || '',
      }
    },
    /* A whole message: its summary, and `text`. */
    message: function (source) {
      var end = /\r?\n\r?\n/.exec(source)
      var result = this.summary(end ? source.slice(0, end.index) : source)
      var found = entity(source, 0)
      result.text = found.text === null ? '(this message has no text)' : found.text.replace(/\r\n/g, '\n')
      return result
    },
  }
})(this)
