// moz-tcp-socket/node-stream: what it takes, and that what it makes goes where libraries want a net.Socket.

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { expectTypeOf } from 'expect-type'

import { TCPServerSocket, TCPSocket } from 'moz-tcp-socket'
import { TCPSocket as DirectSocket } from 'moz-tcp-socket/direct'
import type { SocketStream } from 'moz-tcp-socket/node-stream'
import { toNodeStream } from 'moz-tcp-socket/node-stream'
import { TCPSocket as W3cSocket } from 'moz-tcp-socket/w3c'
import { TCPSocket as DraftSocket } from 'moz-tcp-socket/w3c/events'
import { connect } from 'moz-tcp-socket/winter'

declare const opened: Promise<{ readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> }>

export const streams: Socket[] = [
  toNodeStream(new TCPSocket('localhost', 80)),
  toNodeStream(new TCPSocket('localhost', 80, { binaryType: 'arraybuffer' }), { allowHalfOpen: true }),
  toNodeStream(connect('localhost:80')),
  toNodeStream(new DirectSocket('localhost', 80)),
  toNodeStream(new W3cSocket('localhost', 80)),
  toNodeStream(new DraftSocket('127.0.0.1', 80)),
  toNodeStream({ opened, closed: Promise.resolve() }, { highWaterMark: 1, signal: AbortSignal.timeout(1) }),
]

expectTypeOf<SocketStream>().toExtend<Duplex>()
expectTypeOf<SocketStream['encrypted']>().toEqualTypeOf<boolean>()
expectTypeOf<SocketStream['alpnProtocol']>().toEqualTypeOf<string | false>()

// @ts-expect-error a listener is no connection
toNodeStream(new TCPServerSocket(0))
// @ts-expect-error nor is a text
toNodeStream('localhost:80')
// @ts-expect-error an option that does not exist
toNodeStream(connect('localhost:80'), { halfOpen: true })
