'use strict'

// The first figure of every workload as a picture: a bar for the subject and a dot for each peer, relative to Node.
// The scale is logarithmic, so that twice as good and half as good are equally far from the middle.

const { SUBJECT } = require('./runtimes.js')
const { median } = require('./stats.js')

const WIDTH = 860
const LEFT = 190
const RIGHT = 30
const TOP = 64
const ROW = 24
/** Where the scale ends: what is beyond is drawn there. */
const LOWEST = 1 / 8
const HIGHEST = 16

const DOTS = { emailjs: '#8e6bbf', bun: '#d9822b', deno: '#2a9d8f', limit: '#c0392b', openssl: '#7f8c8d' }
const NAMES = {
  emailjs: 'emailjs-tcp-socket',
  bun: 'Bun',
  deno: 'Deno',
  limit: 'plain Rust',
  openssl: 'OpenSSL',
}

function x(value) {
  const bounded = Math.min(Math.max(value, LOWEST), HIGHEST)
  const part = Math.log2(bounded / LOWEST) / Math.log2(HIGHEST / LOWEST)
  return Number((LEFT + part * (WIDTH - LEFT - RIGHT)).toFixed(1))
}

/** How much better than Node, whichever direction of the figure is the good one. */
function advantage(result, figure, name) {
  const own = median(result.values[name]?.[figure.name] || [])
  const node = median(result.values.node?.[figure.name] || [])
  if (!own || !node) return null
  // Everything per second is better when there is more of it; times and memory are better when there is less.
  return figure.unit.endsWith('/s') ? own / node : node / own
}

function row({ key, figures }, result, index) {
  const middle = TOP + index * ROW + ROW / 2
  const own = advantage(result, figures[0], SUBJECT)
  const from = Math.min(x(own), x(1))
  const width = Math.abs(x(own) - x(1)).toFixed(1)
  const dots = Object.entries(DOTS)
    .map(([name, color]) => [name, color, advantage(result, figures[0], name)])
    .filter(([, , value]) => value !== null)
    .map(([name, color, value]) => {
      const title = `<title>${NAMES[name]}: ${value.toFixed(2)}</title>`
      return `<circle cx="${x(value)}" cy="${middle}" r="4" fill="${color}">${title}</circle>`
    })
  return [
    `<text x="${LEFT - 12}" y="${middle + 4}" text-anchor="end">${key}</text>`,
    `<rect x="${from}" y="${middle - 7}" width="${width}" height="14" class="bar"><title>${own.toFixed(2)}</title></rect>`,
    ...dots,
  ].join('\n')
}

function legend() {
  const entries = [[SUBJECT, 'moz-tcp-socket'], ...Object.entries(NAMES)]
  return entries
    .map(([name, title], index) => {
      const left = 20 + index * 142
      const mark = DOTS[name]
        ? `<circle cx="${left}" cy="16" r="4" fill="${DOTS[name]}"/>`
        : `<rect x="${left - 6}" y="10" width="12" height="12" class="bar"/>`
      return `${mark}<text x="${left + 12}" y="20">${title}</text>`
    })
    .join('\n')
}

function scale(bottom) {
  const lines = []
  for (let value = LOWEST; value <= HIGHEST; value *= 2) {
    const label = value < 1 ? `1/${1 / value}` : `${value}×`
    lines.push(
      `<line x1="${x(value)}" y1="${TOP - 6}" x2="${x(value)}" y2="${bottom}" class="${value === 1 ? 'node' : 'grid'}"/>`,
      `<text x="${x(value)}" y="${TOP - 12}" text-anchor="middle">${value === 1 ? 'Node' : label}</text>`,
    )
  }
  return lines.join('\n')
}

/** The picture as SVG, readable on light and on dark pages. */
function chart(workloads, results) {
  const rows = workloads
    .map((workload) => [workload, results.find(({ key }) => key === workload.key)])
    .filter(([{ figures }, result]) => result && advantage(result, figures[0], SUBJECT) !== null)
  const bottom = TOP + rows.length * ROW
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 16}" width="${WIDTH}" role="img">
<title>moz-tcp-socket and its peers relative to Node; to the right is better</title>
<style>
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .bar { fill: #3b82c4 }
  .grid { stroke: #8b949e; stroke-opacity: 0.3 }
  .node { stroke: #57606a; stroke-width: 2 }
  @media (prefers-color-scheme: dark) { text { fill: #adb5bd } .node { stroke: #adb5bd } }
</style>
${legend()}
${scale(bottom)}
${rows.map(([workload, result], index) => row(workload, result, index)).join('\n')}
</svg>
`
}

module.exports = { chart }
