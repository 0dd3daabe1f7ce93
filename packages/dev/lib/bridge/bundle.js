'use strict'

// The script that a page gets: the facade of moz-tcp-socket, its `lib/` as it is, with the files of `lib/platform/` replaced by those of
// ../page/platform. It is made once for each process.

const { dirname, join, sep } = require('node:path')

const page = join(__dirname, '..', 'page')

/** Puts ours in the place of each file of the facade's platform folder. One that we do not have is an error of the build. */
const replacePlatform = {
  name: 'platform',
  setup({ onResolve }) {
    const platform = join(dirname(require.resolve('moz-tcp-socket/package.json')), 'lib', 'platform') + sep
    onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
      const target = join(resolveDir, path)
      return target.startsWith(platform)
        ? { path: join(page, 'platform', target.slice(platform.length)) }
        : undefined
    })
    // Not the package's own name for itself, which a folder above may give to something else.
    onResolve({ filter: /^moz-tcp-socket$/ }, () => ({ path: require.resolve('moz-tcp-socket') }))
  },
}

let bundle

/** Resolves with the text of the script. */
function pageScript() {
  bundle ??= makeScript()
  return bundle
}

async function makeScript() {
  // It starts a program of its own: loaded only where it is needed.
  const { build } = require('esbuild')
  const { outputFiles } = await build({
    entryPoints: [join(page, 'index.js')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    // Applications see the names of classes.
    keepNames: true,
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'silent',
    plugins: [replacePlatform],
  })
  return outputFiles[0].text.trim()
}

module.exports = { pageScript }
