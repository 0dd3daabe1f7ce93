import { channel } from 'node:diagnostics_channel'

import { expectTypeOf } from 'expect-type'
import type { TCPServerSocket, TCPSocket, TCPSocketDiagnostics, TCPSocketError } from 'moz-tcp-socket'
import { describeError, traceSockets } from 'moz-tcp-socket/trace'

type Sent = TCPSocketDiagnostics['moz-tcp-socket:socket:send']
expectTypeOf<Sent['data']>().toEqualTypeOf<string | Uint8Array>()
expectTypeOf<TCPSocketDiagnostics['moz-tcp-socket:server:accept']['socket']>().toEqualTypeOf<TCPSocket>()

const name = 'moz-tcp-socket:socket:error' satisfies keyof TCPSocketDiagnostics
channel(name).subscribe((message) => {
  const { error } = message as TCPSocketDiagnostics[typeof name]
  expectTypeOf(error).toEqualTypeOf<TCPSocketError>()
  expectTypeOf(describeError(error)).toBeString()
})

const only = new WeakSet<TCPSocket | TCPServerSocket>()
expectTypeOf(traceSockets((line) => line.trim(), { hex: true, only })).toEqualTypeOf<() => void>()
// @ts-expect-error hex is true or false
traceSockets(() => {}, { hex: 'yes' })
