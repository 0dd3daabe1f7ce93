// What TypeScript knows about the rights of one application: createNavigator, createGlobals and AllowList.

import { expectTypeOf } from 'expect-type'
import {
  AllowList,
  createGlobals,
  createNavigator,
  TCPServerSocket,
  TCPSocket,
  UDPSocket,
  type MozTCPSocket,
  type TCPSocketAppOptions,
  type TCPSocketGlobals,
} from 'moz-tcp-socket'

const manifest = { type: 'privileged', permissions: { 'tcp-socket': { description: 'to read mail' } } }

// Where it throws without the permission, it is there.
expectTypeOf(createNavigator({ manifest }).mozTCPSocket).toEqualTypeOf<MozTCPSocket>()
expectTypeOf(createNavigator({ manifest, generation: 1 }).mozTCPSocket).toEqualTypeOf<MozTCPSocket>()
expectTypeOf(createNavigator({ manifest, generation: 2 }).mozTCPSocket).toEqualTypeOf<
  MozTCPSocket | undefined
>()

const globals = createGlobals({
  manifest: null,
  origin: 'app://mail.example',
  connect: ['*.example:993'],
  listen: [],
})
expectTypeOf(globals.navigator.mozTCPSocket).toEqualTypeOf<MozTCPSocket>()
expectTypeOf(globals.TCPSocket).toEqualTypeOf<typeof TCPSocket | undefined>()
expectTypeOf(globals.TCPServerSocket).toEqualTypeOf<typeof TCPServerSocket | undefined>()
expectTypeOf(globals.UDPSocket).toEqualTypeOf<typeof UDPSocket | undefined>()
expectTypeOf(globals).toExtend<TCPSocketGlobals>()
if (globals.TCPSocket) {
  const socket = new globals.TCPSocket('mail.example', 993, { binaryType: 'arraybuffer' })
  expectTypeOf(socket).toEqualTypeOf<TCPSocket<'arraybuffer'>>()
}
declare const options: TCPSocketAppOptions
createGlobals(options)

// @ts-expect-error
createNavigator({})
// @ts-expect-error To have no manifest is said by null.
createNavigator({ manifest: undefined })
// @ts-expect-error
createNavigator({ manifest, generation: 3 })
// @ts-expect-error
createNavigator({ manifest, connect: '*:*' })
// @ts-expect-error
createNavigator({ manifest, origins: 'app://mail.example' })
// @ts-expect-error
createNavigator()

expectTypeOf(new AllowList(['*:*']).allows('a.test', '993')).toBeBoolean()
expectTypeOf(new AllowList([], 'allow').patterns).toEqualTypeOf<readonly string[]>()
// @ts-expect-error
void new AllowList('*:*')
