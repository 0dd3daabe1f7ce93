'use strict'

// Whether options are called what their owner means. An option by another name would be ignored, and that could mean less
// security than was asked for, or another behaviour of TCP. The names about TLS that others use are here, those about TCP in
// tcp-option-names.js.

const {
  ArrayPrototypeIncludes,
  ObjectGetOwnPropertyNames,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  SafeMap,
  SafeSet,
  StringPrototypeEndsWith,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  TypeError,
} = require('./builtins.js')

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

/**
 * What names are compared by: no case, nothing between words, and no unit. A leading `_` stays, since it makes a name private to
 * whoever has it.
 */
function normalize(name) {
  let text = ''
  for (let i = 0; i < name.length; i++) {
    const char = name[i]
    if ((char !== '_' && char !== '-') || text === '') text += char
  }
  const lower = StringPrototypeToLowerCase(text)
  return StringPrototypeEndsWith(lower, 'ms') ? StringPrototypeSlice(lower, 0, -2) : lower
}

const UNSUPPORTED_NORMALIZED = new SafeSet(UNSUPPORTED.map(normalize))

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
  #optionByName
  #neutralValues
  #refused
  #isComplete

  /**
   * `own` are the options that there are, `foreign` those about TLS that only the other side of a connection has, for the
   * reason `why`. `aliases` are further names in lower case, and what they mean. `refused` has for each further name that
   * matters why it is refused, and perhaps the value that asks for nothing. Others than all these are ignored, as in
   * Firefox OS, unless the list `isComplete`.
   */
  constructor({ own, foreign, why, aliases = {}, refused = {}, isComplete = false }) {
    this.#own = new SafeSet([...own, ...SWITCHES, 'binaryType'])
    const others = [
      ...foreign.map((name) => [name, why]),
      ...Object.entries(refused).map(([name, [because]]) => [name, because]),
    ]
    this.#foreign = new SafeMap(others.filter(([name]) => !this.#own.has(name)))
    const cases = [...own, ...this.#foreign.keys(), ...SWITCHES].map((name) => [normalize(name), name])
    const alternatives = Object.entries({ ...ALIASES, ...aliases })
    // Of two that are the same without separators, the own name counts, and use_ssl as it is written.
    this.#optionByName = new SafeMap([
      ...alternatives,
      ...alternatives.map(([name, meant]) => [normalize(name), meant]),
      ...cases,
    ])
    this.#neutralValues = new SafeMap(Object.entries(refused).map(([name, [, nothing]]) => [name, nothing]))
    this.#refused = [...UNSUPPORTED, ...this.#foreign.keys()]
    this.#isComplete = isComplete
  }

  /** Throws a TypeError at the first option that is not what its name seems to say. */
  check(options) {
    const names = namesOf(options)
    for (let i = 0; i < names.length; i++) this.#refuse(names[i], options)
    // Not all that can be read is among the names, as with a Proxy.
    for (let i = 0; i < this.#refused.length; i++) {
      const name = this.#refused[i]
      if (options[name] !== undefined) this.#refuse(name, options)
    }
  }

  #refuse(name, options) {
    const why = this.#whyRefused(name)
    if (why !== undefined && !this.#isNeutral(name, options[name])) {
      throw new TypeError(`${name}: ${why}`)
    }
  }

  /** The option that `name` stands for, if there is one. */
  #optionNamed(name) {
    return this.#optionByName.get(StringPrototypeToLowerCase(name)) ?? this.#optionByName.get(normalize(name))
  }

  #whyRefused(name) {
    const key = normalize(name)
    const meant = this.#optionNamed(name)
    if (meant !== undefined && meant !== name) return `this option is called ${meant}`
    if (UNSUPPORTED_NORMALIZED.has(key)) return 'this TLS option is not supported'
    if (this.#foreign.has(name)) return this.#foreign.get(name)
    return this.#isComplete && !this.#own.has(name) ? 'there is no such option' : undefined
  }

  /** Whether `value` asks for nothing: for what is so without the option, or for no TLS where none has begun. */
  #isNeutral(name, value) {
    const meant = this.#optionNamed(name)
    // `null` means that the option is absent. That of an address would mean all addresses.
    if (value === null) return meant !== 'localAddress'
    if (value === undefined || value === this.#neutralValues.get(meant)) return true
    return value === false && !this.#isComplete && ArrayPrototypeIncludes(SWITCHES, meant)
  }
}

/** The names that `options` has a value under, its own and those it inherits, as whoever reads one finds both. */
function namesOf(options) {
  const names = []
  for (let object = options; object !== null; object = ObjectGetPrototypeOf(object)) {
    if (object !== options && isBuiltIn(object)) break
    const own = ObjectGetOwnPropertyNames(object)
    for (let i = 0; i < own.length; i++) {
      if (own[i] !== 'constructor') names[names.length] = own[i]
    }
  }
  return names
}

/** Whether it is `Object.prototype` or `Function.prototype`, of whatever realm. */
function isBuiltIn(object) {
  const isLast = ObjectGetPrototypeOf(object) === null
  return isLast ? ObjectHasOwn(object, 'hasOwnProperty') : typeof object === 'function'
}

module.exports = { OptionNames }
