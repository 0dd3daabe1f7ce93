'use strict'

// Handler attributes among listeners, as the HTML standard describes them: a handler is called at the place where it was
// first set, and for events of a script's own making as well.

const test = require('ava')

const { TCPServerSocket, TCPSocket, TCPSocketEvent } = require('..')

/** A closed server, and the names of what was called for an event dispatched on it. */
function target() {
  const socket = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  socket.close()
  const calls = []
  const dispatch = () => {
    socket.dispatchEvent(new TCPSocketEvent('connect', { data: '' }))
    return calls.splice(0)
  }
  return { socket, dispatch, note: (name) => () => calls.push(name) }
}

test('a handler without listeners gets what a script dispatches', (t) => {
  const { socket, dispatch, note } = target()
  socket.onconnect = note('handler')
  t.deepEqual(dispatch(), ['handler'])
  t.deepEqual(dispatch(), ['handler'])
})

test('a listener that is none is not counted as one', async (t) => {
  const server = new TCPServerSocket(0, { localAddress: '127.0.0.1' })
  t.teardown(() => server.close())
  t.throws(() => server.addEventListener('connect', 5), { instanceOf: TypeError })
  t.throws(() => server.addEventListener('connect', () => {}, { signal: 5 }), { instanceOf: TypeError })
  const socket = new TCPSocket('127.0.0.1', server.localPort)
  await new Promise((resolve) => {
    socket.onclose = resolve
  })
  t.is(socket.readyState, 'closed', 'nobody accepted it')
})

test('an event looks dispatched while a handler has it, and as it should afterwards', async (t) => {
  const socket = new TCPSocket('127.0.0.1', 1)
  const event = await new Promise((resolve) => {
    socket.onclose = (closed) => {
      t.is(closed.currentTarget, socket)
      t.is(closed.eventPhase, Event.AT_TARGET)
      t.deepEqual(closed.composedPath(), [socket])
      resolve(closed)
    }
  })
  t.is(event.target, socket)
  t.is(event.currentTarget, null)
  t.is(event.eventPhase, Event.NONE)
  t.deepEqual(event.composedPath(), [])
  const other = new EventTarget()
  other.addEventListener('close', (again) => t.deepEqual([again.target, again.currentTarget], [other, other]))
  other.dispatchEvent(event)
})

test('an event cannot be dispatched while a handler has it', async (t) => {
  const socket = new TCPSocket('127.0.0.1', 1)
  await new Promise((resolve) => {
    socket.onclose = (event) => {
      t.throws(() => socket.dispatchEvent(event), { any: true, name: 'InvalidStateError' })
      resolve()
    }
  })
})

test('an event looks dispatched to each of its listeners, and cannot be dispatched in any of them', (t) => {
  const { socket, dispatch } = target()
  const seen = []
  const see = (event) => {
    seen.push([event.currentTarget, event.eventPhase, event.composedPath().length])
    t.throws(() => socket.dispatchEvent(event), { any: true, name: 'InvalidStateError' })
  }
  socket.onconnect = (event) => see(event)
  socket.addEventListener('connect', (event) => see(event))
  socket.addEventListener('connect', { handleEvent: see }, { once: true })
  dispatch()
  t.deepEqual(
    seen,
    Array.from({ length: 3 }, () => [socket, Event.AT_TARGET, 1]),
  )
})

test('a listener that was added with `true` is removed with `true`, and with nothing else', (t) => {
  const { socket, dispatch, note } = target()
  const capturing = note('capturing')
  for (const options of [true, { capture: true }, Object.assign(() => {}, { capture: true })]) {
    socket.addEventListener('connect', capturing, options)
    socket.removeEventListener('connect', capturing)
    t.deepEqual(dispatch(), ['capturing'])
    socket.removeEventListener('connect', capturing, options)
    // With another one beside it, so that the event takes the way of listeners.
    const other = note('other')
    socket.addEventListener('connect', other)
    t.deepEqual(dispatch(), ['other'])
    socket.removeEventListener('connect', other)
  }
})

test('arguments that are missing, and types that cannot be one, are refused as those of any EventTarget', (t) => {
  const { socket } = target()
  for (const method of ['addEventListener', 'removeEventListener']) {
    t.throws(() => socket[method](), { instanceOf: TypeError, message: /2 arguments required/ })
    t.throws(() => socket[method]('connect'), { instanceOf: TypeError, message: /2 arguments required/ })
    t.throws(() => socket[method](Symbol('x'), () => {}), { instanceOf: TypeError, message: /^type Symbol/ })
  }
  t.throws(() => socket.removeEventListener('connect', 5), { instanceOf: TypeError })
  t.throws(() => new TCPSocketEvent(), { instanceOf: TypeError, message: /1 argument required/ })
})

test('a handler is called where it was first set, before later listeners and after earlier ones', (t) => {
  const { socket, dispatch, note } = target()
  socket.addEventListener('connect', note('earlier'))
  socket.onconnect = note('handler')
  socket.addEventListener('connect', note('later'))
  t.deepEqual(dispatch(), ['earlier', 'handler', 'later'])
  socket.onconnect = note('another')
  t.deepEqual(dispatch(), ['earlier', 'another', 'later'])
})

test('a handler that was set before any listener comes first, and once', (t) => {
  const { socket, dispatch, note } = target()
  socket.onconnect = note('handler')
  t.deepEqual(dispatch(), ['handler'])
  const later = note('later')
  socket.addEventListener('connect', later)
  t.deepEqual(dispatch(), ['handler', 'later'])
  socket.removeEventListener('connect', later)
  t.deepEqual(dispatch(), ['handler'])
})

test('a handler that is taken away is not called, and can be read as null', (t) => {
  const { socket, dispatch, note } = target()
  const handler = note('handler')
  socket.onconnect = handler
  t.is(socket.onconnect, handler)
  socket.addEventListener('connect', note('listener'))
  socket.onconnect = null
  t.is(socket.onconnect, null)
  t.deepEqual(dispatch(), ['listener'])
})

test('a handler that a listener sets while the event is dispatched is called in its turn', (t) => {
  const { socket, dispatch, note } = target()
  socket.addEventListener('connect', () => {
    socket.onconnect ??= note('handler')
  })
  t.deepEqual(dispatch(), [])
  t.deepEqual(dispatch(), ['handler'])
})
