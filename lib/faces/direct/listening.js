'use strict'

// How TCPServerSocket and TLSServerSocket listen: a stream of connections, of which one is accepted for each that is read.

const { PromisePrototypeThen } = require('../../builtins.js')
const { eventChannel } = require('../../channel.js')
const { bindFailure } = require('../../errors.js')
const { domException } = require('../../dom-exceptions.js')
const native = require('../../platform/native.js')
const {
  DefaultControllerClose,
  DefaultControllerEnqueue,
  DefaultControllerError,
  ReadableStream,
  ReadableStreamGetLocked,
} = require('../../streams/builtins.js')
const { networkError } = require('../../streams/causes.js')
const { ListenerCore } = require('../../streams/listener.js')
const { adopt, stateOf } = require('./members.js')
const { refusedPort } = require('./permissions.js')
const { refusal } = require('./profile.js')

/** Has `server` listen at `place`. `toSocket(handle)` makes the sockets that it accepts. */
function listen(server, place, config, toSocket) {
  let controller
  let readable
  const profile = {
    __proto__: null,
    name: `A ${server.constructor.name}`,
    toInfo: ({ localAddress, localPort }) => ({ readable, localAddress, localPort }),
    toConnection: toSocket,
    toError: networkError,
    refusal,
  }
  const core = new ListenerCore(
    () => bind(place, config),
    profile,
    (error) => {
      if (controller === undefined) return
      if (error === undefined) DefaultControllerClose(controller)
      else DefaultControllerError(controller, error)
      controller = undefined
    },
  )
  const source = {
    __proto__: null,
    start: (made) => {
      controller = made
    },
    pull: () =>
      PromisePrototypeThen(core.accept(), (socket) => {
        if (controller === undefined) stateOf(socket).core.close()
        else DefaultControllerEnqueue(controller, socket)
      }),
    cancel: () => {
      controller = undefined
      core.close()
    },
  }
  readable = new ReadableStream(source, { __proto__: null, highWaterMark: 0 })
  adopt(server, core, () => ReadableStreamGetLocked(readable))
}

function bind(place, config) {
  const refused = refusedPort(place.port)
  if (refused !== undefined) throw refused
  try {
    return new native.TCPServerSocket(eventChannel(), place, config)
  } catch (thrown) {
    const cause = bindFailure(thrown, place.address, place.port)
    throw domException('NetworkError', cause.message, cause)
  }
}

module.exports = { listen }
