'use strict'

// The app's Content-Security-Policy, with what the bridge needs on top and nothing else: its scripts in the page, by a nonce, and connections to
// the origin that the page comes from.

/** `policy` with leave for scripts that have `nonce`, and to connect to `origin`. */
function withBridge(policy, nonce, origin) {
  return policy
    .split(',')
    .map((each) => extend(each, nonce, origin))
    .join(', ')
}

function extend(policy, nonce, origin) {
  const directives = new Map()
  for (const directive of policy.split(';')) {
    const [name, ...sources] = directive.trim().split(/\s+/)
    // Of several the first counts.
    if (name !== '' && !directives.has(name.toLowerCase())) directives.set(name.toLowerCase(), sources)
  }
  for (const name of ['script-src-elem', 'script-src']) allow(directives, name, [`'nonce-${nonce}'`])
  allow(directives, 'connect-src', [origin, origin.replace(/^http/, 'ws')])
  return [...directives].map(([name, sources]) => [name, ...sources].join(' ')).join('; ')
}

function allow(directives, name, more) {
  const isFallback = !directives.has(name)
  if (isFallback && name === 'script-src-elem') return
  const sources = directives.get(name) ?? directives.get('default-src')
  if (sources === undefined) return
  const isNonce = more[0].startsWith("'nonce-")
  const hasNonce = sources.some((source) => /^'(?:nonce|sha\d+)-/.test(source))
  // A nonce would take 'unsafe-inline' away from the app's own scripts.
  if (isNonce && sources.includes("'unsafe-inline'") && !hasNonce) return
  directives.set(name, [...sources.filter((source) => source !== "'none'"), ...more])
}

module.exports = { withBridge }
