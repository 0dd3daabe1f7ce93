'use strict'

// `npm run docs`: installs what is needed, makes pages of the type declarations, and builds the site into docs/.vitepress/dist.
// `--serve` shows it then, `--port PORT` at that port; `--base /PATH/` is for a host that has it below a path.

const { spawnSync } = require('node:child_process')
const { parseArgs } = require('node:util')

const { root } = require('./engine.js')
const { buildSite, serveSite } = require('./docs/site.js')

const USAGE = 'usage: npm run docs -- [--serve [--port PORT]] [--base /PATH/]'

/** What the command line asks for. Throws where it asks for something else. */
function parse(args) {
  const { values } = parseArgs({
    args,
    options: { serve: { type: 'boolean' }, port: { type: 'string' }, base: { type: 'string' } },
  })
  const { serve = false, port = '4173', base = '/' } = values
  if (!/^\d+$/.test(port) || Number(port) > 65535) throw new Error(`--port takes 0 to 65535, not ${port}`)
  if (!/^\/(?:[\w.-]+\/)*$/.test(base))
    throw new Error(`--base takes a path that begins and ends with /, not ${base}`)
  if (serve && base !== '/') throw new Error('--serve shows the site at /, so not with another --base')
  return { serve, port: Number(port), base }
}

async function main() {
  let asked
  try {
    asked = parse(process.argv.slice(2))
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`)
    process.exitCode = 2
    return
  }
  const { status } = spawnSync(process.execPath, ['scripts/setup.js', '--packages'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) {
    process.exitCode = 1
    return
  }
  const folder = buildSite({ base: asked.base })
  console.log(`The site is in ${folder}`)
  if (!asked.serve) return
  const { url } = await serveSite(folder, asked.port)
  console.log(`It is shown at ${url}; Ctrl+C ends that.`)
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
