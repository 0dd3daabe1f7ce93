'use strict'

// Whether a figure that is taken again and again grows. Memory of a process goes up and down by megabytes: one high value says
// nothing, and neither do the first and the last alone.

/** The middle one of `values`; of an even number of them the mean of the middle two. */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * By how much `values`, taken at equal distances, grow from the first to the last: the median of the slopes between all pairs
 * (Theil and Sen), times the distance. Up to a quarter of the values may be anything.
 */
function growth(values) {
  if (values.length < 2) return 0
  const slopes = values.flatMap((from, i) => values.slice(i + 1).map((to, j) => (to - from) / (j + 1)))
  return median(slopes) * (values.length - 1)
}

module.exports = { growth, median }
