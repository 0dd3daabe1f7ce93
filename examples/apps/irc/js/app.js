/* The screens of Pigeon: setup, channel and its users, for a touch screen and for the keys of a phone. */
;(function (window, document) {
  'use strict'

  var FIELDS = ['host', 'port', 'nick', 'channel']
  var client = null
  var channel = ''
  var screen = 'setup'

  function $(id) {
    return document.getElementById(id)
  }

  function show(name) {
    screen = name
    $('setup').hidden = name !== 'setup'
    $('log').hidden = $('say').hidden = name !== 'channel'
    $('users').hidden = name !== 'users'
    $('title').textContent = name === 'setup' ? 'Pigeon' : channel
    $('softleft').textContent = name === 'channel' ? 'Users' : name === 'users' ? 'Back' : ''
    $('softright').textContent = name === 'setup' ? '' : 'Leave'
  }

  function complain(text) {
    $('error').hidden = !text
    $('error').textContent = text || ''
  }

  function write(className, nick, text) {
    var item = document.createElement('li')
    item.className = className
    if (nick) {
      var name = document.createElement('span')
      name.className = 'nick'
      name.textContent = nick
      item.appendChild(name)
    }
    item.appendChild(document.createTextNode(text))
    $('log').appendChild(item)
    $('log').parentNode.scrollTop = $('log').parentNode.scrollHeight
  }

  function drawUsers(names) {
    $('users').textContent = ''
    names
      .slice()
      .sort()
      .forEach(function (name) {
        var item = document.createElement('li')
        item.textContent = name
        $('users').appendChild(item)
      })
    $('state').textContent = names.length + (names.length === 1 ? ' user' : ' users')
  }

  function connect() {
    complain('')
    $('connect').disabled = true
    $('state').textContent = 'connecting…'
    channel = $('channel').value
    client = new window.IrcClient({
      host: $('host').value,
      port: Number($('port').value),
      nick: $('nick').value,
      useTls: $('tls').checked,
    })
    client.onready = function () {
      $('log').textContent = ''
      window.ChatHistory.read(channel).forEach(function (line) {
        write('old', line[0], line[1])
      })
      client.join(channel)
      show('channel')
      $('text').focus()
    }
    client.onmessage = function (from, to, text) {
      write(from === client.nick ? 'own' : '', from, text)
      window.ChatHistory.add(channel, from, text)
    }
    client.onnote = function (where, text) {
      write('note', '', text)
    }
    client.onusers = function (where, names) {
      drawUsers(names)
    }
    client.onend = function (error) {
      $('connect').disabled = false
      $('state').textContent = 'offline'
      show('setup')
      complain(error)
    }
    try {
      client.connect()
    } catch (error) {
      client.onend(error.message)
    }
  }

  function softLeft() {
    if (screen === 'channel') show('users')
    else if (screen === 'users') show('channel')
  }

  function softRight() {
    if (screen !== 'setup') client.quit()
  }

  $('softleft').onclick = softLeft
  $('softright').onclick = softRight
  $('setup').onsubmit = function (event) {
    event.preventDefault()
    FIELDS.forEach(function (name) {
      window.localStorage.setItem('pigeon.' + name, $(name).value)
    })
    connect()
  }
  $('say').onsubmit = function (event) {
    event.preventDefault()
    var text = $('text').value.trim()
    $('text').value = ''
    if (text) client.say(channel, text)
  }
  document.addEventListener('keydown', function (event) {
    if (event.key === 'SoftLeft' || event.key === 'F1') softLeft()
    else if (event.key === 'SoftRight' || event.key === 'F2') softRight()
    else if (event.key === 'Escape' && screen === 'users') show('channel')
    else return
    event.preventDefault()
  })

  FIELDS.forEach(function (name) {
    var saved = window.localStorage.getItem('pigeon.' + name)
    if (saved) $(name).value = saved
  })
  show('setup')
})(window, document)
