'use strict'

// What the facade asks of a process, in a page.

const { config } = require('../config.js')
const { task } = require('../tasks.js')

const warn = console.warn.bind(console)

module.exports = {
  // The sockets live in Node.js, which closes them when the page has gone.
  atExit() {},
  emitWarning: (message) => warn(message),
  inLoop: false,
  platform: () => config.platform,
  soon: task,
}
