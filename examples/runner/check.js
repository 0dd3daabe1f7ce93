'use strict'

// One run of the app: starts it, gives it what it needs, and waits for its last callback.

const { Device } = require('./device.js')
const { startApp } = require('./sandbox.js')
const { Screen } = require('./terminal.js')

/**
 * Resolves with what the app reports: `{ messages, milliseconds, suspensions, secure, commands }`, where each message
 * has `number`, `uid`, `announced` (octets), and what was stored of it: `octets` and `sha256`. Rejects with the app's error,
 * which then has `commands` too: how many the app had sent.
 */
function check(account, { rows = 3, choose = (messages) => messages } = {}) {
  const { checkMail } = startApp()
  const device = new Device()
  const screen = new Screen(rows)
  return new Promise((resolve, reject) => {
    checkMail({ ...account, choose }, device, screen, (error, report) => {
      screen.done()
      const { commands } = screen
      if (error) return reject(Object.assign(error, { commands }))
      const messages = report.messages.map(({ number, uid, octets }) => ({
        number,
        uid,
        announced: octets,
        ...device.stored.get(number),
      }))
      resolve({ ...report, commands, messages })
    })
  })
}

const octetsOf = (messages) => messages.reduce((sum, { octets }) => sum + octets, 0)

module.exports = { check, octetsOf }
