'use strict'

// Whether options are called what their owner means. An option by another name would be ignored, and that could mean less
// security than was asked for, or another behaviour of TCP. The names about TLS that others use are here, those about TCP in
// tcp-option-names.js.

/** What asks for TLS. */
const SWITCHES = ['useSecureTransport', 'useSSL']

/** What other TLS APIs know and this one does not have. */
const UNSUPPORTED = [
  'ALPNCallback',
  'SNICallback',
  'allowPartialTrustChain',
  'checkServerIdentity',
  'ciphers',
  'clientCertEngine',
  'dhparam',
  'ecdhCurve',
  'enableTrace',
  'fingerprint512',
  'honorCipherOrder',
  'minDHSize',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'pskCallback',
  'pskIdentityHint',
  'requestCert',
  'requestOCSP',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'session',
  'sessionIdContext',
  'sessionTimeout',
  'sigalgs',
  'ticketKeys',
]

const UNSUPPORTED_IN_LOWER_CASE = new Set(UNSUPPORTED.map((name) => name.toLowerCase()))

/** What others call it, in lower case. */
const ALIASES = {
  alpn: 'alpnProtocols',
  cafile: 'ca',
  cas: 'ca',
  certificate: 'cert',
  crls: 'crl',
  encrypted: 'useSecureTransport',
  fingerprint: 'fingerprint256',
  fingerprintsha256: 'fingerprint256',
  issecure: 'useSecureTransport',
  pin: 'fingerprint256',
  privatekey: 'key',
  rejectunauthorised: 'rejectUnauthorized',
  secure: 'useSecureTransport',
  securetransport: 'useSecureTransport',
  sni: 'servername',
  ssl: 'useSecureTransport',
  tls: 'useSecureTransport',
  use_ssl: 'useSecureTransport',
  use_tls: 'useSecureTransport',
  usetls: 'useSecureTransport',
  verify: 'rejectUnauthorized',
}

/** The names of one kind of options. */
class OptionNames {
  #own
  #foreign
  #meant
  #nothing
  #refused
  #isComplete

  /**
   * `own` are the options that there are, `foreign` those about TLS that only the other side of a connection has, for the
   * reason `why`. `aliases` are further names in lower case, and what they mean. `refused` has for each further name that
   * matters why it is refused, and perhaps the value that asks for nothing. Others than all these are ignored, as in
   * Firefox OS, unless the list `isComplete`.
   */
  constructor({ own, foreign, why, aliases = {}, refused = {}, isComplete = false }) {
    this.#own = new Set([...own, ...SWITCHES, 'binaryType'])
    const others = [
      ...foreign.map((name) => [name, why]),
      ...Object.entries(refused).map(([name, [because]]) => [name, because]),
    ]
    this.#foreign = new Map(others.filter(([name]) => !this.#own.has(name)))
    const cases = [...own, ...this.#foreign.keys(), ...SWITCHES].map((name) => [name.toLowerCase(), name])
    this.#meant = new Map([...cases, ...Object.entries({ ...ALIASES, ...aliases })])
    this.#nothing = new Map(Object.entries(refused).map(([name, [, nothing]]) => [name, nothing]))
    this.#refused = [...UNSUPPORTED, ...this.#foreign.keys()]
    this.#isComplete = isComplete
  }

  /** Throws a TypeError at the first option that is not what its name seems to say. */
  check(options) {
    for (const name of namesOf(options)) this.#refuse(name, options)
    // Not all that can be read is among the names, as with a Proxy.
    for (const name of this.#refused) {
      if (options[name] !== undefined) this.#refuse(name, options)
    }
  }

  #refuse(name, options) {
    const why = this.#fault(name)
    if (why !== undefined && !this.#isMoot(name, options[name])) {
      throw new TypeError(`${name}: ${why}`)
    }
  }

  #fault(name) {
    const lower = name.toLowerCase()
    const meant = this.#meant.get(lower)
    if (meant !== undefined && meant !== name) return `this option is called ${meant}`
    if (UNSUPPORTED_IN_LOWER_CASE.has(lower)) return 'this TLS option is not supported'
    if (this.#foreign.has(name)) return this.#foreign.get(name)
    return this.#isComplete && !this.#own.has(name) ? 'there is no such option' : undefined
  }

  /** Whether `value` says what is the case anyway: without that option, or without TLS before it is asked for. */
  #isMoot(name, value) {
    const meant = this.#meant.get(name.toLowerCase())
    // Without an address it would be all of them.
    if (value === null) return meant !== 'localAddress'
    if (value === undefined || value === this.#nothing.get(name)) return true
    return value === false && !this.#isComplete && SWITCHES.includes(meant)
  }
}

/** The names that `options` has a value under, its own and those it inherits, as whoever reads one finds both. */
function namesOf(options) {
  const names = []
  for (let object = options; object !== null; object = Object.getPrototypeOf(object)) {
    if (object !== options && isBuiltIn(object)) break
    names.push(...Object.getOwnPropertyNames(object).filter((name) => name !== 'constructor'))
  }
  return names
}

/** Whether it is `Object.prototype` or `Function.prototype`, of whatever realm. */
function isBuiltIn(object) {
  const isLast = Object.getPrototypeOf(object) === null
  return isLast ? Object.hasOwn(object, 'hasOwnProperty') : typeof object === 'function'
}

module.exports = { OptionNames }
