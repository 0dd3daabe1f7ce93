'use strict'

// Which texts are IP addresses. The native binding asks the engine; a page has nobody to ask.

const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

/** 4 or 6 for an IP literal of that version, which may have a zone if it is one of version 6; 0 for anything else. */
function ipVersion(text) {
  if (V4.test(text)) return 4
  const [address, ...zones] = text.split('%')
  if (zones.length > 1 || zones[0] === '') return 0
  return isV6(address) ? 6 : 0
}

function isV6(text) {
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [index, half] of halves.entries()) {
    if (half === '') {
      if (halves.length === 1) return false
      continue
    }
    const parts = half.split(':')
    for (const [at, part] of parts.entries()) {
      const isLast = index === halves.length - 1 && at === parts.length - 1
      if (isLast && part.includes('.')) {
        if (!V4.test(part)) return false
        groups += 2
      } else if (/^[\da-f]{1,4}$/i.test(part)) groups++
      else return false
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8
}

module.exports = { ipVersion }
