'use strict'

// What the demo writes: plain lines, in colour on a terminal, and a progress bar that is redrawn there and a line per
// quarter elsewhere.

const BAR = 20
const REDRAW_MS = 80
const PER_MESSAGE = new Set(['LIST', 'UIDL', 'RETR'])
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

const output = process.stdout
const isTerminal = Boolean(output.isTTY) && process.env.TERM !== 'dumb'
// https://no-color.org
const inColour = isTerminal && !process.env.NO_COLOR

// Whoever reads this has seen enough: "npm run demo | head".
output.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(1)
})

function paint(style, text) {
  return inColour ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text
}

/** What comes from a server must not drive the terminal. */
function harmless(text) {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
}

function shortened(text) {
  return text.length > 90 ? `${text.slice(0, 89)}…` : text
}

const UNITS = { bytes: 1, KB: 1e3, MB: 1e6 }

/** The unit in which `octets` reads well. */
function unitOf(octets) {
  if (octets < 1e3) return 'bytes'
  return octets < 1e5 ? 'KB' : 'MB'
}

function inUnit(octets, unit) {
  return (octets / UNITS[unit]).toFixed(unit === 'bytes' ? 0 : 1)
}

function size(octets) {
  const unit = unitOf(octets)
  return `${inUnit(octets, unit)} ${unit}`
}

function speed(octets, milliseconds) {
  return `${(octets / 1e3 / Math.max(milliseconds, 1)).toFixed(0)} MB/s`
}

const say = (line = '') => output.write(`${line}\n`)
const title = (text) => say(`\n${paint('bold', text)}`)
const explain = (text) => say(`  ${paint('dim', text)}`)
const good = (text) => say(`  ${paint('green', '✓')} ${text}`)
const bad = (text) => say(`  ${paint('red', '✗')} ${text}`)
const warn = (text) => say(`  ${paint('yellow', '!')} ${text}`)

/** The dialogue and the progress of one run of the app: what it calls its screen. */
class Screen {
  #rows
  #lines = new Map()
  #capabilities = []
  #bar = ''
  #drawn = 0
  #quarter = 0
  #started = 0
  /** Commands the app has sent. */
  commands = 0

  /** Of commands that concern each message, shows at most `rows` lines of each side. */
  constructor(rows) {
    this.#rows = rows
  }

  note(text) {
    this.#print(text.startsWith('WARNING') ? paint('yellow', `! ${text}`) : paint('cyan', `* ${text}`))
  }

  said(who, line, verb) {
    if (who === 'C') this.commands++
    else if (verb === 'CAPA') return this.#foldCapabilities(line)
    const kind = `${who} ${verb}`
    const count = (this.#lines.get(kind) ?? 0) + 1
    this.#lines.set(kind, count)
    const mark = who === 'C' ? paint('bold', 'C:') : paint('dim', 'S:')
    const most = PER_MESSAGE.has(verb) ? this.#rows : Infinity
    if (count <= most) this.#print(`${mark} ${shortened(harmless(line))}`)
    else if (count === most + 1) this.#print(`${mark} ${paint('dim', '…')}`)
  }

  /** The answer to CAPA is a line per capability, up to a dot. */
  #foldCapabilities(line) {
    this.#capabilities.push(line)
    if (line !== '.' && !line.startsWith('-ERR')) return
    this.#print(`${paint('dim', 'S:')} ${shortened(harmless(this.#capabilities.join(' / ')))}`)
    this.#capabilities = []
  }

  progress(octets, total, messages, count) {
    if (this.#started === 0) this.#started = Date.now()
    // What servers announce may be an estimate; that all messages are there is certain.
    const part = messages === count ? 1 : Math.min(0.999, octets / total)
    const unit = unitOf(total)
    const rate = speed(octets, Date.now() - this.#started)
    const figures = `${inUnit(octets, unit)} of ${inUnit(total, unit)} ${unit}, ${messages} of ${count} messages, ${rate}`
    if (isTerminal) this.#draw(part, figures)
    else this.#report(part, figures)
  }

  /** Leaves the bar as it is. */
  done() {
    if (this.#bar !== '') output.write('\n')
    this.#bar = ''
  }

  #draw(part, figures) {
    if (Date.now() - this.#drawn < REDRAW_MS && part < 1) return
    this.#drawn = Date.now()
    const full = Math.floor(part * BAR)
    const bar = `${paint('green', '█'.repeat(full))}${paint('dim', '░'.repeat(BAR - full))}`
    // A line that wraps could not be drawn over.
    const space = Math.max(0, (output.columns ?? 80) - BAR - 13)
    this.#bar = `    ${bar} ${String(Math.floor(part * 100)).padStart(3)} %  ${figures.slice(0, space)}`
    output.write(`\r\x1b[K${this.#bar}`)
    if (part === 1) this.done()
  }

  #report(part, figures) {
    const quarter = Math.floor(part * 4)
    if (quarter === this.#quarter) return
    this.#quarter = quarter
    say(`    ${String(quarter * 25).padStart(3)} %  ${figures}`)
  }

  #print(text) {
    if (this.#bar !== '') output.write('\r\x1b[K')
    say(`    ${text}`)
    if (this.#bar !== '') output.write(this.#bar)
  }
}

/** Rows of equally many cells; the first row is the heading. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const [index, row] of rows.entries()) {
    const line = row.map((cell, column) => cell.padEnd(widths[column])).join('   ')
    say(`  ${index === 0 ? paint('bold', line.trimEnd()) : line.trimEnd()}`)
  }
}

/** As sha256sum prints them, with the octets between. */
function printDigests(messages) {
  for (const { number, octets, sha256 } of messages)
    say(`    ${sha256}  ${String(octets).padStart(9)}  #${number}`)
}

module.exports = { Screen, bad, explain, good, harmless, printDigests, say, size, speed, table, title, warn }
