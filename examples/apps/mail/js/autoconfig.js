/* Settings of a provider, as Thunderbird and Firefox OS look them up: an XML file at a place of another origin. */
;(function (window) {
  'use strict'

  window.Autoconfig = {
    /* callback(error, { host, port, security }) */
    lookUp: function (url, callback) {
      var request = new window.XMLHttpRequest({ mozSystem: true })
      request.open('GET', url.replace(/\/?$/, '/') + 'mail/config-v1.1.xml')
      request.timeout = 10000
      request.onload = function () {
        if (request.status !== 200) return callback(new Error('No settings there (' + request.status + ')'))
        var xml = new window.DOMParser().parseFromString(request.responseText, 'text/xml')
        var server = xml.querySelector('incomingServer[type="imap"]')
        if (!server) return callback(new Error('The settings name no IMAP server'))
        function value(name) {
          var element = server.querySelector(name)
          return element ? element.textContent.trim() : ''
        }
        callback(null, {
          host: value('hostname'),
          port: Number(value('port')),
          security: value('socketType') === 'SSL' ? 'tls' : 'starttls',
        })
      }
      request.onerror = request.ontimeout = function () {
        callback(new Error('The settings cannot be fetched'))
      }
      request.send()
    },
  }
})(window)
