'use strict'

// Medians, ratios of pairs, and whether a goal is met.

const { SUBJECT } = require('./runtimes.js')

function median(values) {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The subject's figure divided by the peer's, pair by pair: median, smallest, largest, and how many. */
function ratio(result, figure, peer) {
  const ours = result.values[SUBJECT]?.[figure] || []
  const theirs = result.values[peer]?.[figure] || []
  const ratios = ours
    .map((value, round) => (value === null || !theirs[round] ? null : value / theirs[round]))
    .filter((value) => value !== null)
  if (ratios.length === 0) return null
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios), pairs: ratios.length }
}

/** What became of a goal. Without figures it is not met. */
function judge(result, figure, { peer, sign, value }) {
  const own = result.values[SUBJECT]?.[figure] || []
  const known = own.filter((number) => number !== null)
  const found =
    peer === 'self'
      ? known.length > 0 && {
          median: median(known),
          low: Math.min(...known),
          high: Math.max(...known),
          pairs: known.length,
        }
      : ratio(result, figure, peer)
  if (!found) return { ratio: null, met: false }
  return { ratio: found, met: sign === '≥' ? found.median >= value : found.median <= value }
}

module.exports = { judge, median, ratio }
