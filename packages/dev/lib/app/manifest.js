'use strict'

// Finds the app that a path names, and reads its manifest: where the app's files are, its first page, its type and its permissions. Manifests
// are those of Firefox OS (`manifest.webapp`) and of KaiOS 3 (`manifest.webmanifest`, with `b2g_features`). Each error names the file, the
// member, and what is allowed.

const { readFileSync, realpathSync, statSync } = require('node:fs')
const { basename, dirname, extname, join, resolve, sep } = require('node:path')

/** In a folder the first of these counts. */
const MANIFESTS = ['manifest.webapp', 'manifest.webmanifest']
const SCRIPTS = new Set(['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts'])

/** What types are called, in KaiOS 3 as well, and what that means. */
const TYPES = new Map([
  ['web', 'web'],
  ['privileged', 'privileged'],
  ['certified', 'certified'],
])
const KAIOS_TYPES = new Map([...TYPES, ['pwa', 'web'], ['signed', 'privileged'], ['core', 'certified']])

/** The most bytes of a manifest. Real ones have a few thousand. */
const LONGEST_MANIFEST = 1 << 20

/** An app that cannot be found, or whose manifest says nothing useful: the message is for whoever named the app. */
class AppError extends Error {
  name = 'AppError'
}

/**
 * The app at `path`: a manifest, a folder that has one, or a script. Returns
 *
 * - `kind`: `'script'`, which has `file` alone, or `'html'`, with all that follows;
 * - `file`: the script, or the manifest; `root`: the folder whose files are the app's, without symbolic links; `manifest`: what was in
 *   the file;
 * - `generation`: 1 for Firefox OS, 3 for KaiOS 3; `type`: `'web'`, `'privileged'` or `'certified'`;
 * - `permissions`: what the manifest has, by name, without a prototype; use `holds(app, name)`;
 * - `launchPath`: the first page, as an absolute path below the origin (`/index.html`), perhaps with a query; `name`.
 */
function readApp(path) {
  if (typeof path !== 'string' || path === '') {
    throw new AppError(`app ${JSON.stringify(path)}: must be the path of a manifest, a folder or a script`)
  }
  const given = resolve(path)
  const found = statusOf(given)
  if (found === undefined) throw new AppError(`${path}: does not exist`)
  if (found.isDirectory()) return readManifest(manifestIn(given, path))
  if (!found.isFile()) throw new AppError(`${path}: is neither a file nor a folder`)
  if (SCRIPTS.has(extname(given).toLowerCase())) return { kind: 'script', file: given }
  if (/\.(?:webapp|webmanifest|json)$/i.test(given)) return readManifest(given)
  throw new AppError(
    `${path}: must be a manifest (${MANIFESTS.join(' or ')}), a folder that has one, or a script (${[...SCRIPTS].join(', ')})`,
  )
}

function statusOf(file) {
  try {
    return statSync(file)
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw new AppError(`${file}: ${error.message}`)
  }
}

function manifestIn(folder, shown) {
  const name = MANIFESTS.find((each) => statusOf(join(folder, each))?.isFile())
  if (name === undefined) throw new AppError(`${shown}: has no ${MANIFESTS.join(' and no ')}`)
  return join(folder, name)
}

function readManifest(file) {
  const manifest = parse(file)
  const fail = (member, value, must) => {
    throw new AppError(`${file}: ${member} ${show(value)}: must be ${must}`)
  }
  const inner = manifest.b2g_features
  const isKaios = inner !== undefined
  const prefix = isKaios ? 'b2g_features.' : ''
  if (isKaios && !isObject(inner)) fail('b2g_features', inner, 'an object, with type and permissions')
  const features = isKaios ? { __proto__: null, ...inner } : manifest

  const { type: named = 'web', core = false, permissions = {} } = features
  const types = isKaios ? KAIOS_TYPES : TYPES
  if (!types.has(named)) fail(`${prefix}type`, named, `one of ${[...types.keys()].join(', ')}`)
  if (isKaios && typeof core !== 'boolean') fail('b2g_features.core', core, 'true or false')
  if (!isObject(permissions)) fail(`${prefix}permissions`, permissions, 'an object')
  for (const [name, value] of Object.entries(permissions)) {
    if (!isObject(value)) fail(`${prefix}permissions.${name}`, value, 'an object')
  }

  return {
    kind: 'html',
    file,
    root: realpathSync(dirname(file)),
    manifest,
    generation: isKaios || basename(file).endsWith('.webmanifest') ? 3 : 1,
    type: isKaios && core ? 'certified' : types.get(named),
    permissions: { __proto__: null, ...permissions },
    launchPath: launchPathOf(manifest, file, fail),
    name: typeof manifest.name === 'string' ? manifest.name : basename(dirname(file)),
  }
}

function parse(file) {
  if (statusOf(file).size > LONGEST_MANIFEST)
    throw new AppError(`${file}: is longer than ${LONGEST_MANIFEST} bytes`)
  let manifest
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new AppError(`${file}: is no manifest: ${error.message}`)
  }
  if (!isObject(manifest)) throw new AppError(`${file}: is no manifest, which is an object`)
  return { __proto__: null, ...manifest }
}

/** Manifests of Firefox OS have `launch_path`, those of the Web `start_url`. */
function launchPathOf(manifest, file, fail) {
  const member = ['launch_path', 'start_url'].find((name) => manifest[name] !== undefined) ?? 'launch_path'
  const { [member]: value = '/index.html' } = manifest
  const must = 'a path of the app, such as "/index.html"'
  if (typeof value !== 'string') fail(member, value, must)
  const base = 'http://app.invalid/'
  let url
  try {
    url = new URL(value === '' ? '/index.html' : value, base)
  } catch {
    fail(member, value, must)
  }
  if (!url.href.startsWith(base)) fail(member, value, must)
  if (url.pathname.endsWith('/')) url.pathname += 'index.html'
  if (fileOf(realpathSync(dirname(file)), url.pathname) === undefined)
    fail(member, value, 'a file of the app')
  return url.pathname + url.search + url.hash
}

/**
 * The file of the folder `root`, itself without symbolic links, that an URL's `pathname` names. Undefined where there is none, and where
 * it is not in the folder, by whatever way (`..`, a symbolic link, an encoded separator).
 */
function fileOf(root, pathname) {
  let name
  try {
    name = decodeURIComponent(pathname)
  } catch {
    return undefined
  }
  if (/[\0\\]/.test(name) || name.split('/').includes('..')) return undefined
  try {
    const real = realpathSync(join(root, name))
    return real.startsWith(root + sep) && statSync(real).isFile() ? real : undefined
  } catch {
    return undefined
  }
}

/** Whether the app has the permission `name`. One of type "web" has none of those that a manifest asks for. */
function holds(app, name) {
  return app.kind === 'html' && app.type !== 'web' && Object.hasOwn(app.permissions, name)
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value) {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

module.exports = { AppError, fileOf, holds, readApp }
