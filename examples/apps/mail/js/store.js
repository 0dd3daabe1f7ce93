/* Messages that were read, in IndexedDB, so that they can be read again without the server. All errors mean: not there. */
;(function (window) {
  'use strict'

  var opening = null

  function open(callback) {
    if (!window.indexedDB) return callback(null)
    if (!opening) {
      opening = window.indexedDB.open('letters', 1)
      opening.onupgradeneeded = function () {
        opening.result.createObjectStore('messages', { keyPath: 'key' })
      }
    }
    if (opening.readyState === 'done') return callback(opening.error ? null : opening.result)
    opening.addEventListener('success', function () {
      callback(opening.result)
    })
    opening.addEventListener('error', function () {
      callback(null)
    })
  }

  window.Store = {
    get: function (key, callback) {
      open(function (database) {
        if (!database) return callback(null)
        var request = database.transaction('messages').objectStore('messages').get(key)
        request.onsuccess = function () {
          callback(request.result ? request.result.message : null)
        }
        request.onerror = function () {
          callback(null)
        }
      })
    },
    put: function (key, message, callback) {
      open(function (database) {
        if (!database) return callback()
        var transaction = database.transaction('messages', 'readwrite')
        transaction.objectStore('messages').put({ key: key, message: message })
        transaction.oncomplete =
          transaction.onerror =
          transaction.onabort =
            function () {
              callback()
            }
      })
    },
  }
})(window)
