'use strict'

// Interleaves: each round measures the subject once and each peer once, and the order turns round every time, so that
// a machine that gets slower or faster meanwhile favours nobody. The pairs are those of the same round.

const { dirname, sep } = require('node:path')

const { measure } = require('./measure.js')
const { BASELINE, SUBJECT, home } = require('./runtimes.js')

/** Who is measured for a workload, the subject first. */
function takePart(workload, found) {
  return [SUBJECT, BASELINE, ...workload.peers].filter((name) => name in found)
}

/** Measures a workload, and returns its figures: `values[name][figure]` has one number for each round. */
async function runRounds(workload, found, { pairs, quick }, progress) {
  const names = takePart(workload, found)
  const values = Object.fromEntries(names.map((name) => [name, {}]))
  const failures = {}
  for (let round = 0; round < pairs; round += 1) {
    const order = round % 2 === 0 ? names : names.toReversed()
    for (const name of order) {
      if (failures[name]) {
        progress.step()
        continue
      }
      progress.show(`${workload.key} ${name}`)
      try {
        const report = await measure(workload, name, found[name], quick)
        for (const figure of workload.figures) {
          values[name][figure.name] ||= []
          values[name][figure.name].push(short(figure.of(report)))
        }
      } catch (error) {
        // Half a series would pair figures of different rounds.
        failures[name] = withoutPaths(error.message)
        delete values[name]
        progress.note(`!! ${workload.key}: ${name} failed, and is left out: ${failures[name]}`)
      }
      progress.step()
    }
  }
  return { key: workload.key, title: workload.title, values, failures }
}

/** What is written down should not tell where the repository was. */
function withoutPaths(message) {
  return message.replaceAll(`${dirname(home)}${sep}`, '')
}

/** Four digits say more than enough. */
function short(value) {
  return typeof value === 'number' && Number.isFinite(value) ? Number(value.toPrecision(4)) : null
}

module.exports = { runRounds, short, takePart }
