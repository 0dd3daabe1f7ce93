'use strict'

// What kind of object a value is, as far as a page can tell, from whichever frame it comes.

const { get: byteLength } = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')
const sharedByteLength =
  typeof SharedArrayBuffer === 'function'
    ? Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, 'byteLength').get
    : undefined
const { get: mapSize } = Object.getOwnPropertyDescriptor(Map.prototype, 'size')

/** Whether the accessor `get` takes `value` for one of its own. */
function has(get, value) {
  if (get === undefined) return false
  try {
    Reflect.apply(get, value, [])
    return true
  } catch {
    return false
  }
}

const isSharedArrayBuffer = (value) => has(sharedByteLength, value)

module.exports = {
  // A browser's console asks objects itself.
  inspect: (value) => String(value),
  isAnyArrayBuffer: (value) => has(byteLength, value) || isSharedArrayBuffer(value),
  isMap: (value) => has(mapSize, value),
  // A page cannot tell.
  isProxy: () => false,
  isSharedArrayBuffer,
}
