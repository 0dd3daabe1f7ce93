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
const NO = 'is not supported'
const OF_LISTENERS = 'this is an option of servers'
const OF_CLIENTS = 'this is an option of clients'
const AN_ARGUMENT = 'this is no option, but an argument of its own'

/** By name: why it is refused, and the value that asks for nothing, if there is one. */
const CLIENT_REFUSED = {
  allowHalfOpen: [NO, false],
  autoSelectFamily: [NO, true],
  autoSelectFamilyAttemptTimeout: [NO],
  backlog: [OF_LISTENERS],
  blockList: [NO],
  dnsQueryType: [ONE_FAMILY],
  family: [ONE_FAMILY, 0],
  fd: [NO],
  hints: [NO, 0],
  ipv6Only: [OF_LISTENERS, false],
  lookup: [NO],
  onread: [NO],
  path: [NO],
  receiveBufferSize: [NO],
  reusePort: [OF_LISTENERS, false],
  sendBufferSize: [NO],
}

const LISTENER_REFUSED = {
  allowHalfOpen: [NO, false],
  backlog: [AN_ARGUMENT],
  blockList: [NO],
  connectTimeout: [OF_CLIENTS],
  connectionTimeout: [OF_CLIENTS],
  exclusive: [NO, false],
  family: [ONE_FAMILY, 0],
  fd: [NO],
  localPort: [AN_ARGUMENT],
  lookup: [NO],
  maxConnections: [NO],
  path: [NO],
  pauseOnConnect: [NO, false],
  port: [AN_ARGUMENT],
  readableAll: [NO, false],
  reuseAddr: [NO, true],
  writableAll: [NO, false],
}

function all(names, meant) {
  return Object.fromEntries(names.map((name) => [name, meant]))
}

module.exports = { CLIENT_ALIASES, CLIENT_REFUSED, LISTENER_ALIASES, LISTENER_REFUSED }
