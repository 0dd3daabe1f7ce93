/* Mime, in a worker: { id, source } comes in, { id, message } goes out. */
importScripts('mime.js')

self.onmessage = function (event) {
  self.postMessage({ id: event.data.id, message: self.Mime.message(event.data.source) })
}
