/*
 * POP3 (RFC 1939), with its capabilities (RFC 2449) and STLS (RFC 2595), over navigator.mozTCPSocket.
 *
 * A classic script in the JavaScript of 2013, for a page of a Firefox OS app: it defines window.Pop3Client and uses
 * nothing but the socket API and reader.js. One operation at a time; each ends with callback(error, result).
 */
;(function (window) {
  'use strict'

  /* Commands sent ahead of their answers, to servers that allow it. */
  var MAX_AHEAD = 32

  function failure(name, message) {
    var error = new Error(message)
    error.name = name
    return error
  }

  /*
   * options: host, port, binaryType, ca, patience (seconds that the server may be silent);
   *   security: "tls" (from the first byte), "starttls", or "none";
   *   allowPlain: with "starttls", go on in the clear where the server does not offer it.
   */
  function Pop3Client(options) {
    this.options = options
    this.capabilities = {}
    this.secure = false
    /* Called with "C" or "S", a line of the dialogue, and the command it belongs to. */
    this.onsaid = function () {}
    /* Called when there is a connection. */
    this.onconnected = function () {}
    /* How often the socket was suspended. */
    this.suspensions = 0

    this._reader = new window.Reader(options.binaryType)
    this._reading = false
    this._paused = false
    this._writable = true
    this._queue = []
    this._sent = []
    this._callback = null
    this._failed = null
    this._timer = null
  }

  /* ---- Operations ------------------------------------------------------------------------------------------- */

  /* Opens the connection, reads the greeting, learns what the server can do, and makes it secure if asked to. */
  Pop3Client.prototype.connect = function (callback) {
    var self = this
    var options = this.options
    this._begin(callback)
    var tcp = navigator.mozTCPSocket || navigator.TCPSocket
    if (!tcp) {
      this._fail(failure('NoSocketsError', 'This device has no TCP sockets, or the app may not use them.'))
      return
    }
    try {
      this._socket = tcp.open(options.host, options.port, {
        useSecureTransport: options.security === 'tls',
        binaryType: options.binaryType,
        ca: options.ca,
      })
    } catch (error) {
      this._fail(error)
      return
    }
    this._socket.onopen = function () {
      self.onconnected()
    }
    this._socket.ondata = function (event) {
      self._heard = Date.now()
      self._reader.add(event.data)
      self._read()
    }
    this._socket.ondrain = function () {
      self._writable = true
      self._send()
    }
    this._socket.onerror = function (event) {
      /* Some systems pass an error, some a text, and the newest have it all on the event. */
      var reason = event.data || event
      self._fail(failure(reason.name || String(reason), reason.message || String(reason)))
    }
    this._socket.onclose = function () {
      self._fail(failure('ClosedError', 'The server closed the connection.'))
    }
    /* The server speaks first: its greeting is an answer to no command. */
    this._sent.push({ verb: '', answer: 'line', done: greeted, hooks: {} })

    function greeted() {
      self.secure = self._socket.ssl
      self._learn(options.security === 'starttls' ? upgrade : finish)
    }
    function upgrade() {
      if (!('STLS' in self.capabilities)) {
        if (options.allowPlain) finish()
        else self._fail(failure('NoStlsError', 'Without STLS, anyone could read the password.'))
        return
      }
      self._command('STLS', 'line', function () {
        /* Whatever came along with the answer did not come from behind the encryption. */
        if (!self._reader.isEmpty()) {
          self._fail(failure('ProtocolError', 'The server sent more than the answer to STLS in the clear.'))
          return
        }
        self._socket.upgradeToSecure()
        self.secure = self._socket.ssl
        /* What it said before could have been said by anyone. */
        self._learn(finish)
      })
    }
    function finish() {
      self._finish(null)
    }
  }

  Pop3Client.prototype.login = function (user, password, callback) {
    var self = this
    this._begin(callback)
    if (/[\r\n\0]/.test(user + password)) {
      this._fail(failure('LoginError', 'A user name or password cannot contain line ends.'))
      return
    }
    this._command('USER ' + user, 'line', function () {
      self._command('PASS ' + password, 'line', function () {
        self._finish(null)
      })
    })
  }

  /* Calls back with [{ number, octets, uid }], in the order of the mailbox. */
  Pop3Client.prototype.list = function (callback) {
    var self = this
    var messages = []
    var byNumber = {}
    this._begin(callback)
    this._command('STAT', 'line', function () {
      self._command('LIST', 'lines', function (lines) {
        lines.forEach(function (line) {
          var fields = /^(\d+) +(\d+)/.exec(line)
          if (!fields) return
          var message = { number: Number(fields[1]), octets: Number(fields[2]), uid: null }
          messages.push(message)
          byNumber[message.number] = message
        })
        if ('UIDL' in self.capabilities) self._command('UIDL', 'lines', named)
        else self._finish(null, messages)
      })
    })
    function named(lines) {
      lines.forEach(function (line) {
        var fields = /^(\d+) +(\S+)/.exec(line)
        if (fields && byNumber[fields[1]]) byNumber[fields[1]].uid = fields[2]
      })
      self._finish(null, messages)
    }
  }

  /*
   * Fetches messages, in order. reader: started(number), piece(number, data), and ended(number); data is a byte
   * string or a Uint8Array, which the reader may keep.
   */
  Pop3Client.prototype.retrieve = function (numbers, reader, callback) {
    var self = this
    var left = numbers.length
    this._begin(callback)
    numbers.forEach(function (number) {
      var hooks = {
        started: function () {
          reader.started(number)
        },
        piece: function (data) {
          reader.piece(number, data)
        },
      }
      self._command('RETR ' + number, 'body', ended, hooks)

      function ended() {
        left--
        reader.ended(number)
        if (left === 0) self._finish(null)
      }
    })
    if (left === 0) this._finish(null)
  }

  /* Says good-bye, and calls back when the connection is closed. */
  Pop3Client.prototype.quit = function (callback) {
    var self = this
    this._begin(callback)
    this._command('QUIT', 'line', function () {
      self._socket.onerror = null
      self._socket.onclose = function () {
        self._finish(null)
      }
      self._socket.close()
    })
  }

  /* Nothing is read until resume(): neither from the network nor from what has come already. */
  Pop3Client.prototype.pause = function () {
    if (this._paused) return
    this._paused = true
    this.suspensions++
    this._socket.suspend()
  }

  Pop3Client.prototype.resume = function () {
    if (!this._paused || this._failed) return
    this._paused = false
    this._heard = Date.now()
    this._socket.resume()
    this._read()
  }

  /* Gives up, from whatever state. */
  Pop3Client.prototype.abort = function () {
    this._callback = null
    this._fail(failure('AbortError', 'Given up.'))
  }

  /* ---- One operation ---------------------------------------------------------------------------------------- */

  Pop3Client.prototype._begin = function (callback) {
    var self = this
    this._callback = callback
    this._heard = Date.now()
    this._watch()
    if (this._failed) {
      /* Never before this call has returned. */
      setTimeout(function () {
        self._finish(self._failed)
      }, 0)
    }
  }

  Pop3Client.prototype._watch = function () {
    var self = this
    var patience = this.options.patience
    var left = this._heard + patience * 1000 - Date.now()
    clearTimeout(this._timer)
    this._timer = setTimeout(look, Math.max(100, Math.min(left, 60000)))

    function look() {
      if (self._paused || Date.now() < self._heard + patience * 1000) self._watch()
      else self._fail(failure('SilenceError', 'The server has been silent for ' + patience + ' seconds.'))
    }
  }

  Pop3Client.prototype._finish = function (error, result) {
    var callback = this._callback
    this._callback = null
    clearTimeout(this._timer)
    if (callback) callback(error, result)
  }

  Pop3Client.prototype._fail = function (error) {
    if (this._failed) return
    this._failed = error
    this._queue = []
    this._sent = []
    if (this._socket) this._socket.close()
    this._finish(error)
  }

  /* ---- Commands --------------------------------------------------------------------------------------------- */

  /*
   * answer: "line"; "lines", which done() gets; or "body", announced and handed on by hooks.started() and
   * hooks.piece(data). hooks.refused() takes the place of a failure.
   */
  Pop3Client.prototype._command = function (line, answer, done, hooks) {
    if (this._failed) return
    var verb = line.split(' ')[0]
    this._queue.push({ line: line, verb: verb, answer: answer, done: done, hooks: hooks || {} })
    this._send()
  }

  Pop3Client.prototype._send = function () {
    var ahead = 'PIPELINING' in this.capabilities ? MAX_AHEAD : 1
    while (this._queue.length > 0 && this._sent.length < ahead && this._writable) {
      var command = this._queue.shift()
      this._sent.push(command)
      this.onsaid('C', command.verb === 'PASS' ? 'PASS ********' : command.line, command.verb)
      /* False says: it is accepted, but enough for now; "drain" will follow. */
      this._writable = this._socket.send(this._reader.toSend(command.line + '\r\n'))
    }
  }

  Pop3Client.prototype._learn = function (done) {
    var self = this
    this.capabilities = {}
    /* Servers older than RFC 2449 know nothing of it, which is no error. */
    this._command('CAPA', 'lines', learned, { refused: done })

    function learned(lines) {
      lines.forEach(function (line) {
        self.capabilities[line.split(' ')[0].toUpperCase()] = line
      })
      done()
    }
  }

  /* ---- Answers ---------------------------------------------------------------------------------------------- */

  /* Reads as many answers as have come. */
  Pop3Client.prototype._read = function () {
    /* Called again by a callback: the loop below goes on when that returns. */
    if (this._reading) return
    this._reading = true
    while (!this._paused && !this._failed && !this._reader.isEmpty()) {
      var command = this._sent[0]
      if (!command) {
        this._fail(failure('ProtocolError', 'The server answers what was not asked.'))
        break
      }
      if (!(command.accepted ? this._readMore(command) : this._readStatus(command))) break
    }
    this._reading = false
  }

  /* These two answer true when they got on, and false when they need more input. */

  Pop3Client.prototype._readStatus = function (command) {
    var line = this._readLine()
    if (line === null) return false
    this.onsaid('S', line, command.verb)
    if (/^\+OK\b/.test(line)) {
      command.accepted = true
      command.lines = []
      if (command.answer === 'line') this._answered(command)
      else if (command.answer === 'body') command.hooks.started()
    } else if (!/^-ERR\b/.test(line)) {
      this._fail(failure('ProtocolError', 'This is not an answer of POP3: ' + line.substring(0, 80)))
    } else if (command.hooks.refused) {
      this._sent.shift()
      command.hooks.refused()
    } else {
      var isLogin = command.verb === 'USER' || command.verb === 'PASS'
      this._fail(failure(isLogin ? 'LoginError' : 'Pop3Error', 'The server says: ' + line))
    }
    return true
  }

  Pop3Client.prototype._readMore = function (command) {
    if (command.answer === 'body') {
      if (!this._reader.text(command.hooks.piece)) return false
      this._answered(command)
      return true
    }
    var line = this._readLine()
    if (line === null) return false
    this.onsaid('S', line, command.verb)
    if (line === '.') this._answered(command)
    else command.lines.push(line.charAt(0) === '.' ? line.substring(1) : line)
    return true
  }

  Pop3Client.prototype._readLine = function () {
    var line = this._reader.line()
    if (this._reader.endless) {
      this._fail(failure('ProtocolError', 'The server sent a line without end. Is it a POP3 server?'))
    }
    return line
  }

  Pop3Client.prototype._answered = function (command) {
    this._sent.shift()
    command.done(command.lines)
    this._send()
  }

  window.Pop3Client = Pop3Client
})(window)
