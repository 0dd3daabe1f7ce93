'use strict'

// Whether a tag can be released: `node scripts/check-release.js v1.2.3`. What says which version this is, and where it comes
// from, has to agree before anything is built.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')

const { root } = require('./engine.js')

/** The lines below the heading of `version` in the changelog, or undefined without a dated heading. */
function changesOf(changelog, version) {
  const [, ...sections] = changelog.split(/^## /m)
  const heading = `[${version}] - `
  const section = sections.find((each) => each.startsWith(heading))
  if (!section || !/^\d{4}-\d\d-\d\d\n/.test(section.slice(heading.length))) return undefined
  return section.split('\n').filter((line) => line.startsWith('- '))
}

/** Sentences; none where all is well. `here` is the address of the repository that this runs for, where that is known. */
function problemsOf({ tag, manifest, tools, cargo, changelog, readme, guide, here }) {
  const { version, repository } = manifest
  const problems = []
  if (tag !== `v${version}`) problems.push(`the tag is ${tag}, and package.json of version ${version}`)
  if (tools.version !== version)
    problems.push(
      `packages/dev/package.json is of version ${tools.version}, and package.json of version ${version}`,
    )
  const [, crate] = /^version = "(.+)"$/m.exec(cargo)
  if (crate !== version)
    problems.push(`Cargo.toml is of version ${crate}, and package.json of version ${version}`)
  const changes = changesOf(changelog, version)
  if (!changes) problems.push(`CHANGELOG.md has no heading "## [${version}] - YYYY-MM-DD"`)
  else if (changes.length === 0) problems.push(`CHANGELOG.md says nothing of ${version}`)
  for (const [name, text] of Object.entries({ 'README.md': readme, 'docs/install.md': guide })) {
    if (/not published yet/i.test(text)) problems.push(`${name} says that it is not published yet`)
  }
  // The registry refuses a statement of provenance that names another.
  if (here && repository.url !== `git+${here}.git`) {
    problems.push(`the repository is ${here}, and package.json names ${repository.url}`)
  }
  return problems
}

if (require.main === module) {
  const read = (file) => readFileSync(join(root, file), 'utf8')
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  const problems = problemsOf({
    tag: process.argv[2],
    manifest: JSON.parse(read('package.json')),
    tools: JSON.parse(read('packages/dev/package.json')),
    cargo: read('Cargo.toml'),
    changelog: read('CHANGELOG.md'),
    readme: read('README.md'),
    guide: read('docs/install.md'),
    here: server && repository ? `${server}/${repository}` : undefined,
  })
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}

module.exports = { problemsOf }
