'use strict'

// The arguments with which sockets and servers are made.

const { CLIENT_OPTIONS, REFUSED_OPTIONS, SERVER_OPTIONS } = require('./rules.js')
const { bare, literal } = require('./syntax.js')

/** Of `open` and `new TCPSocket`: host, port, options. */
function checkOpen([, port, options], args, report) {
  checkPort(port, 1, report)
  checkOptions(options, args[2], CLIENT_OPTIONS, SERVER_OPTIONS, report)
}

/** Of `listen` and `new TCPServerSocket`: port, options, backlog. */
function checkListen([port, options, backlog], args, report) {
  checkPort(port, 0, report)
  const number = toPort(port)
  if (number > 0 && number < 1024) report('low-port', port)
  checkOptions(options, args[1], SERVER_OPTIONS, CLIENT_OPTIONS, report)
  const count = literal(backlog)
  if (backlog === undefined || (typeof count === 'number' && count <= 0))
    report('default-backlog', backlog ?? port)
  else report('backlog', backlog)
}

function toPort(node) {
  const value = literal(node)
  return typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
}

function checkPort(node, least, report) {
  const port = toPort(node)
  if (port === undefined || port === null) return
  if (least === 0 && (port === 0 || port === -1)) report('any-port', node)
  else if (!Number.isInteger(port) || port < least || port > 65_535) report('bad-port', node)
}

function checkOptions(node, kinds, own, foreign, report) {
  if (node === undefined || literal(node) === null) return
  const objects = [...(kinds ?? [])].filter(({ tag }) => tag === 'object')
  const isNothing = bare(node).type === 'Identifier' && bare(node).name === 'undefined'
  if (objects.length === 0 && !isNothing) report('spread-options', node)
  for (const { nodes, isComplete } of objects) {
    if (!isComplete) report('spread-options', node)
    for (const [name, { node: place, valueNode }] of nodes)
      checkOption(name, place, valueNode, own, foreign, report)
  }
}

function checkOption(name, place, valueNode, own, foreign, report) {
  const value = valueNode ? literal(valueNode) : undefined
  if (name === 'binaryType') {
    const isKnown = value === undefined || value === 'string' || value === 'arraybuffer'
    report(isKnown ? 'binary-type' : 'bad-binary-type', place)
  } else if (name === 'useSSL' || name === 'useSecureTransport') {
    if (name === 'useSSL') report('use-ssl', place)
    report(value === false ? 'option' : 'tls', place)
  } else if (own.has(name)) report('option', place)
  else if (REFUSED_OPTIONS.has(name) || foreign.has(name)) report('refused-option', place)
  else report('unknown-option', place)
}

module.exports = { checkListen, checkOpen }
