'use strict'

// Makes chosen system calls of a child process fail. See failsys.c for what can fail, and how.

const { execFileSync } = require('node:child_process')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { isGlibc } = require('./needs.js')

let library

/** Compiles the library once for each process. Undefined where that cannot be done: not Linux with gcc and glibc. */
function build() {
  if (!isGlibc) return undefined
  const directory = mkdtempSync(join(tmpdir(), 'moz-tcp-socket-failsys-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'failsys.so')
  try {
    execFileSync('gcc', [
      '-shared',
      '-fPIC',
      '-O2',
      '-o',
      file,
      join(__dirname, 'failsys.c'),
      '-ldl',
      '-lpthread',
    ])
    return file
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Environment variables for a child process in which system calls fail by `rules`, such as `'recv:EINTR:1:5'`; or
 * undefined where that is not possible. By default only calls of the addon fail, in all threads.
 */
function failsys(
  rules,
  { thread = '', caller = thread === '' ? 'moz-tcp-socket' : '', jitter = '', log = '' } = {},
) {
  library ??= build() ?? null
  if (library === null) return undefined
  const chosen = {
    // Before a library that is preloaded anyway, such as a sanitizer's, to be the one that the addon calls.
    LD_PRELOAD: [library, process.env.LD_PRELOAD].filter(Boolean).join(':'),
    FAILSYS: rules,
    FAILSYS_THREAD: thread,
    FAILSYS_CALLER: caller,
    FAILSYS_JITTER_US: jitter,
    FAILSYS_LOG: log,
  }
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== ''))
}

module.exports = { failsys }
