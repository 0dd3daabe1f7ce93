'use strict'

// What happens at the end of a turn: from the first send, or look at `bufferedAmount`, until the microtask that this
// queues. So a turn holds all that runs without a pause, and an `await` may end it. What is sent during a turn leaves
// at its end, so that many small sends cost one system call and `closeImmediately` can still take them back; and
// `bufferedAmount` shrinks between turns only. (Node's own ticks end later, but each costs more than a send does.)

// A promise's job costs a third of what `queueMicrotask` does, which makes an asynchronous resource for each. Taken when
// the module is loaded, so that nobody's changes to promises matter.
const settled = Promise.resolve()
const { then } = Promise.prototype
const { apply } = Reflect
// `then` asks a promise for its constructor, and that for its species. Without a prototype there is none to ask.
Object.setPrototypeOf(settled, null)

let turn = 0
let open = false
const tasks = []

/** The number of the current turn. */
function currentTurn() {
  if (!open) {
    open = true
    apply(then, settled, [end])
  }
  return turn
}

/** Runs `callback` at the end of every turn from now on. It must not throw. */
function atTurnEnd(callback) {
  tasks[tasks.length] = callback
}

function end() {
  open = false
  turn++
  for (let i = 0; i < tasks.length; i++) tasks[i]()
}

module.exports = { currentTurn, atTurnEnd }
