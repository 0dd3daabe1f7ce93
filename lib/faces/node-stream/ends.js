'use strict'

// The ends of a connection of which nothing is known but what its `opened` told, or its own attributes.

const { Number, NumberIsInteger, RegExpPrototypeExec } = require('../../builtins.js')

/** `{ localAddress, localPort, remoteAddress, remotePort }`, as far as `info` or else `socket` tells; `null` where neither does. */
function endsOf(info, socket) {
  const local = endOf(info, 'local') ?? endOf(socket, 'local')
  const remote = endOf(info, 'remote') ?? endOf(socket, 'remote')
  if (local === undefined && remote === undefined) return null
  return {
    localAddress: local?.address,
    localPort: local?.port,
    remoteAddress: remote?.address,
    remotePort: remote?.port,
  }
}

/** The `side` that `object` tells in two properties, or in one with a port. */
function endOf(object, side) {
  if (typeof object !== 'object' || object === null) return undefined
  const address = object[`${side}Address`]
  const port = object[`${side}Port`]
  if (typeof address !== 'string') return undefined
  if (NumberIsInteger(port)) return { address, port }
  const parts = RegExpPrototypeExec(/^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/, address)
  return parts === null ? undefined : { address: parts[1] ?? parts[2], port: Number(parts[3]) }
}

module.exports = { endsOf }
