// What TypeScript knows about `Symbol.dispose`: it compiles without the library "esnext.disposable" too.

import { expectTypeOf } from 'expect-type'
import { TCPServerSocket, TCPSocket } from 'moz-tcp-socket'

expectTypeOf(new TCPSocket('localhost', 25)[Symbol.dispose]()).toBeVoid()
expectTypeOf(new TCPSocket('localhost', 25)[Symbol.asyncDispose]()).resolves.toBeVoid()
expectTypeOf(new TCPServerSocket(0)[Symbol.dispose]()).toBeVoid()
expectTypeOf(new TCPServerSocket(0)[Symbol.asyncDispose]()).resolves.toBeVoid()
