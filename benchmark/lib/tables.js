'use strict'

// Results as Markdown tables, which are readable in a terminal too.

const { SUBJECT, runtimes } = require('./runtimes.js')
const { judge, median, ratio } = require('./stats.js')

/** Pads the columns. The first one is to the left. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length), 3))
  const pad = (text, column) => (column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]))
  const line = (row) => `| ${row.map(pad).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(rows[0]), `| ${rule.join(' | ')} |`, ...rows.slice(1).map(line)].join('\n')
}

/** Three digits. */
function number(value) {
  if (value === null || value === undefined) return '–'
  if (value === 0) return '0'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(digits, 4))
}

function spread(found) {
  if (!found) return '–'
  const { low, high, pairs } = found
  return `${found.median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)}, ${pairs})`
}

/** A workload: who reached what, and the subject's ratio to each in the first figure and in CPU time. */
function workloadTable(workload, result) {
  const compared = workload.figures.filter(({ name }, index) => index === 0 || name === 'CPU')
  const head = [
    '',
    ...workload.figures.map(({ name, unit }) => (unit ? `${name}, ${unit}` : name)),
    ...compared.map(({ name }) => `ratio of ${name}`),
  ]
  const row = ([name, values]) => {
    const figures = workload.figures.map((figure) => number(median(values[figure.name] || [])))
    const ratios = compared.map((figure) =>
      name === SUBJECT ? '' : spread(ratio(result, figure.name, name)),
    )
    return [runtimes[name].title, ...figures, ...ratios]
  }
  const rows = Object.entries(result.values).map(row)
  const failed = Object.entries(result.failures).map(
    ([name, message]) => `\n\n${runtimes[name].title} failed: ${message.split('\n')[0]}`,
  )
  return table([head, ...rows]) + failed.join('')
}

/** Every goal, and what became of it. */
function goalTable(workloads, results) {
  const rows = [['workload', 'figure', 'goal', 'moz-tcp-socket', 'peer', 'ratio (spread, pairs)', 'met']]
  for (const { key, figures } of workloads) {
    const result = results.find((one) => one.key === key)
    if (!result) continue
    for (const { name, unit, goals } of figures) {
      for (const goal of goals) {
        // A peer that was not asked for is no failure.
        const known = result.values[goal.peer] || result.failures[goal.peer]
        if (goal.peer !== 'self' && !known) continue
        const { ratio: found, met } = judge(result, name, goal)
        const own = median(result.values[SUBJECT]?.[name] || [])
        const theirs = goal.peer === 'self' ? '' : number(median(result.values[goal.peer]?.[name] || []))
        rows.push([
          key,
          unit ? `${name}, ${unit}` : name,
          goal.peer === 'self' ? `${goal.sign} ${goal.value}` : `${goal.sign} ${goal.value} × ${goal.peer}`,
          number(own),
          theirs,
          spread(found),
          met ? 'yes' : '**no**',
        ])
      }
    }
  }
  return table(rows)
}

module.exports = { goalTable, workloadTable }
