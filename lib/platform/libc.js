'use strict'

// Which C library this process runs on, on Linux. A binary of the engine is for one of them, and the other cannot load it.
//
// What tells is the dynamic loader that the program asks for. Node's own report names the C library as well, but waits until
// every worker has answered, which one in a synchronous call does only after that; so the report is for where the program
// cannot be read.

const { closeSync, openSync, readSync } = require('node:fs')

/** ELF: 64 bits and little-endian, as all programs are that engines are prebuilt for. */
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1])
const HEADER_SIZE = 64
const ENTRY_SIZE = 56
const PT_INTERP = 3

/** Longer than any path of a loader. */
const LONGEST_PATH = 4096

/** The dynamic loader that the program `file` asks for; undefined where it has none, or is something else. */
function dynamicLoader(file) {
  const descriptor = openSync(file, 'r')
  try {
    const read = (position, length) => {
      const bytes = Buffer.alloc(length)
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position))
    }
    const header = read(0, HEADER_SIZE)
    if (header.length < HEADER_SIZE || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
    const table = read(Number(header.readBigUInt64LE(32)), header.readUInt16LE(56) * ENTRY_SIZE)
    for (let at = 0; at + ENTRY_SIZE <= table.length; at += ENTRY_SIZE) {
      if (table.readUInt32LE(at) !== PT_INTERP) continue
      const length = Math.min(Number(table.readBigUInt64LE(at + 32)), LONGEST_PATH)
      return read(Number(table.readBigUInt64LE(at + 8)), length).toString('latin1')
    }
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

function fromProgram() {
  try {
    const loader = dynamicLoader(process.execPath)
    if (/\/ld-musl-/.test(loader)) return 'musl'
    return /\/ld(?:64|-linux)/.test(loader) ? 'gnu' : undefined
  } catch {
    // Not to be read, which the permission model can see to, or no such program.
    return undefined
  }
}

function fromReport() {
  const { report } = process
  if (typeof report?.getReport !== 'function') return undefined
  // With its part about the network, the report would look up the names of all peers.
  const { excludeNetwork } = report
  report.excludeNetwork = true
  try {
    const { header, sharedObjects = [] } = report.getReport()
    if (header?.glibcVersionRuntime) return 'gnu'
    return sharedObjects.some((file) => /\/ld-musl-/.test(file)) ? 'musl' : undefined
  } catch {
    return undefined
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

/** 'gnu' or 'musl'. Where nothing tells, it is the first, which nearly all systems have. */
function libc() {
  return fromProgram() ?? fromReport() ?? 'gnu'
}

module.exports = { libc }
