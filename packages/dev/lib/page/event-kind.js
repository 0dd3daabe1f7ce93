'use strict'

// What the facade is told, in the numbers of the native binding (binding.d.ts).

const EventKind = { Opened: 0, Data: 1, Ended: 2, Drained: 3, Closed: 4, Failed: 5, Accepted: 6 }

module.exports = { EventKind }
