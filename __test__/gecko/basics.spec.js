'use strict'

// Suite C of Gecko's tests (GT-23 … GT-37): the classes of the second generation, and what send, drain and close
// promise between two ends of them.

const test = require('ava')

const api = require('../../index.js')
const suiteOf = require('./helpers/suite-c.js')
const { declare } = require('./helpers/trial.js')

declare(test, suiteOf(api))
