'use strict'

// The code of an app: its files, and the scripts in its pages, each with where in the file it begins.

const { lstatSync, readFileSync, readdirSync, statSync } = require('node:fs')
const { basename, dirname, extname, join } = require('node:path')

const { parse: parseHtml } = require('parse5')

const { LANGUAGES } = require('./syntax.js')

const SKIPPED = new Set(['node_modules', 'bower_components', '.git', '.hg', '.svn'])
const PAGES = new Set(['.html', '.htm', '.xhtml'])
const MANIFESTS = new Set(['manifest.webapp', 'manifest.webmanifest'])
/** The longest file that is read, in bytes, and the most files. */
const LONGEST = 2 << 20
const MOST_FILES = 10_000

/** The types of scripts that are code. */
const SCRIPT_TYPE =
  /^(?:|module|(?:text|application)\/(?:x-)?(?:java|ecma)script(?:;.*)?|text\/jsx|text\/babel)$/i

/** The files of the app at `path`, sorted: `{ file, kind }`, where `kind` is 'code', 'page' or 'manifest'. Throws where there is none. */
function findFiles(path) {
  const found = []
  // What `path` itself is, is followed; what is in it is not: a link may lead anywhere, and round in circles.
  const status = statOf(path)
  if (status.isFile()) {
    const kind = kindOf(path)
    if (kind === undefined)
      throw new Error(
        `${path}: must be a folder, a manifest, a page, or code (${[...LANGUAGES.keys()].join(', ')})`,
      )
    return kind === 'manifest' ? findFiles(dirname(path)) : [{ file: path, kind }]
  }
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = join(folder, entry.name)
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) visit(file)
      const kind = entry.isFile() ? kindOf(file) : undefined
      if (kind !== undefined) found.push({ file, kind })
      if (found.length > MOST_FILES) throw new Error(`${path}: has more than ${MOST_FILES} files`)
    }
  }
  visit(path)
  return found.sort((a, b) => (a.file < b.file ? -1 : 1))
}

function statOf(path) {
  try {
    const status = lstatSync(path)
    return status.isSymbolicLink() ? statSync(path) : status
  } catch (error) {
    throw new Error(`${path}: ${error.code === 'ENOENT' ? 'does not exist' : error.message}`, {
      cause: error,
    })
  }
}

function kindOf(file) {
  const extension = extname(file).toLowerCase()
  if (MANIFESTS.has(basename(file))) return 'manifest'
  if (PAGES.has(extension)) return 'page'
  return LANGUAGES.has(extension) && !/\.d\.[cm]?ts$/.test(file) ? 'code' : undefined
}

/** The text of a file; undefined where it is too long. */
function read(file) {
  return lstatSync(file).size > LONGEST ? undefined : readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
}

/** The scripts in the text of a page: `{ text, language, origin, offset }`; and places of attributes that are code. */
function scriptsOf(html) {
  const scripts = []
  const attributes = []
  const visit = (node) => {
    if (node.tagName === 'script') {
      const attribute = (name) => node.attrs.find((each) => each.name === name)?.value
      const [content] = node.childNodes
      if (attribute('src') === undefined && content && SCRIPT_TYPE.test(attribute('type') ?? '')) {
        const { startLine, startCol, startOffset, endOffset } = content.sourceCodeLocation
        scripts.push({
          // Of the file, and not of the tree: that has other line ends.
          text: html.slice(startOffset, endOffset),
          language: 'jsx',
          origin: { line: startLine, column: startCol },
        })
      }
    }
    for (const { name, value } of node.attrs ?? []) {
      if (!name.startsWith('on') || !/TCPSocket|TCPServerSocket/.test(value)) continue
      const { startLine, startCol } = node.sourceCodeLocation?.attrs?.[name] ?? { startLine: 1, startCol: 1 }
      attributes.push({ line: startLine, column: startCol })
    }
    for (const child of node.childNodes ?? []) visit(child)
    if (node.content) visit(node.content)
  }
  visit(parseHtml(html, { sourceCodeLocationInfo: true }))
  return { scripts, attributes }
}

/** Whether code looks as a program wrote it. */
function isMinified(text) {
  if (text.length < 2000) return false
  return text.length / (text.split('\n').length + 1) > 300
}

module.exports = { findFiles, isMinified, read, scriptsOf }
