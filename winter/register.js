'use strict'

// `node --import moz-tcp-socket/winter/register app.js`: `cloudflare:sockets` and `sockets` can be imported and required, and are
// `moz-tcp-socket/winter`. A package that is called `sockets` and is installed keeps its name.

const Module = require('node:module')
const { pathToFileURL } = require('node:url')

const file = require.resolve('../winter.js')
const url = pathToFileURL(file).href

/** Whether `specifier` is ours, whatever is installed. */
const isOurs = (specifier) => specifier === 'cloudflare:sockets'

/** As `resolve`, but for what is ours, and what nobody else has. */
function resolve(specifier, otherwise, ours) {
  if (isOurs(specifier)) return ours()
  if (specifier !== 'sockets') return otherwise()
  try {
    return otherwise()
  } catch {
    return ours()
  }
}

const registered = Symbol.for('moz-tcp-socket/winter/register')

if (!globalThis[registered]) {
  Object.defineProperty(globalThis, registered, { value: true })
  if (Module.registerHooks) {
    Module.registerHooks({
      resolve: (specifier, context, nextResolve) =>
        resolve(
          specifier,
          () => nextResolve(specifier, context),
          () => ({ url, format: 'commonjs', shortCircuit: true }),
        ),
    })
  } else {
    registerOldHooks()
  }
}

/** Before Node.js 22.15: hooks for `import` run in a thread of their own, and `require` has none. */
function registerOldHooks() {
  Module.register(pathToFileURL(require.resolve('./hooks.mjs')), { data: { url } })
  const resolveFilename = Module._resolveFilename
  Module._resolveFilename = function winterResolveFilename(request, ...rest) {
    return resolve(
      request,
      () => Reflect.apply(resolveFilename, this, [request, ...rest]),
      () => file,
    )
  }
}
