'use strict'

// `examine(path)`: reads an app and says of each use of the API whether it works here as on a device. Nothing of the app is run.

const { extname, relative, resolve, sep } = require('node:path')

const { readApp } = require('../app/manifest.js')
const { findFiles, isMinified, read, scriptsOf } = require('./files.js')
const { Flow } = require('./flow.js')
const { RULES } = require('./rules.js')
const { LANGUAGES, parse, placer } = require('./syntax.js')
const { Uses } = require('./uses.js')

const VERDICTS = ['missing', 'differs', 'unfollowed', 'same', 'note']
/** The most characters of code that are shown. */
const MOST_SHOWN = 80

/**
 * Examines the app at `path`: a folder, a manifest, a page or a file of code. Returns `{ path, files, findings, counts }`; index.d.ts describes
 * them. Throws an Error where there is nothing to read at `path`.
 */
function examine(path) {
  if (typeof path !== 'string' || path === '')
    throw new TypeError(`path ${JSON.stringify(path)}: must be the path of an app`)
  const root = resolve(path)
  const files = findFiles(root)
  const findings = []
  const hasPage = files.some(({ kind }) => kind !== 'code')
  for (const { file, kind } of files) {
    const shown = relative(root, file).split(sep).join('/') || path
    const seen = new Set()
    const report = (rule, { line, column }, code = '') => {
      const key = `${rule} ${line} ${column}`
      if (seen.has(key)) return
      seen.add(key)
      const { verdict, q = null, text } = RULES[rule]
      findings.push({ file: shown, line, column, verdict, rule, q, text, code })
    }
    EXAMINERS[kind](file, report, hasPage)
  }
  findings.sort(
    (a, b) =>
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.column - b.column ||
      (a.rule < b.rule ? -1 : 1),
  )
  const counts = Object.fromEntries(
    VERDICTS.map((each) => [each, findings.filter(({ verdict }) => verdict === each).length]),
  )
  return { path, files: files.length, findings, counts }
}

const START = { line: 1, column: 1 }

const EXAMINERS = {
  code(file, report, hasPage) {
    const text = read(file)
    if (text === undefined) return report('too-long', START)
    const language = LANGUAGES.get(extname(file).toLowerCase())
    return examineCode({ text, language, origin: START }, report, hasPage)
  },

  page(file, report) {
    const html = read(file)
    if (html === undefined) return report('too-long', START)
    const { scripts, attributes } = scriptsOf(html)
    for (const place of attributes) report('code-in-attribute', place)
    for (const script of scripts) examineCode(script, report, true)
    return undefined
  },

  manifest(file, report) {
    let app
    try {
      app = readApp(file)
    } catch (error) {
      return report('unreadable', START, error.message)
    }
    if (app.type === 'web') report('web-type', START)
    if (!Object.hasOwn(app.permissions, 'tcp-socket')) report('no-permission', START)
    else if (app.type !== 'web') return report('permission', START)
    return report('no-manifest-right', START)
  },
}

function examineCode({ text, language, origin }, report, hasPage) {
  const place = placer(text, origin)
  let program
  try {
    program = parse(text, language, place)
  } catch (error) {
    report('unreadable', error.place ?? origin, error.message)
    return
  }
  if (isMinified(text)) report('minified', origin)
  const flow = new Flow(program)
  const uses = new Uses(flow, (rule, node) => {
    // In an app with pages, what pages have is there.
    if (rule === 'page-global' && hasPage) return
    report(rule, place(pointOf(node)), snippet(text, node))
  })
  flow.run(uses)
  uses.walk(program)
  uses.finish()
}

/** Where people look for a node: of a member, its name. */
function pointOf(node) {
  if (node.type === 'MemberExpression') return node.property.start
  if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression')
    return node.callee.property.start
  return node.start
}

function snippet(text, { start, end }) {
  const [line] = text.slice(start, end).split('\n')
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line.trim()
}

module.exports = { VERDICTS, examine }
