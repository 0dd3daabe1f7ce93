'use strict'

const { spawnSync } = require('node:child_process')
const { join } = require('node:path')

const test = require('ava')

const { version } = require('../package.json')

const bin = join(__dirname, '..', 'bin', 'moz-tcp-socket.js')
const run = (...args) => spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' })

test('--help lists the commands, and is no failure', (t) => {
  const { status, stdout, stderr } = run('--help')
  t.is(status, 0)
  t.regex(stdout, /^usage: moz-tcp-socket COMMAND/)
  t.is(stderr, '')
})

test('without a command it prints the same, and is a wrong call', (t) => {
  const { status, stdout } = run()
  t.is(status, 2)
  t.regex(stdout, /^usage: moz-tcp-socket COMMAND/)
})

test('a command that does not exist is named in the error', (t) => {
  const { status, stdout, stderr } = run('fly')
  t.is(status, 2)
  t.is(stdout, '')
  t.regex(stderr, /^moz-tcp-socket: no command "fly"/)
})

test('--version is that of the package', (t) => {
  t.is(run('--version').stdout, `${version}\n`)
})
