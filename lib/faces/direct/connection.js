'use strict'

// How TCPSocket and TLSSocket connect, and what an accepted one is made of.

const { eventChannel } = require('../../channel.js')
const { toHost, toText } = require('../../convert.js')
const { domException } = require('../../dom-exceptions.js')
const native = require('../../platform/native.js')
const { ReadableStreamGetLocked, WritableStreamGetLocked } = require('../../streams/builtins.js')
const { StreamCore } = require('../../streams/core.js')
const { followSignal } = require('../../streams/signal.js')
const { MAX_PORT, toRange } = require('../../webidl.js')
const { adopt } = require('./members.js')
const { unreachable } = require('./errors.js')
const { refusedAddress, refusedDestination } = require('./permissions.js')
const { toClientOptions } = require('./tcp-options.js')

/** Where nobody is connected to. */
const NOWHERE = { host: '0.0.0.0', port: 1 }

/**
 * The arguments of a constructor, converted: `{ host, port, error, local, signal, givenUp }`. An address that is none is no error of the
 * constructor: `error` is what its promises reject with.
 */
function toTarget(remoteAddress, remotePort, options) {
  const text = toText(remoteAddress, 'remoteAddress')
  const port = toRange(remotePort, 'remotePort', 0, MAX_PORT)
  const made = toClientOptions(options)
  let host
  try {
    host = toHost(text, 'remoteAddress')
  } catch (cause) {
    return { __proto__: null, ...made, error: unreachable(cause.message, 'ENOTFOUND', 'getaddrinfo') }
  }
  if (port === 0) {
    const error = unreachable(`connect to ${host} port 0: there is none`, 'EADDRNOTAVAIL', 'connect')
    return { __proto__: null, ...made, error }
  }
  return { __proto__: null, ...made, host, port, error: refusedDestination(host) }
}

/** Connects `socket` to `target`, with TLS where there is a `config`. */
function connect(socket, target, profile, config) {
  const { host, port, error, local, signal, givenUp } = target
  const isRefused = error !== undefined
  const place = isRefused ? NOWHERE : { host, port }
  const handle = new native.TCPSocket(
    eventChannel(),
    { __proto__: null, ...place, asStrings: false, local, givenUp: isRefused || givenUp ? true : undefined },
    config,
  )
  const core = new StreamCore(handle, guarded(profile), { __proto__: null, isSecure: config !== undefined })
  adoptConnection(socket, core)
  if (isRefused) core.abort(error)
  else if (signal !== undefined)
    followSignal(core, signal, givenUp, () => domException('AbortError', 'was aborted'))
}

/** `profile`, but that what a name has led to is looked at before the program can use it. */
function guarded(profile) {
  return {
    __proto__: null,
    ...profile,
    toInfo(handle, core) {
      const info = profile.toInfo(handle, core)
      const error = refusedAddress(info.remoteAddress)
      if (error !== undefined) core.abort(error)
      return info
    },
  }
}

/** Makes `socket` the owner of a connection that is established. */
function adoptAccepted(socket, handle, profile, isSecure) {
  adoptConnection(socket, new StreamCore(handle, profile, { __proto__: null, isOpen: true, isSecure }))
}

function adoptConnection(socket, core) {
  const { readable, writable } = core
  adopt(socket, core, () => ReadableStreamGetLocked(readable) || WritableStreamGetLocked(writable))
}

module.exports = { adoptAccepted, connect, toTarget }
