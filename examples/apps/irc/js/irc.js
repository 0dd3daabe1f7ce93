/*
 * An IRC client (RFC 2812) over navigator.mozTCPSocket. A string of the socket has a byte in each character; IRC says
 * nothing of charsets, and everybody sends UTF-8.
 */
;(function (window) {
  'use strict'

  function encode(text) {
    return unescape(encodeURIComponent(text))
  }

  function decode(bytes) {
    try {
      return decodeURIComponent(escape(bytes))
    } catch (error) {
      if (error.name !== 'URIError') throw error
      return bytes
    }
  }

  /* ":nick!user@host COMMAND parameter parameter :the last one" */
  function parse(line) {
    var match = /^(?::(\S+) +)?(\S+) *(.*)$/.exec(line)
    if (!match) return null
    var rest = match[3]
    var colon = / :|^:/.exec(rest)
    var last = colon ? [rest.slice(colon.index + colon[0].length)] : []
    var first = (colon ? rest.slice(0, colon.index) : rest).split(/ +/).filter(Boolean)
    return {
      from: (match[1] || '').split('!')[0],
      command: match[2].toUpperCase(),
      parameters: first.concat(last),
    }
  }

  /* options: host, port, nick, useTls. Handlers: onready, onmessage(from, channel, text), onjoin, onpart, onusers, onend. */
  function IrcClient(options) {
    this.nick = options.nick
    this.channels = {}
    this._options = options
    this._rest = ''
    this._names = {}
    this._error = null
  }

  IrcClient.prototype = {
    onready: function () {},
    onmessage: function () {},
    onusers: function () {},
    onnote: function () {},
    onend: function () {},

    connect: function () {
      var self = this
      var socket = navigator.mozTCPSocket.open(this._options.host, this._options.port, {
        useSecureTransport: !!this._options.useTls,
        binaryType: 'string',
      })
      this._socket = socket
      socket.onopen = function () {
        self._send('NICK ' + self.nick)
        self._send('USER ' + self.nick + ' 0 * :' + self.nick)
      }
      socket.ondata = function (event) {
        var lines = (self._rest + event.data).split(/\r?\n/)
        self._rest = lines.pop()
        lines.forEach(function (line) {
          var message = parse(decode(line))
          if (message) self._handle(message)
        })
      }
      socket.onerror = function (event) {
        self._error = event.data && event.data.name
      }
      socket.onclose = function () {
        self.channels = {}
        self.onend(self._leaving ? null : self._error || 'The server closed the connection')
      }
    },

    join: function (channel) {
      this._send('JOIN ' + channel)
    },

    /* Lines are 512 bytes at most, with what the server puts before them. */
    say: function (channel, text) {
      this._send('PRIVMSG ' + channel + ' :' + text.replace(/[\r\n\0]+/g, ' '))
      this.onmessage(this.nick, channel, text)
    },

    quit: function () {
      this._leaving = true
      if (this._socket.readyState === 'open') this._send('QUIT :bye')
      else this._socket.close()
    },

    _send: function (line) {
      this._socket.send(encode(line) + '\r\n')
    },

    _handle: function (message) {
      var handler = HANDLERS[message.command]
      if (handler) handler.call(this, message.from, message.parameters)
    },

    _members: function (channel) {
      return (this.channels[channel] = this.channels[channel] || [])
    },

    _remove: function (channel, nick, note) {
      var members = this._members(channel)
      if (members.indexOf(nick) < 0) return
      this.channels[channel] = members.filter(function (each) {
        return each !== nick
      })
      this.onnote(channel, nick + note)
      this.onusers(channel, this.channels[channel])
    },
  }

  var HANDLERS = {
    PING: function (from, parameters) {
      this._send('PONG :' + parameters[0])
    },
    '001': function (from, parameters) {
      this.nick = parameters[0]
      this.onready()
    },
    /* The nick is taken. */
    433: function () {
      this.nick += '_'
      this._send('NICK ' + this.nick)
    },
    /* Names in a channel, in several messages, and their end. */
    353: function (from, parameters) {
      var names = parameters[3].split(/ +/).filter(Boolean)
      this._names[parameters[2]] = (this._names[parameters[2]] || []).concat(names)
    },
    366: function (from, parameters) {
      var names = this._names[parameters[1]] || []
      delete this._names[parameters[1]]
      this.channels[parameters[1]] = names.map(function (each) {
        return each.replace(/^[@+%&~]/, '')
      })
      this.onusers(parameters[1], this.channels[parameters[1]])
    },
    JOIN: function (from, parameters) {
      var members = this._members(parameters[0])
      if (members.indexOf(from) < 0) members.push(from)
      this.onnote(parameters[0], from + ' joined')
      this.onusers(parameters[0], members)
    },
    PART: function (from, parameters) {
      this._remove(parameters[0], from, ' left')
    },
    QUIT: function (from) {
      Object.keys(this.channels).forEach(function (channel) {
        this._remove(channel, from, ' quit')
      }, this)
    },
    PRIVMSG: function (from, parameters) {
      this.onmessage(from, parameters[0], parameters[1])
    },
    ERROR: function (from, parameters) {
      this._error = parameters[0]
    },
  }

  window.IrcClient = IrcClient
})(window)
