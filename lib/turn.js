'use strict'

// What happens at the end of a turn: the time between two runs of the microtask queue. What is sent during a turn
// leaves at its end, so that many small sends cost one system call and `closeImmediately` can still take them back;
// and `bufferedAmount` shrinks between turns only.

// Taken when the module is loaded: test runners replace the global one with a clock of their own.
const enqueue = globalThis.queueMicrotask

const tasks = []
let turn = 0
let open = false

/** The number of the current turn. */
function currentTurn() {
  if (!open) {
    open = true
    enqueue(end)
  }
  return turn
}

/** Runs `task` when the current turn ends. It must not throw. */
function atTurnEnd(task) {
  currentTurn()
  tasks.push(task)
}

function end() {
  open = false
  turn++
  for (const task of tasks.splice(0)) task()
}

module.exports = { currentTurn, atTurnEnd }
