'use strict'

// `npm run docs`: builds the site of the documentation into docs/.vitepress/dist: pages of all types from the declarations, by typedoc, then
// everything by VitePress. `--serve` shows it afterwards, on loopback, until Ctrl+C.

const { spawnSync } = require('node:child_process')
const { readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const { root } = require('./engine.js')

const reference = join(root, 'docs', 'reference')

/** What has types: the declarations of each entry, and what it is called there. */
const ENTRIES = {
  'moz-tcp-socket': 'index.d.ts',
  'moz-tcp-socket/testing': 'testing.d.ts',
  'moz-tcp-socket-dev': join('packages', 'dev', 'index.d.ts'),
}

function run(name, bin, args) {
  const { status, error } = spawnSync(process.execPath, [join(root, 'node_modules', name, bin), ...args], {
    cwd: root,
    stdio: 'inherit',
  })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** A folder of pages for each entry, and a page that names them. */
function makeReference() {
  rmSync(reference, { recursive: true, force: true })
  const lines = []
  for (const [name, file] of Object.entries(ENTRIES)) {
    const folder = name.replace('/', '-')
    run('typedoc', join('bin', 'typedoc'), [
      '--plugin',
      'typedoc-plugin-markdown',
      '--tsconfig',
      join('scripts', 'docs-tsconfig.json'),
      '--entryPoints',
      file,
      '--out',
      join(reference, folder),
      '--name',
      name,
      '--readme',
      'none',
      '--entryFileName',
      'index',
      '--hideBreadcrumbs',
      'true',
      '--disableSources',
      'true',
      '--excludeExternals',
      'true',
      '--logLevel',
      'Warn',
    ])
    lines.push(`- [${name}](${folder}/index.md)`)
  }
  const intro =
    '# Types\n\nMade from the declarations that each package brings. What they mean is in [the API](../api.md).\n\n'
  writeFileSync(join(reference, 'index.md'), `${intro}${lines.join('\n')}\n`)
}

/** Pages are Markdown, in which code is no template of Vue. */
function checkPages() {
  for (const name of readdirSync(join(root, 'docs')).filter((each) => each.endsWith('.md'))) {
    const prose = readFileSync(join(root, 'docs', name), 'utf8').replaceAll(/```[^]*?```|`[^`\n]*`/g, '')
    if (prose.includes('{{')) throw new Error(`docs/${name}: "{{" outside of code would be a template`)
  }
}

checkPages()
makeReference()
const vitepress = join('bin', 'vitepress.js')
run('vitepress', vitepress, ['build', 'docs'])
if (process.argv.includes('--serve')) run('vitepress', vitepress, ['preview', 'docs', '--host', '127.0.0.1'])
