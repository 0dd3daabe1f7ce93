'use strict'

// Numbers of the operating system, as Node.js names them.

const { constants } = require('node:os')
const { getSystemErrorName, getSystemErrorMap } = require('node:util')

const {
  ObjectKeys,
  RegExpPrototypeExec,
  SafeMap,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  uncurryThis,
} = require('../builtins.js')
const { platform } = require('./process.js')

const mapForEach = uncurryThis(Map.prototype.forEach)

/** `{ code, errno }` as Node has them, of a number from the operating system. */
function systemError(number) {
  if (platform() === 'win32') return windowsError(number)
  const name = getSystemErrorName(-number)
  // Node describes what it does not know, in words.
  return { code: RegExpPrototypeExec(/^E\w+$/, name) !== null ? name : `E${number}`, errno: -number }
}

/** Windows names what sockets meet WSAE…; Node has the names of POSIX for that, and numbers of libuv's. */
function windowsError(number, numbers = constants.errno) {
  const names = ObjectKeys(numbers)
  let code = `E${number}`
  for (let i = 0; i < names.length; i++) {
    if (numbers[names[i]] !== number || !StringPrototypeStartsWith(names[i], 'WSAE')) continue
    code = StringPrototypeSlice(names[i], 'WSA'.length)
    break
  }
  nodeErrnos ??= errnosByName()
  return { code, errno: nodeErrnos.get(code) ?? -number }
}

let nodeErrnos

/** The numbers of libuv. */
function errnosByName() {
  const errnos = new SafeMap()
  mapForEach(getSystemErrorMap(), (entry, errno) => errnos.set(entry[0], errno))
  return errnos
}

module.exports = { systemError, windowsError }
