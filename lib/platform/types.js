'use strict'

// What kind of object a value is, whatever it says of itself and whichever realm it comes from; and how Node.js shows one.

const { inspect, types } = require('node:util')

const { isAnyArrayBuffer, isMap, isProxy, isSharedArrayBuffer } = types

module.exports = { inspect, isAnyArrayBuffer, isMap, isProxy, isSharedArrayBuffer }
