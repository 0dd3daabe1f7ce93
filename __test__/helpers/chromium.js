'use strict'

// The browser of a spec: Chromium, without a window, of the operating system.

const { existsSync } = require('node:fs')

const { chromium } = require('playwright-core')

const executablePath = '/usr/bin/chromium'

const hasChromium = existsSync(executablePath)

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts it. Its profile is in a temporary folder, which goes when it is closed. */
function launch() {
  return chromium.launch({ executablePath, args, headless: true })
}

module.exports = { hasChromium, launch }
