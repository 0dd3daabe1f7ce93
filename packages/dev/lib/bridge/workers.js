'use strict'

// Puts the bridge into a worker's script, before anything of its own runs. Nothing tells whether the script is started as a classic one or as a
// module; what is put there works for both, in the first line, so that lines keep their numbers.

const { parseSync } = require('oxc-parser')

/**
 * `source` with the bridge before it. `script` is the bridge as text, `config` what it needs to know as JSON, and `configUrl` and `scriptUrl` are where
 * both are as scripts.
 */
function prepend(source, { script, config, configUrl, scriptUrl }) {
  const { isModule, isStrict } = look(source)
  // Its imports run before everything else of it, so the bridge is the first of them.
  if (isModule) return `import ${JSON.stringify(configUrl)};import ${JSON.stringify(scriptUrl)};${source}`
  const bridge = `${config};${script.replaceAll(/\n/g, '\\n')};`
  // It counts only at the very beginning.
  return `${isStrict ? '"use strict";' : ''}{${bridge}}${source}`
}

function look(source) {
  const asModule = parse(source, 'module')
  if (asModule?.module.hasModuleSyntax) return { isModule: true, isStrict: true }
  const body = parse(source, 'script')?.program.body ?? asModule?.program.body ?? []
  const directives = []
  for (const { directive } of body) {
    if (typeof directive !== 'string') break
    directives.push(directive)
  }
  return { isModule: false, isStrict: directives.includes('use strict') }
}

function parse(source, sourceType) {
  const result = parseSync('worker.js', source, { sourceType })
  return result.errors.length === 0 ? result : undefined
}

module.exports = { prepend }
