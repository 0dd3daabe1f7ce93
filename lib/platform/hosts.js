'use strict'

// Names of hosts in other scripts than Latin.

const { domainToASCII } = require('node:url')

/** `domainToASCII(name)`: the name with A-labels, as UTS 46 has it; '' where it is not a valid one. */
module.exports = { domainToASCII }
