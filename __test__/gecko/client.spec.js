'use strict'

// Suite A of Gecko's tests (GT-01 … GT-12, GT-14): a client against a server that is not of this API.

const test = require('ava')

const api = require('../../index.js')
const suiteOf = require('./helpers/suite-a.js')
const { declare } = require('./helpers/trial.js')

declare(test, suiteOf(api))
