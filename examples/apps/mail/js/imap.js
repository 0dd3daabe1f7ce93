/*
 * IMAP over navigator.mozTCPSocket, in string mode. Each operation ends with callback(error, result); they run one
 * after another.
 */
;(function (window) {
  'use strict'

  /* Milliseconds that a server may be silent while somebody waits for it. */
  var PATIENCE = 20000

  function quote(text) {
    return '"' + unescape(encodeURIComponent(text)).replace(/["\\]/g, '\\$&') + '"'
  }

  /* options: host, port, and security: "tls" (from the first byte) or "starttls". */
  function ImapClient(options) {
    this._options = options
    this._queue = []
    this._current = null
    this._tag = 0
    this._timer = null
    this.capabilities = []
    this.secure = false
    /* Called once, when the connection ends without logout(), with an error. */
    this.onlost = function () {}
  }

  ImapClient.prototype = {
    connect: function (callback) {
      var self = this
      var options = this._options
      var sockets = navigator.mozTCPSocket
      if (!sockets) return callback(new Error('This app may not use TCP sockets.'))
      this._parser = new window.ImapParser(this._onresponse.bind(this))
      this._greeted = callback
      this._expect()
      try {
        this._socket = sockets.open(options.host, options.port, {
          useSecureTransport: options.security === 'tls',
          binaryType: 'string',
        })
      } catch (error) {
        return this._fail(error)
      }
      this._socket.onopen = function () {
        self.secure = options.security === 'tls'
      }
      this._socket.ondata = function (event) {
        self._expect()
        self._parser.push(event.data)
      }
      this._socket.onerror = function (event) {
        self._fail(new Error((event.data && event.data.name) || 'The connection failed'))
      }
      this._socket.onclose = function () {
        self._fail(new Error('The server closed the connection'))
      }
    },

    login: function (user, password, callback) {
      if (!this.secure) return callback(new Error('The connection is not encrypted'))
      this._run('LOGIN ' + quote(user) + ' ' + quote(password), callback)
    },

    /* Opens INBOX. The result is a list of { uid, flags, source }, source being the headers that a list needs. */
    list: function (callback) {
      var self = this
      this._run('SELECT INBOX', function (error, responses) {
        if (error) return callback(error)
        var exists = responses.some(function (each) {
          return each[2] === 'EXISTS' && each[1] !== '0'
        })
        if (!exists) return callback(null, [])
        self._run(
          'FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])',
          function (failure, fetched) {
            callback(failure, failure ? null : fetched.map(toMessage).filter(Boolean))
          },
        )
      })
    },

    /* A whole message, as it is on the server. */
    fetch: function (uid, callback) {
      this._run('UID FETCH ' + uid + ' (UID FLAGS BODY.PEEK[])', function (error, responses) {
        if (error) return callback(error)
        var message = firstMessage(responses)
        callback(message ? null : new Error('The message is gone'), message)
      })
    },

    /* Sets or clears a flag of a message; the result is its flags. */
    store: function (uid, flag, isSet, callback) {
      this._run(
        'UID STORE ' + uid + ' ' + (isSet ? '+' : '-') + 'FLAGS (' + flag + ')',
        function (error, responses) {
          if (error) return callback(error)
          var message = firstMessage(responses)
          callback(null, message ? message.flags : null)
        },
      )
    },

    logout: function (callback) {
      var self = this
      this._leaving = true
      this._run('LOGOUT', function () {
        self._socket.close()
        callback(null)
      })
    },

    _run: function (command, callback) {
      if (this._lost) return callback(this._lost)
      this._queue.push({ command: command, callback: callback, responses: [] })
      this._next()
    },

    _next: function () {
      if (this._current || !this._queue.length) return
      this._current = this._queue.shift()
      this._current.tag = 'a' + ++this._tag
      this._expect()
      this._socket.send(this._current.tag + ' ' + this._current.command + '\r\n')
    },

    _onresponse: function (text, tokens) {
      if (this._greeted) return this._onGreeting(tokens)
      var current = this._current
      if (!current || tokens[0] !== current.tag) {
        if (tokens[1] === 'CAPABILITY') this.capabilities = tokens.slice(2)
        if (current && tokens[0] === '*') current.responses.push(tokens)
        return
      }
      this._current = null
      window.clearTimeout(this._timer)
      if (tokens[1] === 'OK') current.callback(null, current.responses)
      else current.callback(new Error(text.trim().replace(/^\S+ \S+ (\[[^\]]*\] )?/, '')))
      this._next()
    },

    _onGreeting: function (tokens) {
      var self = this
      var callback = this._greeted
      this._greeted = null
      if (tokens[1] !== 'OK') return callback(new Error('The server refuses to talk'))
      this._run('CAPABILITY', function (error) {
        if (error || self._options.security !== 'starttls') return callback(error)
        if (self.capabilities.indexOf('STARTTLS') < 0) {
          self._socket.close()
          return callback(new Error('The server does not offer STARTTLS'))
        }
        self._run('STARTTLS', function (refused) {
          if (refused) return callback(refused)
          self._parser.clear()
          self._socket.upgradeToSecure()
          /* What was offered in the clear does not count; the answer comes when the handshake is done. */
          self._run('CAPABILITY', function (failure) {
            self.secure = !failure
            callback(failure)
          })
        })
      })
    },

    _expect: function () {
      var self = this
      window.clearTimeout(this._timer)
      this._timer = window.setTimeout(function () {
        if (self._current || self._greeted) self._fail(new Error('The server does not answer'))
      }, PATIENCE)
    },

    /* The first failure counts: it goes to everybody who waits. */
    _fail: function (error) {
      if (this._lost) return
      this._lost = error
      window.clearTimeout(this._timer)
      if (this._socket) this._socket.close()
      var waiting = this._greeted ? [this._greeted] : []
      if (this._current) waiting.push(this._current.callback)
      this._queue.forEach(function (each) {
        waiting.push(each.callback)
      })
      this._greeted = this._current = null
      this._queue = []
      waiting.forEach(function (callback) {
        callback(error)
      })
      if (!this._leaving && !waiting.length) this.onlost(error)
    },
  }

  /* A FETCH response as a message; null for any other one. */
  function toMessage(tokens) {
    if (tokens[2] !== 'FETCH') return null
    var message = { uid: 0, flags: [], source: '' }
    for (var i = 0; i < tokens[3].length; i += 2) {
      var name = tokens[3][i]
      var value = tokens[3][i + 1]
      if (name === 'UID') message.uid = Number(value)
      else if (name === 'FLAGS') message.flags = value
      else if (name.slice(0, 5) === 'BODY[') message.source = value || ''
    }
    return message
  }

  function firstMessage(responses) {
    var messages = responses.map(toMessage).filter(Boolean)
    return messages.length ? messages[0] : null
  }

  window.ImapClient = ImapClient
})(window)
