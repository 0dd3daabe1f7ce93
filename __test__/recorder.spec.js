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

  /** Resolves when the task of the event is over. */
  fire(type, data = 'x') {
    if (type === 'error' || type === 'close') this.readyState = 'closed'
    this.dispatchEvent(Object.assign(new Event(type), { data }))
    return new Promise((resolve) => setImmediate(resolve))
  }
}

/** What the recorder says of a puppet, which is accepted unless it is `connecting`. */
async function judge(story, readyState = 'open') {
  const puppet = Object.assign(new Puppet(), { readyState })
  const recorder = new Recorder(puppet)
  await story(puppet)
  return recorder.violations
}

const WRONG = {
  'data while suspended': async (socket) => {
    socket.suspend()
    await socket.fire('data')
  },
  'data while one of two suspensions lasts': async (socket) => {
    socket.suspend()
    socket.suspend()
    socket.resume()
    await socket.fire('data')
  },
  'data after a resume() that threw': async (socket) => {
    socket.suspend()
    socket.cannotResume = true
    try {
      socket.resume()
    } catch {}
    await socket.fire('data')
  },
  'data after close()': async (socket) => {
    socket.close()
    await socket.fire('data')
  },
  'data after close() on a socket that says it is open': async (socket) => {
    socket.close()
    socket.readyState = 'open'
    await socket.fire('data')
  },
  'data after closeImmediately()': async (socket) => {
    socket.closeImmediately()
    await socket.fire('data')
  },
  'data while the socket does not say it is open': async (socket) => {
    socket.readyState = 'closing'
    await socket.fire('data')
  },
  'a second close': async (socket) => {
    await socket.fire('close')
    await socket.fire('close')
  },
  'data after an error': async (socket) => {
    await socket.fire('error')
    await socket.fire('data')
  },
  'open on an accepted socket': (socket) => socket.fire('open'),
  'empty data': (socket) => socket.fire('data', ''),
  'close in the task of an error': (socket) => {
    void socket.fire('error')
    return socket.fire('close')
  },
  'close before the promises of an error': async (socket) => {
    void socket.fire('error')
    await undefined
    await socket.fire('close')
  },
  'close before the ticks of an error': async (socket) => {
    void socket.fire('error')
    for (let reactions = 0; reactions < 5; reactions++) await undefined
    await socket.fire('close')
  },
}

for (const [what, story] of Object.entries(WRONG)) {
  test(`the recorder objects to ${what}`, async (t) => {
    t.not((await judge(story)).length, 0)
  })
}

test('the recorder objects to open after close()', async (t) => {
  const story = async (socket) => {
    socket.close()
    await socket.fire('open')
  }
  t.is((await judge(story, 'connecting')).length, 1)
})

test('the recorder lets pass what is right', async (t) => {
  const story = async (socket) => {
    socket.readyState = 'open'
    await socket.fire('open')
    await socket.fire('data')
    socket.suspend()
    await socket.fire('drain')
    socket.resume()
    await socket.fire('data')
    socket.close()
    await socket.fire('drain')
    await socket.fire('error')
    await socket.fire('close')
  }
  t.deepEqual(await judge(story, 'connecting'), [])
})

test('a recorder that keeps no data judges it, and counts its bytes', async (t) => {
  const puppet = new Puppet()
  const recorder = new Recorder(puppet, { keepsData: false })
  await puppet.fire('data')
  await puppet.fire('data')
  t.deepEqual([recorder.bytes, recorder.events, recorder.chunks, recorder.violations], [2, [], [], []])
  await puppet.fire('close')
  await puppet.fire('data')
  t.deepEqual(recorder.types, ['data', 'close', 'data'])
  t.regex(recorder.violations[0], /nothing may follow close/)
})

test('a recorded socket has no more members to see than before', (t) => {
  const puppet = new Puppet()
  const before = Object.keys(puppet)
  const recorder = new Recorder(puppet)
  t.deepEqual(Object.keys(recorder.socket), before)
})
