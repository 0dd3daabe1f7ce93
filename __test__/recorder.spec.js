'use strict'

// The judge of nearly all other specs: what it must object to, and what it must let pass (REL-14).

const test = require('ava')

const { Recorder } = require('./helpers/sockets.js')

/** Does as it is told, right or wrong. */
class Puppet extends EventTarget {
  readyState = 'open'

  suspend() {}

  resume() {
    if (this.cannotResume) throw new Error('not suspended')
  }

  close() {
    this.readyState = 'closing'
  }

  closeImmediately() {
    this.close()
  }

  fire(type, data = 'x') {
    if (type === 'error' || type === 'close') this.readyState = 'closed'
    this.dispatchEvent(Object.assign(new Event(type), { data }))
  }
}

/** What the recorder says of a puppet, which is accepted unless it is `connecting`. */
function judge(story, readyState = 'open') {
  const puppet = Object.assign(new Puppet(), { readyState })
  const recorder = new Recorder(puppet)
  story(puppet)
  return recorder.violations
}

const WRONG = {
  'data while suspended': (socket) => {
    socket.suspend()
    socket.fire('data')
  },
  'data while one of two suspensions lasts': (socket) => {
    socket.suspend()
    socket.suspend()
    socket.resume()
    socket.fire('data')
  },
  'data after a resume() that threw': (socket) => {
    socket.suspend()
    socket.cannotResume = true
    try {
      socket.resume()
    } catch {}
    socket.fire('data')
  },
  'data after close()': (socket) => {
    socket.close()
    socket.fire('data')
  },
  'data after close() on a socket that says it is open': (socket) => {
    socket.close()
    socket.readyState = 'open'
    socket.fire('data')
  },
  'data after closeImmediately()': (socket) => {
    socket.closeImmediately()
    socket.fire('data')
  },
  'data while the socket does not say it is open': (socket) => {
    socket.readyState = 'closing'
    socket.fire('data')
  },
  'a second close': (socket) => {
    socket.fire('close')
    socket.fire('close')
  },
  'data after an error': (socket) => {
    socket.fire('error')
    socket.fire('data')
  },
  'open on an accepted socket': (socket) => socket.fire('open'),
  'empty data': (socket) => socket.fire('data', ''),
}

for (const [what, story] of Object.entries(WRONG)) {
  test(`the recorder objects to ${what}`, (t) => {
    t.not(judge(story).length, 0)
  })
}

test('the recorder objects to open after close()', (t) => {
  const story = (socket) => {
    socket.close()
    socket.fire('open')
  }
  t.is(judge(story, 'connecting').length, 1)
})

test('the recorder lets pass what is right', (t) => {
  const story = (socket) => {
    socket.readyState = 'open'
    socket.fire('open')
    socket.fire('data')
    socket.suspend()
    socket.fire('drain')
    socket.resume()
    socket.fire('data')
    socket.close()
    socket.fire('drain')
    socket.fire('error')
    socket.fire('close')
  }
  t.deepEqual(judge(story, 'connecting'), [])
})

test('a recorded socket has no more members to see than before', (t) => {
  const puppet = new Puppet()
  const before = Object.keys(puppet)
  const recorder = new Recorder(puppet)
  t.deepEqual(Object.keys(recorder.socket), before)
})
