'use strict'

// Which file of a Rust crate imports which. This is no parser of Rust: it knows comments, literals, `mod`, `use`, and paths. An import
// is a path of the crate's own, in `use` or elsewhere in the code; `mod name;` alone is none. A name that a module passes on
// (`pub use context::Context` in mod.rs) leads to the file that has it, unless a glob passes it on. What only tests have is
// left out.

const { existsSync, readFileSync } = require('node:fs')
const { dirname, join } = require('node:path')

/** Comments and literals, in which words mean nothing; and the attribute whose literal says where a module's file is. */
const NOT_CODE =
  /(#\[path\s*=\s*"[^"]*")|\/\/.*|\/\*[^]*?\*\/|\b[bc]?r(#*)"[^]*?"\2|"(?:\\[^]|[^"\\])*"|'(?:\\(?:u\{\w+\}|x\w\w|.)|[^'\\])'/g
/** Who may see an item, which can be a path, but is no import. */
const VISIBILITY = /\bpub\s*\([^)]*\)/g
const FOR_TESTS = /#\[cfg\((?:test|all\(test)\b[^\]]*\](?:\s*#\[[^\]]*\])*/g
const MODULE = /((?:#\[[^\]]*\]\s*)*)(?:pub\s+)?\bmod\s+(\w+)\s*([;{])/g
const USE = /\buse\s+([^;]+);/g
const PATH = /(?<![\w$]|::\s*)\w+(?:\s*::\s*\w+)+/g

/** A module: what it has below it, what it makes a name for with `use`, and the paths in the rest of its code. */
class Module {
  /** By name. Platforms may have a file of their own each, so there may be several. */
  children = new Map()
  /** `{ path, name, line }` of each. */
  uses = []
  /** `{ path, line }` of each. */
  paths = []

  constructor(file, parent) {
    this.file = file
    this.parent = parent
  }

  *all() {
    yield this
    for (const children of this.children.values()) for (const child of children) yield* child.all()
  }

  /**
   * What `path` leads to, as it is written in this module: `{ module, isItem }` of the module that it names, or that has the item it
   * names. None where it is not of this crate. `followed` are the `use` that led here, which no name is looked up in twice.
   */
  resolve(path, followed = new Set()) {
    const [first, ...rest] = path
    if (first === 'crate') return this.root().find(rest, followed)
    if (first === 'self') return this.find(rest, followed)
    if (first === 'super') {
      if (this.parent === null) return []
      return rest[0] === 'super' ? this.parent.resolve(rest, followed) : this.parent.find(rest, followed)
    }
    const isKnown =
      this.children.has(first) || this.uses.some((use) => use.name === first && !followed.has(use))
    return isKnown ? this.find(path, followed) : []
  }

  /** The same of a path that begins in this module. */
  find(path, followed) {
    if (path.length === 0 || path[0] === '*') return [{ module: this, isItem: false }]
    const [name, ...rest] = path
    const children = this.children.get(name)
    if (children !== undefined) return children.flatMap((child) => child.find(rest, followed))
    const use = this.uses.find((candidate) => candidate.name === name && !followed.has(candidate))
    if (use === undefined) return [{ module: this, isItem: true }]
    return this.resolve([...use.path, ...rest], new Set([...followed, use]))
  }

  root() {
    return this.parent === null ? this : this.parent.root()
  }
}

/** `text` with spaces from `start` to `end`, and the lines that it had. */
function blank(text, start = 0, end = text.length) {
  return text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, ' ') + text.slice(end)
}

/** Where the item ends that begins at `at`: behind its semicolon, or its last brace. */
function endOfItem(code, at) {
  let depth = 0
  for (let i = at; i < code.length; i++) {
    if ('([{'.includes(code[i])) depth++
    if (')]}'.includes(code[i])) depth--
    if (depth < 0) return i
    if (depth === 0 && (code[i] === ';' || code[i] === '}')) return i + 1
  }
  return code.length
}

const segments = (text) => text.split('::').flatMap((part) => part.trim() || [])

/** `{ path, name }` of each name that `use` of `tree`, such as `a::{self, b as c}`, makes. */
function flatten(tree, prefix = []) {
  const brace = tree.indexOf('{')
  if (brace === -1) {
    const [whole, alias] = tree.trim().split(/\s+as\s+/)
    const path = [...prefix, ...segments(whole)]
    if (path.at(-1) === 'self' && path.length > 1) path.pop()
    return path.length > prefix.length || whole === 'self' ? [{ path, name: alias ?? path.at(-1) }] : []
  }
  const branches = ['']
  let depth = 0
  for (const char of tree.slice(brace + 1, tree.lastIndexOf('}'))) {
    if (char === '{') depth++
    if (char === '}') depth--
    if (char === ',' && depth === 0) branches.push('')
    else branches[branches.length - 1] += char
  }
  const head = [...prefix, ...segments(tree.slice(0, brace))]
  return branches.flatMap((branch) => flatten(branch, head))
}

/** Reads `file` and the files of the modules below it. `directory` is where those are. `testFiles` gets the files that only tests have. */
function readFile(file, parent, directory, testFiles) {
  let code = readFileSync(file, 'utf8')
    .replace(NOT_CODE, (text, kept) => kept ?? blank(text))
    .replace(VISIBILITY, (text) => `pub${blank(text).slice(3)}`)
  for (const { 0: attributes, index } of code.matchAll(FOR_TESTS)) {
    const end = endOfItem(code, index + attributes.length)
    for (const found of code.slice(index, end).matchAll(MODULE)) {
      if (found[3] === ';') testFiles.add(fileOf(found, file, directory).file)
    }
    code = blank(code, index, end)
  }
  const module = new Module(file, parent)
  readItems(module, code, directory, testFiles)
  return module
}

/** Where the file of a `mod name;` in `file` is, and the directory for what is below it. */
function fileOf([, attributes, name], file, directory) {
  const given = /#\[path\s*=\s*"([^"]+)"/.exec(attributes)
  if (given !== null) {
    const path = join(dirname(file), given[1])
    return { file: path, below: dirname(path) }
  }
  const below = join(directory, name)
  const inside = join(below, 'mod.rs')
  return { file: existsSync(inside) ? inside : `${below}.rs`, below }
}

/** Reads what `code` says into `module`. All of it but the module's own part is blank. */
function readItems(module, code, directory, testFiles) {
  let own = code
  for (const found of code.matchAll(MODULE)) {
    const { 0: text, 2: name, 3: end, index } = found
    const behind = index + text.length
    // Within a module that was read in its turn.
    if (own.slice(index, behind).trim() === '') continue
    let child
    if (end === ';') {
      const { file, below } = fileOf(found, module.file, directory)
      child = readFile(file, module, below, testFiles)
      own = blank(own, index, behind)
    } else {
      const close = endOfItem(code, behind - 1)
      child = new Module(module.file, module)
      readItems(
        child,
        blank(blank(code, 0, behind), close - 1, code.length),
        join(directory, name),
        testFiles,
      )
      own = blank(own, index, close)
    }
    module.children.set(name, [...(module.children.get(name) ?? []), child])
  }
  const lineOf = (index) => code.slice(0, index).split('\n').length
  for (const { 0: text, 1: tree, index } of own.matchAll(USE)) {
    const line = lineOf(index)
    for (const use of flatten(tree)) module.uses.push({ ...use, line })
    own = blank(own, index, index + text.length)
  }
  for (const { 0: path, index } of own.matchAll(PATH)) {
    module.paths.push({ path: segments(path), line: lineOf(index) })
  }
}

/**
 * Reads the crate whose root is `file`. `imports` are `{ from, to, line }` of its files, `foreign` what it names of other crates,
 * `{ from, line, name }`.
 */
function readCrate(file) {
  const testFiles = new Set()
  const modules = [...readFile(file, null, dirname(file), testFiles).all()]
  const imports = []
  const foreign = []
  for (const module of modules) {
    const from = module.file
    const uses = module.uses.map((use) => ({ ...use, found: module.resolve(use.path, new Set([use])) }))
    const paths = module.paths.map((path) => ({ ...path, found: module.resolve(path.path) }))
    for (const { path, name, line, found } of [...uses, ...paths]) {
      if (found.length === 0) foreign.push({ from, line, name: path.join('::') })
      for (const { module: target, isItem } of found) {
        // A whole folder: what is taken from it is seen where that happens.
        const isSeenElsewhere =
          !isItem && target.children.size > 0 && module.paths.some((other) => other.path[0] === name)
        if (target.file !== from && !isSeenElsewhere) imports.push({ from, to: target.file, line })
      }
    }
  }
  return { files: new Set([...modules.map((module) => module.file), ...testFiles]), imports, foreign }
}

module.exports = { readCrate }
