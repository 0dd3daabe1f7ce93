// What TypeScript knows about TCPSocket: the type of `event.data` follows from the options, handlers and listeners know
// their event and their `this`, and wrong calls do not compile.

import { expectTypeOf } from 'expect-type'
import {
  TCPSocket,
  TCPSocketErrorEvent,
  TCPSocketEvent,
  mozTCPSocket,
  type TCPSocketError,
  type TCPSocketErrorClass,
  type TCPSocketErrorName,
  type TCPSocketOptions,
  type TCPSocketReadyState,
  type TCPSocketTls,
} from 'moz-tcp-socket'

const text = new TCPSocket('localhost', 25)
const bytes = new TCPSocket('localhost', '143', { binaryType: 'arraybuffer', useSecureTransport: true })
const opened = mozTCPSocket.open('localhost', 80, { useSSL: true })

// The binary type is inferred, and "string" where it is not given.
expectTypeOf(text).toEqualTypeOf<TCPSocket<'string'>>()
expectTypeOf(bytes).toEqualTypeOf<TCPSocket<'arraybuffer'>>()
expectTypeOf(opened).toEqualTypeOf<TCPSocket<'string'>>()
expectTypeOf(TCPSocket.open('localhost', 80, { binaryType: 'arraybuffer' })).toEqualTypeOf(bytes)
expectTypeOf(new TCPSocket('localhost', 80, null)).toEqualTypeOf(text)

// Every socket is an EventTarget, and can be used where any TCPSocket will do.
expectTypeOf(text).toExtend<EventTarget>()
expectTypeOf(text).toExtend<TCPSocket>()
expectTypeOf(bytes).toExtend<TCPSocket>()
const socket: TCPSocket = Math.random() < 0.5 ? text : bytes
socket.ondata = (event) => expectTypeOf(event.data).toEqualTypeOf<string | ArrayBuffer>()

// Attributes are read-only.
expectTypeOf(text.host).toEqualTypeOf<string>()
expectTypeOf(text.port).toEqualTypeOf<number>()
expectTypeOf(text.ssl).toEqualTypeOf<boolean>()
expectTypeOf(text.transport.getTimeout(0)).toEqualTypeOf<number>()
expectTypeOf(text.transport.tlsSocketControl).toBeNull()
// @ts-expect-error
text.transport.setTimeout(2, 1)
expectTypeOf(text.bufferedAmount).toEqualTypeOf<number>()
expectTypeOf(text.localAddress).toEqualTypeOf<string | null>()
expectTypeOf(text.localPort).toEqualTypeOf<number | null>()
expectTypeOf(text.remoteAddress).toEqualTypeOf<string | null>()
expectTypeOf(text.remotePort).toEqualTypeOf<number | null>()
expectTypeOf(text.bytesRead).toEqualTypeOf<number>()
expectTypeOf(text.bytesWritten).toEqualTypeOf<number>()
expectTypeOf(text.readyState).toEqualTypeOf<TCPSocketReadyState>()
expectTypeOf(bytes.binaryType).toEqualTypeOf<'arraybuffer'>()
// @ts-expect-error
text.readyState = 'open'
// @ts-expect-error
text.host = 'elsewhere'

// Handlers.
text.onopen = function (event) {
  expectTypeOf(this).toEqualTypeOf<TCPSocket<'string'>>()
  expectTypeOf(event.data).toEqualTypeOf<''>()
}
text.ondata = (event) => expectTypeOf(event.data).toEqualTypeOf<string>()
bytes.ondata = ({ data }) => expectTypeOf(data).toEqualTypeOf<ArrayBuffer>()
bytes.ondrain = () => {}
bytes.onerror = (event) => {
  expectTypeOf(event).toEqualTypeOf<TCPSocketErrorEvent>()
  expectTypeOf(event.name).toEqualTypeOf<TCPSocketErrorName>()
  expectTypeOf(event.message).toEqualTypeOf<TCPSocketErrorClass>()
  expectTypeOf(event.errorCode).toEqualTypeOf<number>()
  expectTypeOf(event.data).toEqualTypeOf<TCPSocketError>()
  expectTypeOf(event.data).toExtend<Error>()
  expectTypeOf(event.data.code).toEqualTypeOf<string | undefined>()
}
bytes.onclose = null
// @ts-expect-error
bytes.onclose = 'close()'
// @ts-expect-error The data of this socket's events is an ArrayBuffer.
bytes.ondata = (event: TCPSocketEvent<string>) => event.data.length

// Listeners.
bytes.addEventListener('data', (event) => expectTypeOf(event.data).toEqualTypeOf<ArrayBuffer>())
bytes.addEventListener('error', (event) => expectTypeOf(event).toEqualTypeOf<TCPSocketErrorEvent>(), {
  once: true,
})
bytes.addEventListener('close', function () {
  expectTypeOf(this).toEqualTypeOf<TCPSocket<'arraybuffer'>>()
})
bytes.addEventListener('open', { handleEvent: (event) => expectTypeOf(event.data).toEqualTypeOf<''>() })
bytes.addEventListener('made-up', (event) => expectTypeOf(event).toEqualTypeOf<Event>())
bytes.addEventListener('open', null, { signal: new AbortController().signal })
const onOpen = (event: TCPSocketEvent<''>) => event.type
bytes.removeEventListener('open', onOpen, true)

// send.
expectTypeOf(text.send('abc')).toEqualTypeOf<boolean>()
expectTypeOf(text.send(new ArrayBuffer(4), 1, 2)).toEqualTypeOf<boolean>()
bytes.send('abc')
bytes.send(new ArrayBuffer(4), undefined, 2)
bytes.send(new Uint8Array(4), 1)
bytes.send(new DataView(new ArrayBuffer(4)))
// @ts-expect-error A string socket would send the text "0,0,0,0".
text.send(new Uint8Array(4))
declare const either: TCPSocket
// @ts-expect-error It may be a string socket.
either.send(new Uint8Array(4))
either.send(new ArrayBuffer(4))
// @ts-expect-error Offsets go with bytes.
text.send('abc', 1)
// @ts-expect-error
text.send()
// @ts-expect-error
bytes.send(42)

// The rest.
expectTypeOf(text.suspend).returns.toBeVoid()
expectTypeOf(text.resume).returns.toBeVoid()
expectTypeOf(text.upgradeToSecure).returns.toBeVoid()
expectTypeOf(text.close).returns.toBeVoid()
expectTypeOf(text.closeImmediately).returns.toBeVoid()
expectTypeOf(text.ref()).toEqualTypeOf(text)
expectTypeOf(text.unref()).toEqualTypeOf(text)

// Options.
expectTypeOf<{ ca: string }>().toExtend<TCPSocketOptions>()
expectTypeOf<{ ca: (string | Uint8Array)[] }>().toExtend<TCPSocketOptions>()
// @ts-expect-error
void new TCPSocket('localhost', 25, { binaryType: 'blob' })
// @ts-expect-error Throws at run time too.
void new TCPSocket('localhost', 25, { ALPNProtocols: ['imap'] })

// TLS.
void new TCPSocket('localhost', 993, {
  useSecureTransport: true,
  ca: ['PEM', new Uint8Array(1)],
  caOnly: true,
  crl: 'PEM',
  servername: 'mail.example',
  cert: 'PEM',
  key: 'PEM',
  passphrase: 'secret',
  alpnProtocols: ['imap'],
  minVersion: 'TLSv1.3',
  maxVersion: null,
  fingerprint256: 'AB:CD',
  rejectUnauthorized: true,
  sessionFrom: new TCPSocket('localhost', 990),
})
text.upgradeToSecure({ servername: 'mail.example' })
text.upgradeToSecure({ cert: 'PEM', key: 'PEM', handshakeTimeout: 5000 })
expectTypeOf(text.tls).toEqualTypeOf<TCPSocketTls | null>()
expectTypeOf(text.tls?.peerCertificate?.raw).toEqualTypeOf<Uint8Array | undefined>()
// @ts-expect-error
text.upgradeToSecure({ minVersion: 'TLSv1' })
// @ts-expect-error
void new TCPSocket('localhost')

// The class can be extended, and events can be made.
class Mine extends TCPSocket<'arraybuffer'> {
  greet() {
    return this.send(new Uint8Array(2))
  }
}
expectTypeOf(new Mine('localhost', 25).greet()).toEqualTypeOf<boolean>()
expectTypeOf(new TCPSocketEvent('data', { data: 'abc' }).data).toEqualTypeOf<string>()
expectTypeOf(new TCPSocketErrorEvent('error', { name: 'Mine' }).name).toEqualTypeOf<TCPSocketErrorName>()

// isInstance narrows.
const something: unknown = Math.random()
if (TCPSocketErrorEvent.isInstance(something)) expectTypeOf(something).toEqualTypeOf<TCPSocketErrorEvent>()
if (TCPSocketEvent.isInstance(something)) expectTypeOf(something).toEqualTypeOf<TCPSocketEvent>()
if (TCPSocket.isInstance(something)) expectTypeOf(something).toEqualTypeOf<TCPSocket>()

// mozTCPSocket is a socket too.
expectTypeOf(mozTCPSocket).toExtend<TCPSocket>()
expectTypeOf(mozTCPSocket.readyState).toEqualTypeOf<TCPSocketReadyState>()

/** Every name is one of these: `never` is left. */
export function shortName(name: TCPSocketErrorName) {
  if (name.startsWith('Security')) return 'tls'
  switch (name) {
    case 'ConnectionRefusedError':
    case 'DomainNotFoundError':
    case 'NetworkTimeoutError':
      return 'unreachable'
    case 'NetworkError':
    case 'NetworkInterruptError':
      return 'broken'
    case 'SecurityBadCertificateError':
    case 'SecurityCertificateDomainMismatchError':
    case 'SecurityCertificateSignatureAlgorithmDisabledError':
    case 'SecurityError':
    case 'SecurityExpiredCertificateError':
    case 'SecurityInadequateKeyUsageError':
    case 'SecurityNoCertificateError':
    case 'SecurityRevokedCertificateError':
    case 'SecurityUnsupportedCertificateTypeError':
    case 'SecurityUnsupportedTLSVersionError':
    case 'SecurityUntrustedCertificateIssuerError':
      return 'tls'
    default:
      expectTypeOf(name).toBeNever()
      return undefined
  }
}

// Options of TCP.
void new TCPSocket('localhost', 25, {
  localAddress: '127.0.0.1',
  localPort: '0',
  connectTimeout: 5000,
  timeout: '60000',
  keepAlive: true,
  keepAliveDelay: 30_000,
  noDelay: false,
  signal: new AbortController().signal,
})
void new TCPSocket('localhost', 25, { timeout: null, signal: undefined, keepAlive: null })
// @ts-expect-error
void new TCPSocket('localhost', 25, { keepAlive: 'yes' })
// @ts-expect-error An AbortController has a signal, and is none.
void new TCPSocket('localhost', 25, { signal: new AbortController() })
// @ts-expect-error For listeners.
void new TCPSocket('localhost', 25, { reusePort: true })
// @ts-expect-error Not supported, and it throws.
void new TCPSocket('localhost', 25, { family: 4 })
// @ts-expect-error
text.bytesRead = 0
