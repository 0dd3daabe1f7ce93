'use strict'

// Suite B of Gecko's tests (GT-15 … GT-21): client and server are both of the first generation's API.

const test = require('ava')

const api = require('../../index.js')
const suiteOf = require('./helpers/suite-b.js')
const { declare } = require('./helpers/trial.js')

declare(test, suiteOf(api))
