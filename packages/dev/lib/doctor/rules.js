'use strict'

// What the doctor says, and nothing else: each rule has a verdict, the decision of docs/porting.md that it is about, and one sentence. uses.js
// decides which use of the API a rule is for. A test compares this table with docs/porting.md.
//
// Verdicts: 'same' (as on a device), 'differs' (works, and not quite as there), 'missing' (is not here, or throws), 'unfollowed' (what
// becomes of it could not be seen), 'note' (nothing wrong, but to be known).

const same = (text, q) => ({ verdict: 'same', q, text })
const differs = (q, text) => ({ verdict: 'differs', q, text })
const missing = (text, q) => ({ verdict: 'missing', q, text })
const unfollowed = (text) => ({ verdict: 'unfollowed', text })
const note = (text) => ({ verdict: 'note', text })

const RULES = {
  __proto__: null,

  // Ways in.
  factory: same('is there after require("moz-tcp-socket/register"), in run and in serve'),
  class: same('is there after require("moz-tcp-socket/register"), in run and in serve'),
  'udp-class': same('UDPSocket is there; docs/udp.md has what differs'),
  open: same('connects'),
  listen: same('listens, on all IPv4 addresses', 'Q-34'),
  'factory-attribute': differs(
    'Q-47',
    'mozTCPSocket has the attributes and methods of a socket that was never connected',
  ),
  'factory-buffered': differs('Q-42', 'mozTCPSocket.bufferedAmount is 0, where Firefox OS threw'),
  'method-of-socket': missing(
    'open and listen are methods of mozTCPSocket and TCPSocket, and not of a socket',
    'Q-48',
  ),

  // Arguments.
  tls: differs(
    'Q-08',
    'with TLS, open fires after the handshake, and a bad certificate is an error and no open',
  ),
  'use-ssl': same('useSSL means useSecureTransport', 'Q-39'),
  option: same('an option of this package', 'Q-39'),
  'unknown-option': differs('Q-39', 'an option that nobody knows is ignored'),
  'refused-option': missing('this option of other libraries, or on this side, throws a TypeError', 'Q-39'),
  'binary-type': same('binaryType chooses strings or ArrayBuffers', 'Q-37'),
  'bad-binary-type': missing(
    'a binaryType that is neither "string" nor "arraybuffer" throws a TypeError',
    'Q-36',
  ),
  'any-port': same('0 and -1 take any free port', 'Q-32'),
  'bad-port': missing('a port out of range throws', 'Q-32'),
  'low-port': differs(
    'Q-40',
    'listening below 1024 is up to the operating system, or to the type "certified" where permissions are on',
  ),
  'default-backlog': differs('Q-31', 'without a backlog, or with one of 0 or less, it is 511'),
  backlog: same('the backlog is honoured'),
  'listen-throws': differs('Q-35', 'a port in use is an exception, always'),

  // Sending.
  send: same('send accepts everything'),
  'send-answer': differs('Q-01', 'send answers false above 65536 pending bytes'),
  'send-view': differs(
    'Q-15',
    'on a string socket a typed array is sent as text, such as "1,2,3"; on an arraybuffer socket as bytes',
  ),
  'send-wide': missing('a character above U+00FF throws a TypeError', 'Q-16'),
  'send-nothing': differs('Q-18', 'byteLength 0 sends nothing'),
  'send-length': differs('Q-18', 'byteLength 0 sends nothing; omitted, it means everything'),
  'send-length-answer': differs(
    'Q-19',
    'the answer of send counts what is sent, after byteLength was clamped',
  ),
  'send-offset': differs('Q-20', 'a byteOffset beyond the end selects nothing'),
  'send-buffer': same('the bytes are copied before send returns', 'Q-21'),
  'buffered-amount': differs('Q-22', 'bufferedAmount is exact, and shrinks between turns only'),

  // Events.
  handler: same('fires as on a device'),
  'open-data': differs('Q-04', 'the data of open, drain and close is ""'),
  'on-drain': differs('Q-01', 'drain follows when 65536 bytes were pending'),
  'on-error': differs('Q-02', 'close follows an error, in a task of its own'),
  'error-shape': same('the error is in event.data and in the event, as in both generations', 'Q-03'),
  'error-refused': differs(
    'Q-05',
    'a name that is not found and a timeout have names of their own, and are no ConnectionRefusedError',
  ),
  'error-security': differs('Q-06', 'a failure of TLS has its exact name, and not always SecurityError'),
  'error-code': differs('Q-07', 'the number of ConnectionRefusedError is 0x804B000D'),
  'handler-throws': differs(
    'Q-25',
    'an exception of a handler ends a process of Node.js, unless it listens for uncaughtException; the socket goes on',
  ),
  'handler-this': same('this in a handler is the socket', 'Q-26'),
  'data-view': differs('Q-37', 'event.data is an ArrayBuffer, and has no members of a view'),
  listener: same('events fire as on a device'),
  'bad-type': missing('no event has this name: it is called without "on"', 'Q-43'),
  'unknown-type': missing('no event of a socket or server has this name'),

  // The rest of a socket.
  member: same('as on a device'),
  'unknown-member': missing('a socket has no such member; it is undefined'),
  'ready-state': differs(
    'Q-10',
    'readyState is "connecting" from the start, and "closed" only when it is over',
  ),
  'ready-state-open': same('readyState "open" and "closing" are as on a device'),
  'bad-ready-state': missing('readyState never has this value'),
  suspend: differs('Q-13', 'a suspended socket hides what the peer does; the local close() completes'),
  resume: differs('Q-14', 'resume() without suspend() throws'),
  upgrade: differs('Q-23', 'what waits for STARTTLS waits in each socket of its own'),
  'upgrade-accepted': differs(
    'Q-24',
    'on an accepted socket it makes this side the server of the handshake, and needs a certificate',
  ),
  close: same('close() delivers what was sent'),
  'close-at-once': differs('Q-38', 'no drain follows closeImmediately()'),

  // Servers.
  'on-connect-socket': differs(
    'Q-27',
    'onconnect of a server made by listen() gets the socket, with a property "socket"',
  ),
  'on-connect-event': differs(
    'Q-27',
    'onconnect of a new TCPServerSocket gets an event with "socket" and "data"',
  ),
  'connect-argument': missing(
    'what onconnect gets has no such member: an event has "socket" and "data", a socket of listen() has "socket"',
    'Q-27',
  ),
  'no-connect': differs('Q-28', 'a server without onconnect closes what it accepts'),
  'connect-throws': differs(
    'Q-29',
    'an onconnect that throws, or is asynchronous and rejects, closes the socket, and is reported',
  ),
  'server-error': differs('Q-30', 'onerror of a server gets an error event like that of a socket'),
  'local-port': differs('Q-33', 'localPort is the real port'),
  'server-close': differs('Q-44', 'no connect follows close()'),
  'server-member': same('as on a device'),
  'unknown-server-member': missing('a server has no such member; it is undefined'),

  // Manifests.
  permission: same('the manifest asks for it, and a type that may have it'),
  'no-permission': differs(
    'Q-41',
    'the manifest lacks the permission "tcp-socket": with permissions on (run, serve, setPolicy) all that makes sockets throws',
  ),
  'web-type': differs('Q-41', 'an app of type "web" has no permission, whatever it asks for'),
  'no-manifest-right': differs(
    'Q-49',
    'without the permission, run and serve have mozTCPSocket that throws, or no classes, by the generation of the manifest',
  ),

  // Other APIs.
  'other-api': missing('this API of Firefox OS is not in the package'),
  'page-global': note('is of a page: Node.js has none, run and serve have'),

  'replaced-module': note(
    'moz-tcp-socket takes the place of this module: docs/porting.md, "In place of emailjs-tcp-socket"',
  ),

  // Limits of the reading.
  escapes: unfollowed('is given to code that is not in this file'),
  exported: unfollowed('is exported: what other files do with it is not followed'),
  computed: unfollowed('the name of the member is made while the program runs'),
  ambiguous: unfollowed('this may be one of several things here, and not all of them have such a member'),
  'looks-like': unfollowed('looks like a use of the API, on a value that could not be followed here'),
  'code-from-text': unfollowed('code that is made from text is not read'),
  'code-in-attribute': unfollowed('code in attributes of HTML is not read'),
  'spread-options': unfollowed('options from elsewhere are not seen'),
  unreadable: unfollowed('the file could not be parsed'),
  'too-long': unfollowed('the file is too long to be read'),
  minified: note('this is minified: what is found in it may be of a library'),
}

/** Decisions that no reading of the code can see to, and why. */
const UNSEEN = {
  __proto__: null,
  'Q-09': 'whether a socket still connects when close() is called depends on the network',
  'Q-11': 'whether output is pending when the peer ends depends on the peer',
  'Q-12': 'whether the peer ends first depends on the peer',
  'Q-17': 'whether there is a NUL in what is received depends on the peer',
  'Q-45': 'whether the peer resets the connection depends on the peer',
  'Q-46': 'whether bytes are pending between upgradeToSecure() and close() depends on the network',
  'Q-50': 'lists of places are given to createNavigator, and on no device',
}

/** Members of `navigator` and classes that Firefox OS had and this package has not. */
const OTHER_NAVIGATOR = new Set([
  'addIdleObserver',
  'battery',
  'getDeviceStorage',
  'getDeviceStorages',
  'mozAlarms',
  'mozApps',
  'mozAudioChannelManager',
  'mozBluetooth',
  'mozBroadcast',
  'mozCameras',
  'mozCellBroadcast',
  'mozConnection',
  'mozContacts',
  'mozDownloadManager',
  'mozFMRadio',
  'mozGetUserMedia',
  'mozHasPendingMessage',
  'mozIccManager',
  'mozId',
  'mozInputMethod',
  'mozKeyboard',
  'mozMobileConnection',
  'mozMobileConnections',
  'mozMobileMessage',
  'mozNetworkStats',
  'mozNfc',
  'mozNotification',
  'mozPay',
  'mozPermissionSettings',
  'mozPhoneNumberService',
  'mozPower',
  'mozSetMessageHandler',
  'mozSettings',
  'mozSms',
  'mozTelephony',
  'mozTime',
  'mozTVManager',
  'mozUDPSocket',
  'mozVoicemail',
  'mozWifiManager',
  'mozWifiP2pManager',
  'push',
  'requestWakeLock',
  'b2g',
])
const OTHER_CLASSES = new Set([
  'MozActivity',
  'MozSmsFilter',
  'MozSmsSegmentInfo',
  'mozContact',
  'MozMmsMessage',
  'WebActivity',
])
/** What only pages have. Node.js has `navigator`, `fetch`, `WebSocket` and the like. */
const PAGE_GLOBALS = new Set([
  'alert',
  'confirm',
  'document',
  'indexedDB',
  'localStorage',
  'prompt',
  'sessionStorage',
  'window',
  'XMLHttpRequest',
])

const SOCKET_EVENTS = new Set(['open', 'data', 'drain', 'error', 'close'])
const SERVER_EVENTS = new Set(['connect', 'error'])
const TARGET_MEMBERS = [
  'addEventListener',
  'removeEventListener',
  'dispatchEvent',
  'ref',
  'unref',
  'constructor',
  'toString',
  'hasOwnProperty',
]
const SOCKET_MEMBERS = new Set([
  ...TARGET_MEMBERS,
  'host',
  'port',
  'ssl',
  'tls',
  'bufferedAmount',
  'binaryType',
  'readyState',
  'localAddress',
  'localPort',
  'remoteAddress',
  'remotePort',
  'bytesRead',
  'bytesWritten',
  'send',
  'suspend',
  'resume',
  'upgradeToSecure',
  'close',
  'closeImmediately',
  'transport',
])
const SERVER_MEMBERS = new Set([...TARGET_MEMBERS, 'localAddress', 'localPort', 'failedHandshakes', 'close'])
/** On nothing else than a socket. */
const TELLTALE = new Set(['upgradeToSecure', 'closeImmediately', 'ondrain'])

const TLS_OPTIONS = ['cert', 'key', 'pfx', 'passphrase', 'alpnProtocols', 'minVersion', 'maxVersion']
const COMMON_OPTIONS = [
  ...TLS_OPTIONS,
  'binaryType',
  'useSecureTransport',
  'useSSL',
  'localAddress',
  'timeout',
  'keepAlive',
  'keepAliveDelay',
  'noDelay',
  'signal',
]
const CLIENT_OPTIONS = new Set([
  ...COMMON_OPTIONS,
  'ca',
  'caOnly',
  'crl',
  'servername',
  'fingerprint256',
  'rejectUnauthorized',
  'sessionFrom',
  'localPort',
  'connectTimeout',
])
const SERVER_OPTIONS = new Set([...COMMON_OPTIONS, 'handshakeTimeout', 'ipv6Only', 'reusePort'])
/** Options of other libraries that throw, whatever their value (those that may be harmless with one value are in here as well). */
const REFUSED_OPTIONS = new Set([
  'allowHalfOpen',
  'autoSelectFamily',
  'bind',
  'bindAddress',
  'blockList',
  'checkServerIdentity',
  'ciphers',
  'family',
  'fd',
  'honorCipherOrder',
  'keepalive',
  'lookup',
  'onread',
  'path',
  'pskCallback',
  'rejectUnauthorised',
  'requestCert',
  'secure',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'session',
  'SNICallback',
  'ssl',
  'tls',
  'useTLS',
  'verify',
])

module.exports = {
  CLIENT_OPTIONS,
  OTHER_CLASSES,
  OTHER_NAVIGATOR,
  PAGE_GLOBALS,
  REFUSED_OPTIONS,
  RULES,
  SERVER_EVENTS,
  SERVER_MEMBERS,
  SERVER_OPTIONS,
  SOCKET_EVENTS,
  SOCKET_MEMBERS,
  TELLTALE,
  UNSEEN,
}
