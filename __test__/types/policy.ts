// What TypeScript knows about setPolicy: it takes a manifest, with whatever else is in it, and null.

import { expectTypeOf } from 'expect-type'
import { setPolicy, type TCPSocketManifest } from 'moz-tcp-socket'

expectTypeOf(setPolicy).returns.toBeVoid()
expectTypeOf(setPolicy).parameters.toEqualTypeOf<[manifest: TCPSocketManifest | null]>()
setPolicy(null)
setPolicy({})
setPolicy({ type: undefined, permissions: undefined })
setPolicy({ type: 'certified', permissions: { 'tcp-socket': {} } })
setPolicy({
  name: 'Mail',
  launch_path: '/index.html',
  type: 'privileged',
  permissions: { 'tcp-socket': { description: 'to read mail' }, alarms: {} },
})
setPolicy({
  b2g_features: { type: 'privileged', permissions: { 'tcp-socket': {} }, origin: 'http://mail.localhost' },
})
// @ts-expect-error
setPolicy({ b2g_features: { permissions: { 'tcp-socket': true } } })
// @ts-expect-error
setPolicy({ b2g_features: null })
// @ts-expect-error
setPolicy()
// @ts-expect-error To take a policy back is said by null.
setPolicy(undefined)
// @ts-expect-error
setPolicy('certified')
// What JSON is read as: the type is checked when it is set.
const manifest = {
  name: 'mail',
  type: 'privileged',
  permissions: { 'tcp-socket': { description: 'to read mail' } },
}
setPolicy(manifest)
// @ts-expect-error
setPolicy({ type: 1 })
// @ts-expect-error
setPolicy({ permissions: { 'tcp-socket': true } })
