'use strict'

// Which places may be connected to, or listened at: a list of patterns such as `*.example.org:993`, for the rights of one application
// (`createNavigator`) and for tools that open connections for others. What is compared is what the application wrote, before any
// name is looked up (decision Q-50).

const {
  ArrayIsArray,
  Number,
  ObjectFreeze,
  RegExpPrototypeExec,
  StringPrototypeEndsWith,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  TypeError,
} = require('./builtins.js')
const { describe, requireArguments, toHost, toPort, toText } = require('./convert.js')
const { addressBytes, isBase, isWithin, network } = require('./ip-address.js')

const FORM = 'must be HOST:PORT, such as "*.example.org:993", "192.0.2.0/24:*" or "[2001:db8::1]:6600-6699"'

/** HOST, or an address in brackets with or without the bits of a network, and PORT. */
const PATTERN = /^(?:\[([^[\]/]*)(?:\/(\d{1,3}))?\]|([^[\]/:]*)(?:\/(\d{1,3}))?):(\*|\d{1,5}(?:-\d{1,5})?)$/

const PORTS = /^(\d+)(?:-(\d+))?$/

/** Whether `list` has `port` of `host`, which is as `toHost` returns it. */
let isListed

class AllowList {
  /** `{ suffix }`, `{ name }`, `{ network }` or, for any host, none of the three; with `first` and `last`. */
  #entries = []
  #patterns

  /** `what` is what the list is called in errors. */
  constructor(patterns, what = 'patterns') {
    requireArguments('AllowList constructor', arguments.length, 1)
    if (!ArrayIsArray(patterns))
      throw new TypeError(`${what} ${describe(patterns)}: must be an array of patterns`)
    const copy = []
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i]
      this.#entries[i] = parse(pattern, `${what}[${i}] ${describe(pattern)}`)
      copy[i] = pattern
    }
    this.#patterns = ObjectFreeze(copy)
  }

  get patterns() {
    return this.#patterns
  }

  allows(host, port) {
    requireArguments('AllowList.allows', arguments.length, 2)
    return isListed(this, toHost(toText(host, 'host')), toPort(port, 0))
  }

  static {
    isListed = (list, host, port) => {
      const bytes = addressBytes(host)
      const name = bytes === undefined ? canonical(host) : undefined
      const entries = list.#entries
      for (let i = 0; i < entries.length; i++) {
        const entry = entries[i]
        if (port >= entry.first && port <= entry.last && matchesHost(entry, bytes, name)) return true
      }
      return false
    }
  }
}

/** Whether the entry is for the address of `bytes`, or for `name` where that is none. */
function matchesHost({ name: only, suffix, network: within }, bytes, name) {
  if (within !== undefined) return bytes !== undefined && isWithin(bytes, within)
  if (only !== undefined) return name === only
  if (suffix !== undefined) return name !== undefined && StringPrototypeEndsWith(name, suffix)
  return true
}

function parse(pattern, called) {
  const refuse = (why) => {
    throw new TypeError(`${called}: ${why}`)
  }
  const parts = typeof pattern === 'string' ? RegExpPrototypeExec(PATTERN, pattern) : null
  if (parts === null) return refuse(FORM)
  const inBrackets = parts[1] !== undefined
  const host = inBrackets ? parts[1] : parts[3]
  const ports = toPorts(parts[5], refuse)
  return { __proto__: null, ...toPlace(host, parts[2] ?? parts[4], inBrackets, refuse), ...ports }
}

function toPlace(host, bits, inBrackets, refuse) {
  if (inBrackets || bits !== undefined || addressBytes(host) !== undefined) {
    return { network: toNetwork(host, bits, inBrackets, refuse) }
  }
  if (host === '*') return {}
  const anyBelow = StringPrototypeStartsWith(host, '*.')
  const rest = anyBelow ? StringPrototypeSlice(host, 2) : host
  if (RegExpPrototypeExec(/\*/, rest))
    refuse('"*" stands alone, or for all labels before the others, as in "*.example.org"')
  if (anyBelow && addressBytes(rest) !== undefined)
    refuse('addresses have no subdomains; a network is "192.0.2.0/24"')
  const name = canonical(ascii(rest, refuse))
  return anyBelow ? { suffix: `.${name}` } : { name }
}

function toNetwork(host, bits, inBrackets, refuse) {
  const bytes = addressBytes(host)
  const isV4 = RegExpPrototypeExec(/:/, host) === null
  if (bytes === undefined || isV4 === inBrackets) {
    refuse(
      inBrackets ? 'only an IPv6 address has brackets' : 'only an IPv4 address has bits without brackets',
    )
  }
  const found = network(host, bits === undefined ? (isV4 ? 32 : 128) : Number(bits))
  if (found === undefined) refuse(`must be a network of up to ${isV4 ? 32 : 128} bits, without a zone`)
  if (!isBase(found)) refuse('has bits set behind those of the network')
  return found
}

function toPorts(text, refuse) {
  if (text === '*') return { first: 0, last: 65535 }
  const parts = RegExpPrototypeExec(PORTS, text)
  const first = Number(parts[1])
  const last = parts[2] === undefined ? first : Number(parts[2])
  if (last > 65535 || first > last) refuse('ports are from 0 to 65535, the first one first')
  // 0 is what a listener asks for that takes any free port: none of a range.
  if (first === 0 && last !== 0) refuse('a range of ports begins with 1 or more; all of them are "*"')
  return { first, last }
}

function ascii(host, refuse) {
  try {
    return toHost(host)
  } catch (error) {
    return refuse(`the ${error.message}`)
  }
}

/** One spelling for each name: in lower case, without a final dot. */
function canonical(name) {
  const lower = StringPrototypeToLowerCase(name)
  return StringPrototypeEndsWith(lower, '.') ? StringPrototypeSlice(lower, 0, -1) : lower
}

module.exports = { AllowList, isListed }
