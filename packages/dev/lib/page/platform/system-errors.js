'use strict'

// Numbers of the operating system that Node.js runs on, which told its names for them.

const { config } = require('../config.js')

function systemError(number) {
  const code = config.errors[number]?.replace(/^WSA(?=E)/, '') ?? `E${number}`
  return { code, errno: -number }
}

module.exports = { systemError }
