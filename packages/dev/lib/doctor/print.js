'use strict'

// The doctor's findings for people: by file, one line each, and how many there are of each kind.

const { VERDICTS } = require('./examine.js')

/** The text for a result of `examine`; `all` shows what is the same as well. */
function print({ path, files, findings, counts }, all = false) {
  const lines = []
  let last
  for (const { file, line, column, verdict, q, text, code } of findings) {
    if (verdict === 'same' && !all) continue
    if (file !== last) lines.push(...(last === undefined ? [] : ['']), plain(file))
    last = file
    const number = q === null ? '' : ` (${q})`
    const shown = code === '' ? '' : `${plain(code)}: `
    lines.push(`  ${line}:${column}  ${verdict.padEnd(10)}  ${shown}${text}${number}`)
  }
  if (lines.length > 0) lines.push('')
  const numbers = VERDICTS.map((verdict) => `${counts[verdict]} ${verdict}`).join(', ')
  lines.push(`${plain(path)}: ${files} ${files === 1 ? 'file' : 'files'}; ${numbers}`)
  return lines.join('\n')
}

/** What is in files may not control the terminal. */
function plain(text) {
  return text.replace(
    /[^\P{C}]|[\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
  )
}

module.exports = { print }
