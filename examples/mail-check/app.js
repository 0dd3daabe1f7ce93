/*
 * The app: looks into a mailbox, and stores the messages on the device. A classic script, after reader.js and pop3.js.
 *
 * What it is given are callbacks all the way: `device` stores messages, `screen` shows what goes on. It never writes to
 * the mailbox, and never deletes from it.
 */
;(function (window) {
  'use strict'

  /* The device is slower than the network: with this much still to be stored, the server has to wait. */
  var MAX_UNSTORED = 256 * 1024

  var VERIFIED = 'the certificate is verified, and all is encrypted'
  var WARNING = 'WARNING: the server offers no STLS. The password travels in the clear.'

  /*
   * account: host, port, user, password, security, allowPlain, ca, binaryType, patience, and choose(messages), which
   *   answers those to fetch.
   * device: begin(number), append(number, data, callback), commit(number, callback), with callbacks that come later.
   * screen: note(text), said(who, line, verb), and progress(octets stored, octets in all, messages stored, messages).
   * callback(error, report): report has messages, suspensions, secure and milliseconds.
   */
  function checkMail(account, device, screen, callback) {
    var client = new window.Pop3Client(account)
    var report = { messages: [], suspensions: 0, secure: false, milliseconds: 0 }
    var total = 0
    var stored = 0
    var committed = 0
    var unstored = 0
    var committing = false
    var started

    client.onsaid = function (who, line, verb) {
      screen.said(who, line, verb)
    }
    client.onconnected = function () {
      var isSecure = account.security === 'tls'
      screen.note(isSecure ? 'Connected; ' + VERIFIED + ' from the first byte.' : 'Connected.')
    }
    client.connect(orFail(connected))

    function connected() {
      if (account.security === 'starttls') {
        screen.note(client.secure ? 'Upgraded to TLS; ' + VERIFIED + ' from here on.' : WARNING)
      }
      client.login(account.user, account.password, orFail(loggedIn))
    }

    function loggedIn() {
      client.list(orFail(listed))
    }

    function listed(messages) {
      report.messages = account.choose(messages)
      report.messages.forEach(function (message) {
        total += message.octets
      })
      var many = messages.length === 1 ? '1 message' : messages.length + ' messages'
      var some = report.messages.length === messages.length ? 'all' : report.messages.length
      var ahead = 'PIPELINING' in client.capabilities ? ', asking for some before the first is here.' : '.'
      screen.note('The mailbox has ' + many + '; fetching ' + some + ahead)
      started = Date.now()
      screen.progress(0, total, 0, report.messages.length)
      var numbers = report.messages.map(function (message) {
        return message.number
      })
      client.retrieve(numbers, { started: begin, piece: store, ended: commit }, orFail(retrieved))
    }

    function begin(number) {
      device.begin(number)
    }

    function store(number, data) {
      unstored += data.length
      if (unstored > MAX_UNSTORED) client.pause()
      device.append(number, data, function (error) {
        unstored -= data.length
        stored += data.length
        screen.progress(stored, total, committed, report.messages.length)
        goOn(error)
      })
    }

    /* One message is safe before the next is begun. */
    function commit(number) {
      committing = true
      client.pause()
      device.commit(number, function (error) {
        committing = false
        if (!error) committed++
        screen.progress(stored, total, committed, report.messages.length)
        goOn(error)
        if (!error) retrieved()
      })
    }

    function goOn(error) {
      if (error) {
        client.abort()
        callback(error)
      } else if (!committing && unstored < MAX_UNSTORED / 2) {
        client.resume()
      }
    }

    /* Goes on when everything is stored, which is later than that everything has come. */
    function retrieved() {
      if (committed < report.messages.length) return
      report.milliseconds = Date.now() - started
      report.suspensions = client.suspensions
      report.secure = client.secure
      client.quit(orFail(closed))
    }

    function closed() {
      callback(null, report)
    }

    function orFail(next) {
      return function (error, result) {
        if (error) callback(error)
        else next(result)
      }
    }
  }

  window.checkMail = checkMail
})(window)
