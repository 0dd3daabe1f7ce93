'use strict'

// `npm test` gives ava lists of specs in place of its own patterns: no spec may be missing from them.

const { globSync } = require('node:fs')

const test = require('ava')

const { ava } = require('../package.json')
const { specs } = require('../scripts/specs.js')

test('all that ava finds is run once, by itself or beside the others', (t) => {
  t.deepEqual(ava.files, [
    '__test__/**/*.spec.js',
    // A suite of its own: see scripts/test.js.
    'packages/*/__test__/**/*.spec.js',
    '!__test__/compat/**',
    '!__test__/faults/**',
  ])
  const { working, waiting } = specs()
  const all = [...working, ...waiting]
  t.is(new Set(all).size, all.length)
  t.true(all.includes('__test__/npm-test.spec.js'))
  t.true(all.includes('__test__/reliability/closing.spec.js'))
  t.false(all.some((file) => /\/(?:compat|faults)\//.test(file)))
  if (globSync !== undefined)
    t.deepEqual(
      all.sort(),
      globSync('__test__/**/*.spec.js', { cwd: `${__dirname}/..` })
        .filter((file) => !/^__test__.(?:compat|faults)/.test(file))
        .sort(),
    )
})

test('with the other kind of readiness nothing is run that was not before', (t) => {
  const [first, again] = [specs(), specs({ again: true })].map((lists) => Object.values(lists).flat())
  t.true(again.length < first.length)
  t.true(again.length > first.length * 0.9)
  t.true(again.every((file) => first.includes(file)))
})
