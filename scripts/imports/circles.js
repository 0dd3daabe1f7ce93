'use strict'

// Circles among imports. Files that import each other, by whatever way round, cannot be read, tested or moved one by one.

/**
 * The tangles that `imports` (`{ from, to, line }`) form: `{ files, circles }` of each, where every one of the files leads to all the others. A
 * tangle has more circles than anybody wants to read, so they are the shortest through each file: lists of imports, each of which begins
 * where the one before leads.
 */
function tangles(imports) {
  const edges = new Map()
  for (const edge of imports) {
    if (edge.from === edge.to) continue
    const targets = edges.get(edge.from) ?? new Map()
    edges.set(edge.from, targets)
    // One import of a file is enough to say so.
    if (!targets.has(edge.to)) targets.set(edge.to, edge)
  }
  const found = []
  const seen = new Set()
  for (const file of [...edges.keys()].sort()) {
    if (seen.has(file) || shortestCircle(edges, file) === undefined) continue
    const files = [...edges.keys()]
      .filter((other) => wayTo(edges, file, other) && wayTo(edges, other, file))
      .sort()
    for (const each of files) seen.add(each)
    const circles = new Map()
    for (const each of files) {
      const circle = inOrder(shortestCircle(edges, each))
      circles.set(circle.map(({ from }) => from).join('\n'), circle)
    }
    found.push({ files, circles: [...circles.values()] })
  }
  return found
}

/** The fewest imports that lead from one file to another; undefined where none do. */
function wayTo(edges, from, to) {
  const ways = new Map([[from, []]])
  // What is added meanwhile has its turn, too.
  for (const [file, way] of ways) {
    if (file === to) return way
    for (const edge of edges.get(file)?.values() ?? []) {
      if (!ways.has(edge.to)) ways.set(edge.to, [...way, edge])
    }
  }
  return undefined
}

/** The fewest imports that lead from `file` back to it. */
function shortestCircle(edges, file) {
  const circles = []
  for (const edge of edges.get(file)?.values() ?? []) {
    const back = wayTo(edges, edge.to, file)
    if (back !== undefined) circles.push([edge, ...back])
  }
  return circles.sort((a, b) => a.length - b.length)[0]
}

/** The same circle, from that of its files which is first in the order of names. */
function inOrder(circle) {
  const files = circle.map(({ from }) => from)
  const first = files.indexOf([...files].sort()[0])
  return [...circle.slice(first), ...circle.slice(0, first)]
}

module.exports = { tangles }
