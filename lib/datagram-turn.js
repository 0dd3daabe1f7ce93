'use strict'

// Datagrams that are sent in a turn leave at its end, those of each socket with as few system calls as that takes; see turn.js for what a
// turn is. A socket that is closed sends them first, and so does the end of the process, which the engine sees to.

const { SafeSet } = require('./builtins.js')
const { engineOutbound } = require('./channel.js')
const { atTurnEnd, currentTurn } = require('./turn.js')

/** The native sockets, by their ids, that have something to send. */
const staged = new SafeSet()

/** Sends a datagram of the native socket `id` at the end of this turn. */
function sendInTurn(id, bytes, host, port) {
  engineOutbound().stageDatagram(id, bytes, host, port)
  currentTurn()
  staged.add(id)
}

atTurnEnd(() => {
  if (staged.size === 0) return
  staged.forEach((id) => engineOutbound().flushDatagrams(id))
  staged.clear()
})

module.exports = { sendInTurn }
