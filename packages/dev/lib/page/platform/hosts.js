'use strict'

// Names of hosts in other scripts than Latin.

/** The name with A-labels, as UTS 46 has it; '' where it is not a valid one. */
function domainToASCII(name) {
  try {
    return new URL(`http://${name}/`).hostname
  } catch {
    return ''
  }
}

module.exports = { domainToASCII }
