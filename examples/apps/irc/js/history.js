/* The last lines of each channel, in localStorage. */
;(function (window) {
  'use strict'

  var LONGEST = 50

  function key(channel) {
    return 'pigeon.history.' + channel
  }

  window.ChatHistory = {
    read: function (channel) {
      return JSON.parse(window.localStorage.getItem(key(channel)) || '[]')
    },
    add: function (channel, nick, text) {
      var lines = this.read(channel)
        .concat([[nick, text]])
        .slice(-LONGEST)
      window.localStorage.setItem(key(channel), JSON.stringify(lines))
    },
  }
})(window)
