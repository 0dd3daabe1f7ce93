/* Decodes messages in a worker, so that long ones do not hold up the page; in the page where workers are missing. */
;(function (window) {
  'use strict'

  var worker = null
  var waiting = {}
  var lastId = 0

  function start() {
    worker = new window.Worker('js/mime-worker.js')
    worker.onmessage = function (event) {
      var done = waiting[event.data.id]
      delete waiting[event.data.id]
      if (done) done(event.data.message)
    }
  }

  window.Decoder = {
    decode: function (source, done) {
      if (!window.Worker) {
        done(window.Mime.message(source))
        return
      }
      if (!worker) start()
      waiting[++lastId] = done
      worker.postMessage({ id: lastId, source: source })
    },
  }
})(window)
