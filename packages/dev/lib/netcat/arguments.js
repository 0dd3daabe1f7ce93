'use strict'

// Arguments that `connect` and `listen` have in common, from text to what the functions take.

const { UsageError } = require('../cli.js')

const SHARED = {
  tls: { type: 'boolean' },
  cert: { type: 'string' },
  key: { type: 'string' },
  alpn: { type: 'string', multiple: true },
  crlf: { type: 'boolean' },
  quit: { type: 'string' },
  trace: { type: 'boolean' },
  hex: { type: 'boolean' },
}

function toPort(text, least) {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (!(port >= least && port <= 65_535))
    throw new UsageError(`PORT ${JSON.stringify(text)}: must be a port, from ${least} to 65535`)
  return port
}

/** The option `--name`, in seconds, as milliseconds. */
function toMilliseconds(name, text) {
  if (text === undefined) return undefined
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN
  if (!(seconds <= 86_400))
    throw new UsageError(`--${name} ${JSON.stringify(text)}: must be seconds, from 0 to 86400`)
  return Math.round(seconds * 1000)
}

/** Throws where one of `dependent` was given without `option`. */
function requireWith(values, option, isGiven, dependent) {
  for (const name of dependent) {
    if (values[name] !== undefined && !isGiven)
      throw new UsageError(`--${name}: goes with ${option}, which is missing`)
  }
}

module.exports = { SHARED, requireWith, toMilliseconds, toPort }
