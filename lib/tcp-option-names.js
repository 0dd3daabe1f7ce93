'use strict'

// What other socket APIs call the options of TCP, and those of theirs that this one does not have. By these names they would
// be ignored, and an application would be seen from another address, wait for ever, or listen where it should not.

/** What may be meant by the address to listen at, in lower case. Ignored, it would mean to listen everywhere. */
const LISTENER_ADDRESS = ['', 'local'].flatMap((local) =>
  ['address', 'addr', 'host', 'hostname', 'ip', 'interface', 'bind', 'bindaddress'].map(
    (name) => local + name,
  ),
)

/** What may be meant by the address to connect from. */
const CLIENT_ADDRESS = [
  'bind',
  'bind_address',
  'bindaddr',
  'bindaddress',
  'bindip',
  'interface',
  'local_address',
  'localaddr',
  'localhost',
  'localinterface',
  'localip',
  'source',
  'outgoing_addr',
  'source_address',
  'sourceaddress',
  'sourceip',
]

const CONNECTION_ALIASES = {
  abortsignal: 'signal',
  idletimeout: 'timeout',
  keepaliveinitialdelay: 'keepAliveDelay',
  sockettimeout: 'timeout',
  tcpnodelay: 'noDelay',
}

/** What others call it, in lower case: on a client. */
const CLIENT_ALIASES = {
  ...all(CLIENT_ADDRESS, 'localAddress'),
  ...all(['bindport', 'local_port', 'sourceport'], 'localPort'),
  ...all(['connect_timeout', 'connectiontimeout'], 'connectTimeout'),
  ...CONNECTION_ALIASES,
}

/** The same on a listener. */
const LISTENER_ALIASES = { ...all(LISTENER_ADDRESS, 'localAddress'), ...CONNECTION_ALIASES }

const ONE_FAMILY = 'is not supported; localAddress "0.0.0.0" or "::" chooses a family'
const UNSUPPORTED = 'is not supported'
const OF_LISTENERS = 'this is an option of servers'
const OF_CLIENTS = 'this is an option of clients'
const AN_ARGUMENT = 'this is no option, but an argument of its own'

/** By name: why it is refused, and the value that asks for nothing, if there is one. */
const CLIENT_REFUSED = {
  allowHalfOpen: [UNSUPPORTED, false],
  autoSelectFamily: [UNSUPPORTED, true],
  autoSelectFamilyAttemptTimeout: [UNSUPPORTED],
  backlog: [OF_LISTENERS],
  blockList: [UNSUPPORTED],
  dnsQueryType: [ONE_FAMILY],
  family: [ONE_FAMILY, 0],
  fd: [UNSUPPORTED],
  hints: [UNSUPPORTED, 0],
  ipv6Only: [OF_LISTENERS, false],
  lookup: [UNSUPPORTED],
  onread: [UNSUPPORTED],
  path: [UNSUPPORTED],
  receiveBufferSize: [UNSUPPORTED],
  reusePort: [OF_LISTENERS, false],
  sendBufferSize: [UNSUPPORTED],
}

const LISTENER_REFUSED = {
  allowHalfOpen: [UNSUPPORTED, false],
  backlog: [AN_ARGUMENT],
  blockList: [UNSUPPORTED],
  connectTimeout: [OF_CLIENTS],
  connectionTimeout: [OF_CLIENTS],
  exclusive: [UNSUPPORTED, false],
  family: [ONE_FAMILY, 0],
  fd: [UNSUPPORTED],
  localPort: [AN_ARGUMENT],
  lookup: [UNSUPPORTED],
  maxConnections: [UNSUPPORTED],
  path: [UNSUPPORTED],
  pauseOnConnect: [UNSUPPORTED, false],
  port: [AN_ARGUMENT],
  readableAll: [UNSUPPORTED, false],
  reuseAddr: [UNSUPPORTED, true],
  writableAll: [UNSUPPORTED, false],
}

function all(names, meant) {
  return Object.fromEntries(names.map((name) => [name, meant]))
}

module.exports = { CLIENT_ALIASES, CLIENT_REFUSED, LISTENER_ALIASES, LISTENER_REFUSED }
