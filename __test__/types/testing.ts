// What moz-tcp-socket/testing declares, as tests use it.

import { expectTypeOf } from 'expect-type'
import * as moz from 'moz-tcp-socket'
import { type TCPServerSocket, type TCPSocket } from 'moz-tcp-socket'
import {
  type FaultProxy,
  type MockControl,
  type ScriptedPeer,
  type SocketControl,
  type Transcript,
  createMock,
  faultProxy,
  mockOf,
  scriptedPeer,
} from 'moz-tcp-socket/testing'

const mocked = createMock({ fn: (implementation) => implementation })
expectTypeOf(mocked.TCPSocket).toEqualTypeOf<typeof moz.TCPSocket>()
expectTypeOf(mocked.mock).toEqualTypeOf<MockControl>()
expectTypeOf(mockOf(moz)).toEqualTypeOf<MockControl>()
const socket = new mocked.TCPSocket('example.org', 25, { binaryType: 'arraybuffer' })
expectTypeOf(mockOf(socket)).toEqualTypeOf<SocketControl>()
mockOf(socket)
  .open({ remotePort: 25, tls: { alpnProtocol: 'imap' } })
  .data('x')
  .error('NetworkError', { code: 'EPIPE' })
expectTypeOf(mockOf(socket).drain()).toEqualTypeOf<Promise<void>>()
expectTypeOf(mocked.mock.lastServer).toEqualTypeOf<TCPServerSocket | undefined>()
const server = new mocked.TCPServerSocket(0)
expectTypeOf(mockOf(server).connect({ host: '::1', port: 5 })).toEqualTypeOf<TCPSocket>()
expectTypeOf(mockOf(new mocked.UDPSocket()).sent[0]?.remotePort).toEqualTypeOf<number | undefined>()
// @ts-expect-error There is no such error.
mockOf(socket).error('ECONNREFUSED')
// @ts-expect-error It is no mock.
mockOf({})

export async function peers(): Promise<void> {
  const peer = await scriptedPeer({ tls: { ALPNProtocols: ['imap'] }, deadline: 100 })
  expectTypeOf(peer).toEqualTypeOf<ScriptedPeer>()
  peer
    .reply('220 hi\r\n')
    .expect(/^EHLO (.*)$/, { within: 50 })
    .reply((match: RegExpExecArray) => `250 ${match[1]}\r\n`)
    .starttls()
    .slow({ bytesPerSecond: 10 })
    .cut({ after: 5 })
  peer.connection(2).stall().reset()
  await peer.done
  expectTypeOf(peer.transcript).toEqualTypeOf<Transcript>()
  // @ts-expect-error Nobody knows what to expect.
  peer.expect(5)

  const proxy = await faultProxy({ to: peer.port })
  expectTypeOf(proxy).toEqualTypeOf<FaultProxy>()
  proxy
    .stall({ direction: 'toClient' })
    .resume()
    .delay(5)
    .corrupt({ at: 1 })
    .cut({ afterBytes: 5 })
    .slow(null)
  // @ts-expect-error There are two directions.
  proxy.stall({ direction: 'up' })
  await Promise.all([proxy.close(), peer.close()])
}
