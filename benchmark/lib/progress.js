'use strict'

// How far it is, on stderr: a bar on a terminal, else a line for each workload.

const WIDTH = 30

class Progress {
  constructor(total) {
    this.total = total
    this.done = 0
    this.started = Date.now()
    this.bar = Boolean(process.stderr.isTTY)
  }

  show(what) {
    if (!this.bar) return
    const part = this.done / this.total
    const filled = Math.round(part * WIDTH)
    const seconds = part > 0 ? ((Date.now() - this.started) / 1000 / part) * (1 - part) : 0
    const left = part > 0.02 ? `, ${Math.ceil(seconds / 60)} min left` : ''
    const line = `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${Math.floor(part * 100)} %${left}  ${what}`
    process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns || 80) - 1)}`)
  }

  step() {
    this.done += 1
  }

  /** A line that stays. */
  note(text) {
    if (this.bar) process.stderr.write('\r\x1b[K')
    process.stderr.write(`${text}\n`)
  }

  /** A workload is over. */
  finished(key) {
    if (!this.bar) this.note(`${Math.floor((this.done / this.total) * 100)} %  ${key}`)
  }

  end() {
    if (this.bar) process.stderr.write('\r\x1b[K')
  }
}

module.exports = { Progress }
