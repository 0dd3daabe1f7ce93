'use strict'

// Makes chosen system calls of a child process fail. See failsys.c for what can fail, and how.

const { execFileSync } = require('node:child_process')
const { mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } = require('node:fs')
const {
  constants: { errno },
  tmpdir,
} = require('node:os')
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
  { thread = '', caller = thread === '' ? 'moz-tcp-socket' : '', jitter = '', log = '', control = '' } = {},
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
    FAILSYS_CONTROL: control,
  }
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== ''))
}

/** Bytes of `struct control`, and where its members are. */
const CONTROL = 64
const SEEN = 8
const STRUCK = 16

/** netdb.h; `os.constants` does not have them. */
const NAME_ERRORS = { EAI_AGAIN: -3, EAI_FAIL: -4, EAI_MEMORY: -10, EAI_NONAME: -2, EAI_SYSTEM: -11 }

/** A file for the `control` of a process. */
function controlFile(path) {
  writeFileSync(path, Buffer.alloc(CONTROL))
  return path
}

/**
 * The rule that changes while a process runs: its `control` at `path`. `arm(call, error, from, count)` has the `from`-th call
 * fail, and `count` - 1 after it. `disarm()` takes that back, and returns how many calls there were, `seen`, and how many failed, `struck`.
 */
function controlAt(path) {
  const fd = openSync(path, 'r+')
  return {
    arm(call, error, from, count = 1) {
      const number = error === '0' ? 0 : (errno[error] ?? NAME_ERRORS[error])
      if (number === undefined) throw new Error(`there is no error ${error}`)
      const bytes = Buffer.alloc(CONTROL)
      bytes.writeInt32LE(number, 4)
      bytes.writeBigInt64LE(BigInt(from), 24)
      bytes.writeBigInt64LE(BigInt(count), 32)
      bytes.write(call, 40, 23, 'latin1')
      writeSync(fd, bytes, 0, CONTROL, 0)
      writeSync(fd, Buffer.of(1), 0, 1, 0)
    },
    disarm() {
      writeSync(fd, Buffer.of(0), 0, 1, 0)
      const bytes = Buffer.alloc(CONTROL)
      readSync(fd, bytes, 0, CONTROL, 0)
      // Asked once more it has nothing to tell.
      writeSync(fd, Buffer.alloc(CONTROL), 0, CONTROL, 0)
      return { seen: Number(bytes.readBigInt64LE(SEEN)), struck: Number(bytes.readBigInt64LE(STRUCK)) }
    },
  }
}

module.exports = { controlAt, controlFile, failsys }
