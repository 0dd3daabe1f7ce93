'use strict'

// The errors of the engine, as it reports them to JavaScript. A test compares this with the engine's own table.

const { constants } = require('node:os')
const { inspect } = require('node:util')

/** By name: the class and the number of Gecko's, and the system's name of what mostly leads to it. */
const FAILURES = {
  ConnectionRefusedError: ['Network', 0x804b_000d, 'ECONNREFUSED'],
  NetworkTimeoutError: ['Network', 0x804b_000e],
  DomainNotFoundError: ['Network', 0x804b_001e],
  NetworkInterruptError: ['Network', 0x804b_0047],
  NetworkError: ['Network', 0x804b_0014, 'ECONNRESET'],
  SecurityExpiredCertificateError: ['SecurityCertificate', 0x805a_1ff5],
  SecurityRevokedCertificateError: ['SecurityCertificate', 0x805a_1ff4],
  SecurityUntrustedCertificateIssuerError: ['SecurityCertificate', 0x805a_1ff3],
  SecurityInadequateKeyUsageError: ['SecurityCertificate', 0x805a_1fa6],
  SecurityCertificateSignatureAlgorithmDisabledError: ['SecurityCertificate', 0x805a_1f50],
  SecurityNoCertificateError: ['SecurityProtocol', 0x805a_2ffd],
  SecurityBadCertificateError: ['SecurityProtocol', 0x805a_2ffc],
  SecurityUnsupportedCertificateTypeError: ['SecurityProtocol', 0x805a_2ff8],
  SecurityUnsupportedTLSVersionError: ['SecurityProtocol', 0x805a_2ff7],
  SecurityCertificateDomainMismatchError: ['SecurityCertificate', 0x805a_2ff4],
  SecurityError: ['SecurityProtocol', 0x805a_1fff],
}

/** What the engine reports of an error of that name. `code` is a name of the system's, such as `'ECONNRESET'`. */
function failureOf(name, { message, code, reason } = {}) {
  if (!Object.hasOwn(FAILURES, name)) {
    throw new TypeError(`error ${inspect(name)}: must be one of ${Object.keys(FAILURES).join(', ')}`)
  }
  const [kind, number, usual] = FAILURES[name]
  const system = code ?? usual
  const errno = system === undefined ? undefined : constants.errno[system]
  if (system !== undefined && errno === undefined) {
    throw new TypeError(
      `error: code ${inspect(system)}: must be a name of os.constants.errno, such as 'ECONNRESET'`,
    )
  }
  return { name, class: kind, code: number, detail: message ?? `mock: ${system ?? name}`, errno, reason }
}

module.exports = { FAILURES, failureOf }
