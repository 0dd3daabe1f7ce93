#!/usr/bin/env node
'use strict'

// `moz-tcp-socket COMMAND …`: finds the command and runs it. Each is a file of lib/commands, and loaded only when it is called.

const { main } = require('../lib/cli.js')

main(process.argv.slice(2)).then((status) => {
  process.exitCode = status
})
