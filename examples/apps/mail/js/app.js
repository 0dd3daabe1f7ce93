/* The screens of Letters: setup, list and message, for a touch screen and for the keys of a phone. */
;(function (window, document) {
  'use strict'

  var SEEN = '\\Seen'
  var FLAGGED = '\\Flagged'
  var account = null
  var client = null
  var messages = []
  var shown = null
  var screen = 'setup'

  function $(id) {
    return document.getElementById(id)
  }

  function has(message, flag) {
    return message.flags.indexOf(flag) >= 0
  }

  /* ---- Screens ------------------------------------------------------------------------------------------------ */

  function softKeys(left, centre, right) {
    $('softleft').textContent = left
    $('softcentre').textContent = centre
    $('softright').textContent = right
  }

  function show(name) {
    screen = name
    $('setup').hidden = name !== 'setup'
    $('list').hidden = name !== 'list'
    $('message').hidden = name !== 'message'
    $('title').textContent = name === 'setup' ? 'Letters' : 'Inbox'
    if (name === 'setup') softKeys('', 'Select', '')
    if (name === 'list') softKeys('Refresh', 'Open', 'Sign out')
    if (name === 'message') softKeys('Back', '', shown && has(shown, FLAGGED) ? 'Unflag' : 'Flag')
  }

  function say(text) {
    $('state').textContent = text
  }

  function complain(error) {
    $('error').hidden = !error
    $('error').textContent = error ? error.message : ''
    if (error) say('')
  }

  function line(tag, className, text) {
    var element = document.createElement(tag)
    element.className = className
    element.textContent = text
    return element
  }

  function day(text) {
    var date = new Date(text)
    return isNaN(date)
      ? ''
      : date.getUTCDate() + ' ' + 'JanFebMarAprMayJunJulAugSepOctNovDec'.substr(date.getUTCMonth() * 3, 3)
  }

  function drawList() {
    var list = $('list')
    list.textContent = ''
    messages.forEach(function (message) {
      var item = line('li', '', '')
      item.tabIndex = 0
      item.dataset.uid = message.uid
      var who = line('div', 'who', '')
      who.appendChild(line('span', 'name', message.from))
      who.appendChild(line('span', 'when', day(message.date)))
      item.appendChild(who)
      item.appendChild(line('div', 'what', message.subject))
      mark(item, message)
      item.onclick = function () {
        openMessage(message)
      }
      list.appendChild(item)
    })
    var unread = messages.filter(function (each) {
      return !has(each, SEEN)
    }).length
    say(messages.length ? unread + ' unread' : 'no mail')
  }

  function mark(item, message) {
    item.classList.toggle('unread', !has(message, SEEN))
    item.classList.toggle('flagged', has(message, FLAGGED))
  }

  /* ---- What the user does --------------------------------------------------------------------------------------- */

  function signIn() {
    complain(null)
    say('connecting…')
    $('signin').disabled = true
    if (client) client.onlost = function () {}
    client = new window.ImapClient(account)
    client.onlost = function (error) {
      $('lock').hidden = true
      complain(error)
    }
    client.connect(function (error) {
      if (error) return failed(error)
      $('lock').hidden = !client.secure
      say('signing in…')
      client.login(account.user, account.password, function (refused) {
        if (refused) {
          client.logout(function () {})
          return failed(refused)
        }
        window.localStorage.setItem('letters.account', JSON.stringify(account))
        refresh()
      })
    })
  }

  function failed(error) {
    $('signin').disabled = false
    $('lock').hidden = true
    show('setup')
    complain(error)
  }

  function refresh() {
    complain(null)
    say('loading…')
    client.list(function (error, found) {
      $('signin').disabled = false
      if (error) return complain(error)
      messages = found.reverse().map(function (each) {
        var message = window.Mime.summary(each.source)
        message.uid = each.uid
        message.flags = each.flags
        return message
      })
      drawList()
      show('list')
      var first = $('list').firstElementChild
      if (first) first.focus()
    })
  }

  function openMessage(message) {
    var key = [account.user, account.host, account.port, message.uid].join(' ')
    complain(null)
    say('loading…')
    window.Store.get(key, function (kept) {
      if (kept) return showMessage(message, kept, 'kept')
      client.fetch(message.uid, function (error, fetched) {
        if (error) return complain(error)
        window.Decoder.decode(fetched.source, function (decoded) {
          window.Store.put(key, decoded, function () {
            showMessage(message, decoded, 'new')
          })
        })
      })
    })
  }

  function showMessage(message, content, from) {
    shown = message
    $('subject').textContent = content.subject
    $('from').textContent = content.from
    $('date').textContent = content.date
    $('body').textContent = content.text
    show('message')
    $('message').focus()
    if (has(message, SEEN)) return say(from)
    setFlag(message, SEEN, true, function () {
      say('read')
    })
  }

  function setFlag(message, flag, isSet, done) {
    client.store(message.uid, flag, isSet, function (error, flags) {
      if (error) return complain(error)
      if (flags) message.flags = flags
      mark($('list').querySelector('[data-uid="' + message.uid + '"]'), message)
      if (screen === 'message') show('message')
      done()
    })
  }

  function back() {
    var uid = shown && shown.uid
    shown = null
    drawList()
    show('list')
    var item = $('list').querySelector('[data-uid="' + uid + '"]')
    if (item) item.focus()
  }

  function signOut() {
    var leaving = client
    client = null
    messages = []
    window.localStorage.removeItem('letters.account')
    $('lock').hidden = true
    $('password').value = ''
    show('setup')
    leaving.logout(function () {
      say('signed out')
    })
  }

  function softLeft() {
    if (screen === 'list') refresh()
    else if (screen === 'message') back()
  }

  function softRight() {
    if (screen === 'list') signOut()
    else if (screen === 'message') {
      var isSet = !has(shown, FLAGGED)
      setFlag(shown, FLAGGED, isSet, function () {
        say(isSet ? 'flagged' : 'unflagged')
      })
    }
  }

  $('softleft').onclick = softLeft
  $('softright').onclick = softRight
  $('lookup').onclick = function () {
    complain(null)
    say('looking up…')
    window.Autoconfig.lookUp($('autoconfig').value, function (error, found) {
      if (error) return complain(error)
      $('host').value = found.host
      $('port').value = found.port
      $('security').value = found.security
      say('found')
    })
  }
  $('setup').onsubmit = function (event) {
    event.preventDefault()
    account = {
      user: $('user').value,
      password: $('password').value,
      host: $('host').value,
      port: Number($('port').value),
      security: $('security').value,
    }
    signIn()
  }

  document.addEventListener('keydown', function (event) {
    var focused = document.activeElement
    var isTyping = /^(INPUT|SELECT)$/.test(focused.tagName)
    if (event.key === 'SoftLeft' || event.key === 'F1') softLeft()
    else if (event.key === 'SoftRight' || event.key === 'F2') softRight()
    else if (event.key === 'Enter' && focused.tagName === 'LI') focused.click()
    else if ((event.key === 'Escape' || event.key === 'Backspace') && screen === 'message' && !isTyping)
      back()
    else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && screen === 'list') {
      var next = event.key === 'ArrowDown' ? focused.nextElementSibling : focused.previousElementSibling
      if (focused.tagName === 'LI' && next) next.focus()
      else if (focused.tagName !== 'LI' && $('list').firstElementChild) $('list').firstElementChild.focus()
    } else return
    event.preventDefault()
  })

  show('setup')
  var saved = window.localStorage.getItem('letters.account')
  if (saved) {
    account = JSON.parse(saved)
    Object.keys(account).forEach(function (name) {
      $(name).value = account[name]
    })
    signIn()
  }
})(window, document)
