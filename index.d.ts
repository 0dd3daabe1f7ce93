/**
 * Firefox OS TCP sockets for Node.js. `docs/api.md` describes the behaviour at length.
 *
 * Each description ends with its source: "GeckoIDL" is `dom/webidl/TCPSocket.webidl` or `TCPServerSocket.webidl`,
 * "Gecko" is `dom/network/TCPSocket.cpp` or `TCPServerSocket.cpp`, "G1" is `dom/network/TCPSocket.js` (Firefox OS 1.x
 * and 2.x), and a number such as "Q-08" is a decision in `docs/porting.md`.
 *
 * `Event` and `EventTarget` come from `@types/node` or from TypeScript's `dom` library: have one of the two.
 *
 * @module moz-tcp-socket
 */

// As TypeScript's library "esnext.disposable" has them, for those who do not have that.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol
    readonly asyncDispose: unique symbol
  }
}

/** What `data` events carry: byte strings, or ArrayBuffers. (GeckoIDL) */
export type TCPSocketBinaryType = 'string' | 'arraybuffer'

/** The state of a connection. (GeckoIDL) */
export type TCPSocketReadyState = 'connecting' | 'open' | 'closing' | 'closed'

/** `event.data` of a `data` event, for a socket of binary type `B`. */
export type TCPSocketData<B extends TCPSocketBinaryType> = B extends 'arraybuffer' ? ArrayBuffer : string

/**
 * Bytes that `send` takes, on a socket of binary type `B`. A view, such as a Buffer, is bytes on an `'arraybuffer'`
 * socket alone: a `'string'` socket turns it into text (`'1,2,3'`), as Gecko did. (Gecko; Q-15)
 */
export type TCPSocketBytes<B extends TCPSocketBinaryType> = [B] extends ['arraybuffer']
  ? ArrayBuffer | ArrayBufferView
  : ArrayBuffer

/** A network error. (Gecko, `TCPSocket::FireErrorEvent`; Q-05) */
export type TCPSocketNetworkErrorName =
  | 'ConnectionRefusedError'
  | 'DomainNotFoundError'
  | 'NetworkError'
  | 'NetworkInterruptError'
  | 'NetworkTimeoutError'

/** A TLS error. (Gecko, `TCPSocket::FireErrorEvent`; Q-06) */
export type TCPSocketSecurityErrorName =
  | 'SecurityBadCertificateError'
  | 'SecurityCertificateDomainMismatchError'
  | 'SecurityCertificateSignatureAlgorithmDisabledError'
  | 'SecurityError'
  | 'SecurityExpiredCertificateError'
  | 'SecurityInadequateKeyUsageError'
  | 'SecurityNoCertificateError'
  | 'SecurityRevokedCertificateError'
  | 'SecurityUnsupportedCertificateTypeError'
  | 'SecurityUnsupportedTLSVersionError'
  | 'SecurityUntrustedCertificateIssuerError'

/** The `name` of every error event. `docs/api.md` lists the condition and the number of each. */
export type TCPSocketErrorName = TCPSocketNetworkErrorName | TCPSocketSecurityErrorName

/** The class of an error, which is the `message` of an error event. (Gecko) */
export type TCPSocketErrorClass = 'Network' | 'SecurityProtocol' | 'SecurityCertificate'

/** What the `data` of an error event is. (G1, where it was a DOMError; Q-03) */
export interface TCPSocketError extends Error {
  /** The same as the event's. */
  name: TCPSocketErrorName
  /** What failed: the host, the port if it came to that, and the reason in the words of the operating system or of the TLS library. */
  message: string
  /** The same as the event's. */
  errorCode: number
  /** The operating system's name of the error, such as `'ECONNREFUSED'`. Absent where no system call failed. */
  code?: string
  /** The operating system's number of the error, negative, as in `node:net`. Absent where `code` is. */
  errno?: number
  /**
   * What the TLS library said, such as `'certificate has expired'`. Absent where TLS did not fail. The wording may change
   * between versions. (An extension)
   */
  reason?: string
}

/** What is thrown by a call that the state of the socket does not allow. (Gecko, `NS_ERROR_FAILURE`) */
export interface TCPSocketStateError extends Error {
  name: 'NS_ERROR_FAILURE'
  /** The nsresult, 0x80004005. */
  result: number
}

/** What is thrown when the system refuses to listen. */
export interface TCPServerSocketListenError extends Error {
  /** The operating system's name of the error, such as `'EADDRINUSE'`, `'EACCES'` or `'EADDRNOTAVAIL'`. */
  code: string
  /** The operating system's number of the error, negative, as in `node:net`. */
  errno: number
  syscall: 'listen'
  /** The IP address that was asked for. */
  address: string
  /** The port that was asked for. */
  port: number
}

/** Certificates in PEM: one or several of them, as text or as bytes. */
export type TCPSocketCertificates = string | ArrayBuffer | ArrayBufferView

/** A version of TLS. Older ones are never spoken. */
export type TCPSocketTlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** A certificate with its key: either `cert` and `key`, or `pfx`. (An extension) */
export interface TCPSocketIdentity {
  /** The certificate in PEM, then those that lead to an authority, without that. Throws a TypeError without `key`. */
  cert?: TCPSocketCertificates | null | undefined
  /**
   * The private key of `cert` in PEM: PKCS #8, and on Linux PKCS #1 and SEC 1 too. Throws a TypeError if it is that of
   * another certificate, or encrypted without the right `passphrase`.
   */
  key?: TCPSocketCertificates | null | undefined
  /** Certificate and key in one PKCS #12 file. Throws a TypeError beside `cert` or `key`. */
  pfx?: ArrayBuffer | ArrayBufferView | null | undefined
  /** What `key` or `pfx` is encrypted with. */
  passphrase?: string | null | undefined
}

/**
 * How a client uses TLS: for `useSecureTransport`, and for `upgradeToSecure()`. Without any of these, the chain up to an
 * authority of the system and the host name are verified. Each option that is wrong, or that this platform does not
 * have, throws a TypeError that names it. (An extension: Firefox OS had no options but the system's)
 */
export interface TCPSocketTlsOptions extends TCPSocketIdentity {
  /** Certificate authorities to trust besides the system's. */
  ca?: TCPSocketCertificates | readonly TCPSocketCertificates[] | null | undefined
  /** Trust those in `ca` alone. Throws a TypeError without `ca`. Default: `false`. */
  caOnly?: boolean | null | undefined
  /**
   * Revocation lists in PEM. Where there is one, every certificate of a chain must be covered by a list of its issuer.
   * Not on Windows and macOS.
   */
  crl?: TCPSocketCertificates | readonly TCPSocketCertificates[] | null | undefined
  /**
   * The name to ask the server for (SNI) and to verify its certificate against, instead of the host. An IP address is
   * verified, and not sent (RFC 6066). What throws for a host throws here.
   */
  servername?: string | null | undefined
  /** Application protocols to offer, the best first, each 1 to 255 bytes; for instance `['imap']`. (RFC 7301) */
  alpnProtocols?: readonly string[] | null | undefined
  /** The oldest version to speak. Default: `'TLSv1.2'`. */
  minVersion?: TCPSocketTlsVersion | null | undefined
  /** The newest version to speak. Default: the newest there is. */
  maxVersion?: TCPSocketTlsVersion | null | undefined
  /**
   * The SHA-256 of the only certificate to accept: 32 bytes in hexadecimal, with or without colons, as
   * `peerCertificate.fingerprint256` has it, or as `openssl x509 -fingerprint -sha256` prints it. Another one is a `SecurityBadCertificateError`, before any byte is sent.
   * On Windows and macOS, throws a TypeError beside `cert` or `pfx`.
   *
   * Without `ca`, `crl` and `rejectUnauthorized` the pin is all that is verified: a certificate that is self-signed, expired
   * or for another name is fine if it is the one. With `ca`, `crl` or `rejectUnauthorized: true`, chain and name are
   * verified as well.
   */
  fingerprint256?: string | null | undefined
  /**
   * `false` accepts every server, whoever it is: anybody on the way can read and change everything. Warns once in a
   * process, unless there is `fingerprint256`. Throws a TypeError beside `caOnly` or `crl`. Default: `true`, unless there
   * is `fingerprint256`.
   */
  rejectUnauthorized?: boolean | null | undefined
  /**
   * A socket whose TLS session this connection takes up, at any port of the same server, as FTPS servers demand of data
   * connections. `tls.resumed` tells whether the server agreed; else there is a full handshake. A client whose handshake
   * is done, open or closed; it must have been verified as this one would be: all other TLS options and the name
   * (`servername`, or else the host) are equal. Anything else throws a TypeError, and so does `crl` beside it, and this option on
   * Windows and macOS.
   */
  sessionFrom?: TCPSocket | null | undefined
}

/** How a server uses TLS. Each option that is wrong throws a TypeError that names it. (An extension) */
export interface TCPServerSocketTlsOptions extends TCPSocketIdentity {
  /**
   * Application protocols to choose from, the best first. A client that offers only others is refused. (RFC 7301)
   * Throws a TypeError on macOS.
   */
  alpnProtocols?: readonly string[] | null | undefined
  /** The oldest version to speak. Default: `'TLSv1.2'`. */
  minVersion?: TCPSocketTlsVersion | null | undefined
  /** The newest version to speak. Default: the newest there is. */
  maxVersion?: TCPSocketTlsVersion | null | undefined
  /**
   * How long a client may take for its handshake, in milliseconds: 1 to 600000. Out of range throws a RangeError.
   * Default: 10000.
   */
  handshakeTimeout?: number | string | null | undefined
}

/**
 * A certificate that a peer presented, as `crypto.X509Certificate` of Node.js tells it. What that cannot read is `null`;
 * `fingerprint256` and `raw` are always there.
 */
export interface TCPSocketCertificate {
  /** For instance `'CN=mail.example'`; one line for each attribute. */
  readonly subject: string | null
  /** The same of who signed it. */
  readonly issuer: string | null
  /** For instance `'Nov 23 02:37:04 2026 GMT'`. */
  readonly validFrom: string | null
  readonly validTo: string | null
  /** The SHA-256 in upper-case hexadecimal with colons. */
  readonly fingerprint256: string
  /** The certificate itself, in DER. */
  readonly raw: Uint8Array
}

/** What a TLS handshake led to. `null` where there is nothing, or where this platform does not tell. (An extension) */
export interface TCPSocketTls {
  /** `null` on Windows and macOS. */
  readonly protocol: TCPSocketTlsVersion | null
  /** The cipher suite by its IANA name, such as `'TLS_AES_256_GCM_SHA384'`. `null` on Windows and macOS. */
  readonly cipher: string | null
  /** What was agreed on of `alpnProtocols`. */
  readonly alpnProtocol: string | null
  /** The name that was asked for (SNI); `null` for an IP address, and on Windows and macOS. */
  readonly servername: string | null
  /** Whether an earlier session was taken up, which saves half of the handshake. `null` on Windows and macOS. */
  readonly resumed: boolean | null
  /** `null` on a server: clients are not asked for certificates. */
  readonly peerCertificate: TCPSocketCertificate | null
}

/**
 * How connections use TCP. Without any of these all is as Firefox OS had it. Names are those of `node:net`, except
 * `keepAliveDelay`, which is `keepAliveInitialDelay` there. `null` is as if absent. (An extension)
 */
export interface TCPSocketTcpOptions {
  /**
   * How long the connection may be silent, in milliseconds: when no byte has come or was written for that time, it fails with
   * `NetworkTimeoutError`, then `close`. 0 to 2147483647; 0 is any time. While suspended, what is not read does not count. On
   * a client that has no `connectTimeout`, it limits connecting too, as in Node.js. Out of range throws a RangeError.
   * Default: 0.
   */
  timeout?: number | string | null | undefined
  /** Whether the operating system asks a silent peer if it is still there. Default: `false`. */
  keepAlive?: boolean | null | undefined
  /**
   * How long a peer is silent before it is asked, in milliseconds, rounded up to seconds: 0 to 32767000. Ten questions follow, one
   * each second, as in Node.js; then it is a `NetworkTimeoutError`. 0 leaves all that to the operating system (two hours,
   * mostly). Throws a TypeError without `keepAlive: true`, and a RangeError out of range. Default: 0.
   */
  keepAliveDelay?: number | string | null | undefined
  /** Small pieces leave at once: Nagle's algorithm is off. Default: `true`, unlike in `node:net`. */
  noDelay?: boolean | null | undefined
}

/**
 * How to connect. Unknown keys are ignored, except options of other libraries that could matter, such as `ciphers`,
 * `checkServerIdentity`, `family` or `lookup`, and other names for those here, such as `caonly`, `tls`, `secure`, `bind` or
 * `keepalive`: each of those throws a TypeError, because ignoring it could mean less than was asked for. TLS options are kept for `upgradeToSecure()` where `useSecureTransport` is not given. (GeckoIDL,
 * `SocketOptions`; Q-39)
 */
export interface TCPSocketOptions<B extends TCPSocketBinaryType = TCPSocketBinaryType>
  extends TCPSocketTlsOptions, TCPSocketTcpOptions {
  /** What `data` events carry. Any value but the two throws a TypeError. Default: `'string'`. (GeckoIDL; Q-36) */
  binaryType?: B | undefined
  /**
   * TLS from the first byte: `open` fires when the peer's certificate is verified, and a failure is an error event
   * named `Security…`. Default: `false`. (GeckoIDL; Q-08)
   */
  useSecureTransport?: boolean | undefined
  /** What Firefox OS 1.0 called `useSecureTransport`. (G1; Q-39) */
  useSSL?: boolean | undefined
  /**
   * The IP address of this machine to connect from, without brackets or a zone. Of a host that is a name, only addresses of the
   * same family are tried; none of them is a `DomainNotFoundError`. Anything but an IP address throws a TypeError, and so does one
   * of another family than a host that is an address. One that this machine does not have is a `NetworkError` with the code
   * `'EADDRNOTAVAIL'`. Default: the operating system chooses. (An extension)
   */
  localAddress?: string | undefined
  /**
   * The port to connect from: 1 to 65535; 0 and -1 are any. One that is taken is a `NetworkError` with the code `'EADDRINUSE'`. Out of
   * range throws a RangeError. Default: 0. (An extension)
   */
  localPort?: number | string | null | undefined
  /**
   * How long it may take until `open`, in milliseconds: the lookup of a name, all its addresses and, with `useSecureTransport`, the TLS
   * handshake, which in any case has 30000 milliseconds at most. Then it fails with `NetworkTimeoutError`, then `close`.
   * 0 to 2147483647; 0 is any time that the operating system takes. Out of range throws a RangeError. Default: that of
   * `timeout`. (An extension)
   */
  connectTimeout?: number | string | null | undefined
  /**
   * Closes the socket when it is aborted: while connecting as `close()` does, when open or closing as `closeImmediately()` does. If
   * it is aborted already, nobody is connected to, and `close` follows. No listener of it stays there after `close`. Throws a
   * TypeError for what is no AbortSignal. (An extension)
   */
  signal?: AbortSignal | null | undefined
}

/**
 * How to listen. With a certificate and without `useSecureTransport`, accepted sockets begin in the clear, and
 * `upgradeToSecure()` uses that certificate. `timeout`, `keepAlive`, `keepAliveDelay` and `noDelay` are those of accepted
 * sockets. Options that are for clients, such as `ca`, `servername` or `connectTimeout`, and those of other libraries that could
 * matter, such as `exclusive` or `backlog`, throw a TypeError. (GeckoIDL, `ServerSocketOptions`)
 */
export interface TCPServerSocketOptions<B extends TCPSocketBinaryType = TCPSocketBinaryType>
  extends TCPServerSocketTlsOptions, TCPSocketTcpOptions {
  /** The binary type of the sockets it accepts. Default: `'string'`. (GeckoIDL) */
  binaryType?: B | undefined
  /**
   * TLS from the first byte of every connection: `connect` fires when the handshake is done. Throws a TypeError without
   * `cert` and `key`, or `pfx`. Default: `false`. (An extension)
   */
  useSecureTransport?: boolean | undefined
  /** The same. */
  useSSL?: boolean | undefined
  /**
   * The IP address to listen at, without brackets. `'::'` means IPv6 and IPv4. Anything but an IP address throws a
   * TypeError. Default: `'0.0.0.0'`, all IPv4 addresses. (An extension; Q-34)
   */
  localAddress?: string | undefined
  /**
   * With `localAddress: '::'`: not for IPv4. Throws a TypeError without an IPv6 address. Default: `false`. (An extension, as
   * `node:net`)
   */
  ipv6Only?: boolean | null | undefined
  /**
   * Listens beside others on the same port, if all of them say so; the operating system spreads connections over them. Throws a
   * TypeError where it does not: elsewhere than on Linux. Default: `false`. (An extension, as `node:net`)
   */
  reusePort?: boolean | null | undefined
  /**
   * Closes the server when it is aborted, as `close()` does. If it is aborted already, it does not listen at all, and
   * `localPort` is what was asked for. Throws a TypeError for what is no AbortSignal. (An extension, as `node:net`)
   */
  signal?: AbortSignal | null | undefined
}

/** Options of `addEventListener`, as Node.js has them. */
export interface TCPSocketListenerOptions {
  capture?: boolean
  once?: boolean
  passive?: boolean
  signal?: AbortSignal
}

/**
 * A handler attribute's function. What it throws becomes an uncaught exception, and the socket goes on.
 *
 * It is written as a method so that a socket of one binary type can be used where any socket will do.
 */
export type TCPSocketEventHandler<This, Argument> =
  | { handler(this: This, event: Argument): unknown }['handler']
  | null

/** A listener, for `addEventListener`. */
export type TCPSocketEventListener<This, E extends Event> =
  | { listener(this: This, event: E): unknown }['listener']
  | { handleEvent(event: E): unknown }

/** The events of a TCPSocket, by type. */
export interface TCPSocketEventMap<B extends TCPSocketBinaryType = TCPSocketBinaryType> {
  /** Connected; and, with `useSecureTransport`, verified. Not for accepted sockets, which are open from the start. */
  open: TCPSocketEvent<''>
  /** Bytes arrived. Never empty. How bytes are cut into events has no meaning. */
  data: TCPSocketEvent<TCPSocketData<B>>
  /** Everything that was sent is with the operating system, and 65536 bytes or more had been pending before. */
  drain: TCPSocketEvent<''>
  /** The connection failed. `close` follows, in a task of its own: microtasks run before it. (Gecko; Q-02) */
  error: TCPSocketErrorEvent
  /** The last event, whoever ended the connection and why. It comes once. */
  close: TCPSocketEvent<''>
}

/** The events of a TCPServerSocket, by type. */
export interface TCPServerSocketEventMap<B extends TCPSocketBinaryType = TCPSocketBinaryType> {
  /** Somebody connected. */
  connect: TCPServerSocketEvent<B>
  /** Listening ended by itself, which only an error of the operating system can do. The server is closed. */
  error: TCPSocketErrorEvent
}

/** `open`, `data`, `drain` and `close` of a TCPSocket. (GeckoIDL, `TCPSocketEvent`; Q-04) */
export declare class TCPSocketEvent<Data = any> extends Event {
  /** Whether `value`, which may be anything, is one. (Gecko, for its own code) */
  static isInstance(value: unknown): value is TCPSocketEvent
  constructor(
    type: string,
    init?: { data?: Data; bubbles?: boolean; cancelable?: boolean; composed?: boolean },
  )
  /** What arrived, for `data`; `''` for the other types. `null` where a script made the event without data. */
  readonly data: Data
}

/** `error` of a TCPSocket or of a TCPServerSocket. (GeckoIDL, `TCPSocketErrorEvent`; Q-03) */
export declare class TCPSocketErrorEvent extends Event {
  /** Whether `value`, which may be anything, is one. (Gecko, for its own code) */
  static isInstance(value: unknown): value is TCPSocketErrorEvent
  constructor(
    type: string,
    init?: {
      name?: string
      message?: string
      errorCode?: number
      data?: unknown
      bubbles?: boolean
      cancelable?: boolean
      composed?: boolean
    },
  )
  /** What happened, in Gecko's word for it. */
  readonly name: TCPSocketErrorName
  /** Its class. The reason, for a person to read, is `data.message`. */
  readonly message: TCPSocketErrorClass
  /** Gecko's nsresult, an unsigned 32-bit number. */
  readonly errorCode: number
  /** An Error with everything that is known. */
  readonly data: TCPSocketError
}

/** `connect` of a TCPServerSocket. (GeckoIDL, `TCPServerSocketEvent`; Q-27) */
export declare class TCPServerSocketEvent<B extends TCPSocketBinaryType = TCPSocketBinaryType> extends Event {
  /** Whether `value`, which may be anything, is one. (Gecko, for its own code) */
  static isInstance(value: unknown): value is TCPServerSocketEvent
  constructor(
    type: string,
    init?: { socket?: TCPSocket<B>; bubbles?: boolean; cancelable?: boolean; composed?: boolean },
  )
  /** The accepted socket, which is open. Attach handlers before the `connect` handler returns, or its promise is settled. */
  readonly socket: TCPSocket<B>
  /** The same. (MDN) */
  readonly data: TCPSocket<B>
}

/** What Gecko's own code does with what is below a socket. (Gecko, `nsISocketTransport`; an extension) */
export interface TCPSocketTransport {
  readonly TIMEOUT_CONNECT: 0
  readonly TIMEOUT_READ_WRITE: 1
  /** Always `null`: `tls` of the socket tells what there is to know. */
  readonly tlsSocketControl: null
  /**
   * How long connecting (0) or silence (1) may last, in whole seconds, 0 to 4294967295; from 65535 on it is for ever. Throws a
   * TypeError for what is no whole number, and a RangeError for another type or out of range.
   */
  setTimeout(type: 0 | 1, seconds: number): void
  /** What was set, at most 65535, which is also what it is without. Throws a RangeError for another type. */
  getTimeout(type: 0 | 1): number
}

/** A TCP connection, which may be secured by TLS. (GeckoIDL, `TCPSocket`) */
export interface TCPSocket<B extends TCPSocketBinaryType = TCPSocketBinaryType> extends EventTarget {
  /** The host as it was given. Of an accepted socket: the peer's IP address. (GeckoIDL) */
  readonly host: string
  /** The port, 1 to 65535. Of an accepted socket: the peer's own port, not the one it connected to. (GeckoIDL) */
  readonly port: number
  /** Whether TLS is used: from the start, or since `upgradeToSecure()` was called. (GeckoIDL) */
  readonly ssl: boolean
  /**
   * What the TLS handshake led to; `null` before it is done, and without TLS. It can be read after the socket was closed.
   * (An extension)
   */
  readonly tls: TCPSocketTls | null
  /**
   * Bytes that `send` accepted and that the operating system does not have yet. Exact; it shrinks between turns of
   * JavaScript only, and is 0 once the socket is closed. (GeckoIDL; Q-22)
   */
  readonly bufferedAmount: number
  /** What `data` events carry. It never changes. (GeckoIDL) */
  readonly binaryType: B
  /** For Gecko's own code, such as Thunderbird's mail clients. Not enumerable. (GeckoIDL, for chrome code) */
  readonly transport: TCPSocketTransport
  /** `'closed'` already when `error` and `close` fire. (GeckoIDL) */
  readonly readyState: TCPSocketReadyState
  /**
   * The IP address of this end. `null` until `open`, and where there never was a connection; it can be read after the socket was
   * closed. So are the next three. IPv4 is IPv4 also on a listener of both families. (As `node:net`)
   */
  readonly localAddress: string | null
  /** The port of this end. (As `node:net`) */
  readonly localPort: number | null
  /** The peer's IP address: of those of `host`, the one that is connected to. (As `node:net`) */
  readonly remoteAddress: string | null
  /** The peer's port. (As `node:net`) */
  readonly remotePort: number | null
  /** How many bytes `data` events have carried. With TLS, bytes of the application. (As `node:net`) */
  readonly bytesRead: number
  /**
   * How many bytes `send` has accepted, those included that are still pending. With TLS, bytes of the application. (As
   * `node:net`)
   */
  readonly bytesWritten: number

  onopen: TCPSocketEventHandler<TCPSocket<B>, TCPSocketEventMap<B>['open']>
  ondata: TCPSocketEventHandler<TCPSocket<B>, TCPSocketEventMap<B>['data']>
  ondrain: TCPSocketEventHandler<TCPSocket<B>, TCPSocketEventMap<B>['drain']>
  onerror: TCPSocketEventHandler<TCPSocket<B>, TCPSocketEventMap<B>['error']>
  onclose: TCPSocketEventHandler<TCPSocket<B>, TCPSocketEventMap<B>['close']>

  /**
   * Sends bytes. All of them are accepted, whatever is returned; they are copied before `send` returns and leave at
   * the end of the turn. In a string each character is one byte, U+0000 to U+00FF.
   *
   * Returns `true` while no more than 65536 bytes are pending, and `false` above: then wait for `drain` before you send
   * more.
   *
   * Throws a TypeError for a character above U+00FF, for a SharedArrayBuffer or a detached one, and, on an
   * `'arraybuffer'` socket, for what is neither bytes nor a string; a RangeError for 2 GiB or more. Throws a
   * `TCPSocketStateError` unless `readyState` is `'open'`. (GeckoIDL)
   */
  send(data: string | TCPSocketBytes<B>): boolean
  /**
   * Sends a part of `data`: `byteLength` bytes from `byteOffset`, or all from there on. Both are in bytes, count from
   * the start of `data`, are taken modulo 2^32, and are clamped to it. Throws a TypeError when `data` is a string. (GeckoIDL)
   */
  send(data: TCPSocketBytes<B>, byteOffset: number | undefined, byteLength?: number): boolean

  /**
   * Stops reading and `data`, until `resume()` was called as often as `suspend()`. TCP then slows the peer down. What the
   * peer does, ending the connection included, goes unnoticed meanwhile. Allowed in every state. (GeckoIDL; Q-13)
   */
  suspend(): void
  /** Takes one `suspend()` back. Throws a `TCPSocketStateError` if there is none. (GeckoIDL; Q-14) */
  resume(): void

  /**
   * STARTTLS: what was sent before goes out as it is, what is sent later goes out encrypted, to a peer whose certificate
   * is valid for `host`. There is no event for success; `tls` is there then. Failure is an error event named `Security…`,
   * then `close`; so is a byte of plaintext that arrives after this call. What followed the consent in the same `data`
   * event came in the clear: it is the application's to throw away.
   *
   * `options` are added to the TLS options that the socket was made with, and override them. An accepted socket waits for
   * its client's hello, at most `handshakeTimeout`; it presents the certificate in `options`, which then go for all of its
   * TLS, or the listener's. Options that are not about TLS, with which the socket or its listener can be made (`timeout`,
   * `signal`, …), are ignored, whatever their value; any other key throws a TypeError, unless its value is `undefined` or `null`.
   *
   * Throws a `TCPSocketStateError` unless `readyState` is `'open'`, and a TypeError for bad options, for TLS options when
   * `ssl` is true already, or on an accepted socket without a certificate. Without such options does nothing when `ssl` is
   * true. (GeckoIDL, without options; RFC 3207)
   */
  upgradeToSecure(options?: TCPSocketTlsOptions | TCPServerSocketTlsOptions | null): void

  /**
   * Ends the connection after everything that was sent. `close` follows; `data` does not come any more. While
   * connecting, it stops that, and only `close` follows. Does nothing on a socket that is closing or closed. (GeckoIDL;
   *
   */
  close(): void
  /**
   * As `close()`, without what the operating system does not have yet. No `drain` follows. After a `close()` that is not
   * complete it drops what that still waits to send. Does nothing on a socket that is closed. (docs/porting.md)
   */
  closeImmediately(): void

  /**
   * Keeps the process alive until the socket is closed and the peer has what was sent, which is the default. Without effect
   * once `close` has fired. (As `node:net`)
   */
  ref(): this
  /** Lets the process end meanwhile. Without effect once `close` has fired. (As `node:net`) */
  unref(): this

  /** `close()`, at the end of a block of `using`. What was sent is delivered. (An extension; Node.js 20.4 or later) */
  [Symbol.dispose](): void
  /** `close()`, and resolves when `close` has fired, for whatever reason. (An extension; Node.js 20.4 or later) */
  [Symbol.asyncDispose](): Promise<void>

  addEventListener<K extends keyof TCPSocketEventMap>(
    type: K,
    listener: TCPSocketEventListener<TCPSocket<B>, TCPSocketEventMap<B>[K]> | null,
    options?: boolean | TCPSocketListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: TCPSocketEventListener<TCPSocket<B>, Event> | null,
    options?: boolean | TCPSocketListenerOptions,
  ): void
  removeEventListener<K extends keyof TCPSocketEventMap>(
    type: K,
    listener: TCPSocketEventListener<TCPSocket<B>, TCPSocketEventMap<B>[K]> | null,
    options?: boolean | { capture?: boolean },
  ): void
  removeEventListener(
    type: string,
    listener: TCPSocketEventListener<TCPSocket<B>, Event> | null,
    options?: boolean | { capture?: boolean },
  ): void
}

/** What `mozTCPSocket` and `TCPSocket` can make. */
export interface TCPSocketFactory {
  /** The same as `new TCPSocket(host, port, options)`. (G1) */
  open<B extends TCPSocketBinaryType = 'string'>(
    host: string,
    port: number | string,
    options?: TCPSocketOptions<B> | null,
  ): TCPSocket<B>
  /**
   * As `new TCPServerSocket(port, options, backlog)`, but `onconnect` is called with the accepted socket itself. That
   * socket has a property `socket`, which is itself, so that handlers for an event work too. (G1; Q-27)
   */
  listen<B extends TCPSocketBinaryType = 'string'>(
    port: number | string,
    options?: TCPServerSocketOptions<B> | null,
    backlog?: number | string | null,
  ): TCPServerSocket<B, AcceptedTCPSocket<B>>
}

/** What `onconnect` of a server made by `listen` gets. */
export type AcceptedTCPSocket<B extends TCPSocketBinaryType = TCPSocketBinaryType> = TCPSocket<B> & {
  /** The socket itself. */
  readonly socket: TCPSocket<B>
}

export declare const TCPSocket: TCPSocketFactory & {
  /**
   * Starts to connect; `readyState` is `'connecting'`. `open` follows, or `error` and `close`; never before the current
   * turn ends.
   *
   * `host` is a name, or an IP address without brackets. `port` is 1 to 65535, as a number or a decimal string.
   *
   * Throws a TypeError for a host that is empty, holds a space, a control character or any of `[/:@?#\\`, is longer than 253
   * bytes, is not a valid internationalized name, or ends in a number without being an IPv4 address; for a port that is
   * not an integer; and for bad options. Throws a RangeError for a port or a time out of range. Throws an Error where `setPolicy`
   * does not allow it, and when the system has no thread or descriptor to begin with; one with the `code`
   * `'ERR_ACCESS_DENIED'` where Node's permission model does not allow it. (GeckoIDL)
   *
   * Without `connectTimeout` or `timeout`, there is no deadline but the operating system's (about two minutes on Linux). A TLS handshake
   * fails with `NetworkTimeoutError` after 30000 milliseconds; `connectTimeout` and `timeout` can make that shorter, and not longer.
   */
  new <B extends TCPSocketBinaryType = 'string'>(
    host: string,
    port: number | string,
    options?: TCPSocketOptions<B> | null,
  ): TCPSocket<B>
  /** Whether `value`, which may be anything, is one. (Gecko, for its own code) */
  isInstance(value: unknown): value is TCPSocket
  readonly prototype: TCPSocket
}

/**
 * A listening socket. `Argument` is what its `onconnect` is called with. (GeckoIDL, `TCPServerSocket`)
 */
export interface TCPServerSocket<
  B extends TCPSocketBinaryType = TCPSocketBinaryType,
  Argument = TCPServerSocketEvent<B>,
> extends EventTarget {
  /** The IP address it listens at. (As `localPort`) */
  readonly localAddress: string
  /**
   * The port it listens on: the real one, also where any free port was asked for. It does not change when the server is closed.
   * One whose `signal` was aborted before never listened: it answers the port that was asked for, and 0 for any. (GeckoIDL; Q-33)
   */
  readonly localPort: number

  /**
   * Connections that came with `useSecureTransport` and were dropped because their handshake failed or took too long. No
   * event tells of them: any stranger can cause one. (An extension)
   */
  readonly failedHandshakes: number

  /**
   * Somebody connected. An accepted socket is closed at once when there is neither a handler nor a listener, and when the
   * handler throws. (GeckoIDL)
   *
   * Where the handler, or a listener, returns a promise, the socket delivers nothing until that is settled or somebody
   * listens for its `data`. When the handler's rejects, the socket is closed, and the rejection is an unhandled one. (An
   * extension)
   */
  onconnect: TCPSocketEventHandler<TCPServerSocket<B, Argument>, Argument>
  onerror: TCPSocketEventHandler<TCPServerSocket<B, Argument>, TCPSocketErrorEvent>

  /**
   * Stops listening; the port is free when it returns. No event follows. Accepted sockets stay as they are. Does nothing
   * the second time. (GeckoIDL; Q-44)
   */
  close(): void

  /** Keeps the process alive while the server is not closed, which is the default. (As `node:net`) */
  ref(): this
  /** Lets the process end although the server is not closed. (As `node:net`) */
  unref(): this

  /** `close()`, at the end of a block of `using`. (An extension; Node.js 20.4 or later) */
  [Symbol.dispose](): void
  /** The same; resolves when the port is free. Accepted sockets stay as they are. (An extension; Node.js 20.4 or later) */
  [Symbol.asyncDispose](): Promise<void>

  addEventListener<K extends keyof TCPServerSocketEventMap>(
    type: K,
    listener: TCPSocketEventListener<TCPServerSocket<B, Argument>, TCPServerSocketEventMap<B>[K]> | null,
    options?: boolean | TCPSocketListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: TCPSocketEventListener<TCPServerSocket<B, Argument>, Event> | null,
    options?: boolean | TCPSocketListenerOptions,
  ): void
  removeEventListener<K extends keyof TCPServerSocketEventMap>(
    type: K,
    listener: TCPSocketEventListener<TCPServerSocket<B, Argument>, TCPServerSocketEventMap<B>[K]> | null,
    options?: boolean | { capture?: boolean },
  ): void
  removeEventListener(
    type: string,
    listener: TCPSocketEventListener<TCPServerSocket<B, Argument>, Event> | null,
    options?: boolean | { capture?: boolean },
  ): void
}

export declare const TCPServerSocket: {
  /**
   * Listens when it returns. `port` is 1 to 65535, as a number or a decimal string; 0 and -1 mean any free port.
   * `backlog` is how many connections the operating system holds until they are accepted, up to 2147483647; omitted, 0
   * and negative mean 511, as in Node.js.
   *
   * Throws a TypeError or a RangeError for bad arguments, and a `TCPServerSocketListenError` when the system refuses.
   * Throws an Error where `setPolicy` does not allow it, and when the system has no thread or descriptor to begin with; one
   * with the `code` `'ERR_ACCESS_DENIED'` where Node's permission model does not allow it. (GeckoIDL)
   */
  new <B extends TCPSocketBinaryType = 'string'>(
    port: number | string,
    options?: TCPServerSocketOptions<B> | null,
    backlog?: number | string | null,
  ): TCPServerSocket<B>
  /** Whether `value`, which may be anything, is one. (Gecko, for its own code) */
  isInstance(value: unknown): value is TCPServerSocket
  readonly prototype: TCPServerSocket
}

/** `navigator.mozTCPSocket`: an object that is itself a socket which was never connected. (G1; Q-47) */
export interface MozTCPSocket extends TCPSocket<'string'>, TCPSocketFactory {}

export declare const mozTCPSocket: MozTCPSocket

/** What a UDPSocket can be made with. (Gecko, `UDPOptions`) */
export interface UDPOptions {
  /** The IP address to receive at. Default: all IPv4 addresses, or all addresses where `remoteAddress` is an IPv6 address. */
  readonly localAddress?: string | undefined
  /** The port to receive at, 1 to 65535. Default: any free port. */
  readonly localPort?: number | undefined
  /** Where `send` sends to that is told nothing else: a name or an IP address. It is no filter: everybody is heard. */
  readonly remoteAddress?: string | undefined
  /** The port that goes with `remoteAddress`, 1 to 65535. */
  readonly remotePort?: number | undefined
  /** Others may bind to `localPort` as well, if all of them say so (SO_REUSEADDR). Default: true. */
  readonly addressReuse?: boolean | undefined
  /** What it sends to a group comes to the members on this host, itself included. Default: false. */
  readonly loopback?: boolean | undefined
}

/** The events of a UDPSocket, by type. */
export interface UDPSocketEventMap {
  /** A datagram arrived. */
  message: UDPMessageEvent
}

/** `message` of a UDPSocket. (Gecko, `UDPMessageEvent`) */
export declare class UDPMessageEvent extends Event {
  /** Whether `value`, which may be anything, is one. (Gecko, for its own code) */
  static isInstance(value: unknown): value is UDPMessageEvent
  constructor(
    type: string,
    init?: {
      data?: unknown
      remoteAddress?: string
      remotePort?: number
      bubbles?: boolean
      cancelable?: boolean
      composed?: boolean
    },
  )
  /** Exactly the bytes of the datagram, 0 to 65535 of them; the application's own. */
  readonly data: ArrayBuffer
  /** The sender's IP address. A link-local IPv6 address has the number of its link behind it: `fe80::1%2`. */
  readonly remoteAddress: string
  /** The sender's port. */
  readonly remotePort: number
}

/**
 * Datagrams (UDP), with multicast. It is bound in a task after the one that made it. There is no `error` and no `close` event: `opened` and
 * `closed` tell. (Gecko, `UDPSocket`; docs/udp.md)
 */
export declare class UDPSocket extends EventTarget {
  /** Whether `value`, which may be anything, is one. (Gecko, for its own code) */
  static isInstance(value: unknown): value is UDPSocket
  /**
   * Throws an `InvalidAccessError` for a `localAddress` that is no IP address, and for a port 0; a TypeError for a port out of range and for
   * options that are no object; and an Error where `setPolicy` does not allow it.
   */
  constructor(options?: UDPOptions | null)
  /** `null` before it is open, unless it was given. It stays when the socket is closed. */
  readonly localAddress: string | null
  /** As `localAddress`; never 0. */
  readonly localPort: number | null
  /** As it was given. */
  readonly remoteAddress: string | null
  /** As it was given. */
  readonly remotePort: number | null
  /** As it was given. */
  readonly addressReuse: boolean
  /** As it was given. */
  readonly loopback: boolean
  readonly readyState: 'opening' | 'open' | 'closed'
  /**
   * Fulfils when it is bound. Rejects with a DOMException: `NetworkError`, whose `cause` has the system's `code`, or `AbortError` where
   * `close()` came first. It always is the same promise, and nobody has to handle it.
   */
  readonly opened: Promise<undefined>
  /** Fulfils after `close()`, and rejects with `NetworkError` where the socket failed. As `opened`. */
  readonly closed: Promise<undefined>
  /**
   * Sends one datagram, of 0 to 65507 bytes (65535 over IPv6); text as UTF-8. Answers true, whatever becomes of it: what the system does
   * not take, or whose name nobody has, is lost. A Blob is read first; what is sent after it leaves after it.
   *
   * Throws an `InvalidStateError` unless it is open, an `InvalidAccessError` where there is no address or port, or port 0; a TypeError
   * for shared memory, a host that is none, and a port out of range; a RangeError for more bytes than a datagram can have.
   */
  send(
    data: string | Blob | ArrayBuffer | ArrayBufferView,
    remoteAddress?: string | null,
    remotePort?: number | null,
  ): boolean
  /**
   * Hears what is sent to a multicast group, at the interface that the system chooses. While it opens, that waits. To be a member already
   * is no error. Throws an `InvalidAccessError` for what is no multicast address, and an `InvalidStateError` when it is closed. Where the
   * system refuses, the socket fails with `NetworkError`.
   */
  joinMulticastGroup(multicastGroupAddress: string): void
  /** Takes that back. Not to be a member is no error. Throws as `joinMulticastGroup`. */
  leaveMulticastGroup(multicastGroupAddress: string): void
  /** Closes at once; what the system does not have yet is lost. Returns `closed`. */
  close(): Promise<undefined>
  /** Keeps the process alive until it is closed, which is the default. (As `node:dgram`) */
  ref(): this
  /** Lets the process end meanwhile. (As `node:dgram`) */
  unref(): this
  onmessage: ((this: UDPSocket, event: UDPMessageEvent) => unknown) | null;
  /** `close()`, at the end of a block of `using`. (An extension; Node.js 20.4 or later) */
  [Symbol.dispose](): void
  /** `close()`, and resolves when it is closed, also where it had failed. (An extension; Node.js 20.4 or later) */
  [Symbol.asyncDispose](): Promise<void>

  addEventListener<K extends keyof UDPSocketEventMap>(
    type: K,
    listener: TCPSocketEventListener<UDPSocket, UDPSocketEventMap[K]> | null,
    options?: boolean | TCPSocketListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: TCPSocketEventListener<UDPSocket, Event> | null,
    options?: boolean | TCPSocketListenerOptions,
  ): void
  removeEventListener<K extends keyof UDPSocketEventMap>(
    type: K,
    listener: TCPSocketEventListener<UDPSocket, UDPSocketEventMap[K]> | null,
    options?: boolean | { capture?: boolean },
  ): void
  removeEventListener(
    type: string,
    listener: TCPSocketEventListener<UDPSocket, Event> | null,
    options?: boolean | { capture?: boolean },
  ): void
}

/** What an application is, and what it asks for. */
export interface TCPSocketManifestFeatures {
  /** Who vouches for the application. Default: `'web'`, which is nobody, and never gets the permission. */
  readonly type?: 'web' | 'privileged' | 'certified' | (string & {}) | undefined
  /** By name. The permission is there when its value is an object, which holds a description for people. */
  readonly permissions?:
    | {
        readonly 'tcp-socket'?: object | undefined
        readonly 'udp-socket'?: object | undefined
        /** Of `moz-tcp-socket/w3c`: an object, or a function that answers each request (docs/w3c.md). */
        readonly 'raw-socket'?: object | undefined
        readonly [name: string]: unknown
      }
    | undefined
  readonly [member: string]: unknown
}

/**
 * What of an application's manifest matters here. Everything else in it is ignored. (MDN)
 */
export interface TCPSocketManifest extends TCPSocketManifestFeatures {
  /** Of KaiOS 3, which has these members here. Where it is there, it alone is read. */
  readonly b2g_features?:
    | (TCPSocketManifestFeatures & {
        /** Its own names are allowed, too: they mean `'web'`, `'privileged'` and `'certified'`. */
        readonly type?: 'pwa' | 'signed' | 'core' | (string & {}) | undefined
        /** `true` means `'certified'`, whatever the type. */
        readonly core?: boolean | undefined
      })
    | undefined
}

/**
 * From now on sockets are made as `manifest` allows it, and no longer by everybody. `null` takes that back.
 *
 * Without the permission `tcp-socket`, or with the type `'web'`, `open`, `listen` and both constructors throw an Error,
 * "TCPSocket does not have permission in this context.\n"; without `udp-socket` so does the constructor of UDPSocket. Unless the type is `'certified'`, listening on the ports 1 to
 * 1023 throws an Error that names the port; for a certified application it is up to the operating system. Connecting is
 * allowed to every port. Sockets and listeners that are there already are not affected.
 *
 * It goes for the whole process: for all of its threads and realms, and for those that load the package later. A copy that is
 * installed elsewhere has a policy of its own. It shows an application what it would meet on a device, and does not confine
 * code: whoever can load the package can call this as well.
 *
 * Throws a TypeError for what is no manifest, and changes nothing then. The manifest is read once. (G1)
 */
export declare function setPolicy(manifest: TCPSocketManifest | null): void

/** The generations of the API: 1 is Firefox OS 1.0 to 2.2, 2 is Gecko 43 and later, with KaiOS. */
export type TCPSocketGeneration = 1 | 2 | 'both'

/** What one application is, for `createNavigator` and `createGlobals`. Another option throws a TypeError. (An extension; Q-49) */
export interface TCPSocketAppOptions<G extends TCPSocketGeneration = TCPSocketGeneration> {
  /**
   * Its manifest, of Firefox OS or KaiOS, which `setPolicy` describes: it says whether the application has the permission, and whether
   * it may listen on the ports 1 to 1023. `null` is for an application without one, which has both. It is read once. Throws a TypeError
   * for anything else, `undefined` included.
   */
  manifest: TCPSocketManifest | null
  /**
   * Who it is, for errors: a scheme and a host, perhaps with a port, such as `'app://mail.example'`. It decides nothing. Throws a TypeError
   * for anything else. Default: none.
   */
  origin?: string | undefined
  /**
   * What is there. With 1, `navigator.mozTCPSocket`, which throws without the permission, and no classes. With 2 all is there with the
   * permission, and nothing without. With `'both'` all is there with the permission; without it `navigator.mozTCPSocket` alone, which
   * throws. Throws a TypeError for anything else. Default: `'both'`.
   */
  generation?: G | undefined
  /**
   * Where it may connect to, of what the manifest allows: patterns as `AllowList` has them. `[]` is nowhere. Throws a TypeError for what
   * `AllowList` throws for. A UDPSocket may send there. Default: everywhere.
   */
  connect?: readonly string[] | undefined
  /**
   * Where it may listen, of what the manifest allows: patterns of local addresses, such as `'127.0.0.1:*'`. They are compared with
   * `localAddress`, which is `0.0.0.0` by default; `[::]` and `0.0.0.0` are only themselves, and are listened at for all addresses.
   * Port 0 is any free one. A UDPSocket may have a `localPort` there, and any free port in any case. Default: everywhere.
   */
  listen?: readonly string[] | undefined
}

/** What an application finds on its `navigator`. The second is what drafts called it. Not enumerable. */
export type TCPSocketNavigator<G extends TCPSocketGeneration = TCPSocketGeneration> = [G] extends [1 | 'both']
  ? { mozTCPSocket: MozTCPSocket; TCPSocket: MozTCPSocket }
  : { mozTCPSocket?: MozTCPSocket; TCPSocket?: MozTCPSocket }

/** What an application finds on its global object; of the classes what its permission and the generation allow. */
export interface TCPSocketGlobals<G extends TCPSocketGeneration = TCPSocketGeneration> {
  navigator: TCPSocketNavigator<G>
  /** Of this application alone: a socket is an `instanceof` of its own application's class. */
  TCPSocket?: typeof TCPSocket
  TCPServerSocket?: typeof TCPServerSocket
  TCPSocketEvent?: typeof TCPSocketEvent
  TCPSocketErrorEvent?: typeof TCPSocketErrorEvent
  TCPServerSocketEvent?: typeof TCPServerSocketEvent
  /** With the permission `udp-socket`, of whatever generation; sends and receives where `connect` and `listen` allow it. */
  UDPSocket?: typeof UDPSocket
  UDPMessageEvent?: typeof UDPMessageEvent
}

/**
 * A navigator with the rights of one application: any number of them may be in a process, and none influences another one or the exported
 * classes. Nothing that its sockets and servers lead to makes sockets with other rights. What `setPolicy` and Node's permission model
 * say holds as well: the stricter of the two.
 *
 * Its `open` and `listen` throw, beside what they throw anyway,
 * - the Error "TCPSocket does not have permission in this context.\n" without the permission;
 * - an Error that names the port, for listening on 1 to 1023 without the type `'certified'`;
 * - an Error with the name `'SecurityError'` for a place that `connect` or `listen` does not have. Nothing is looked up or opened.
 *
 * Each has a property `origin` where there is one. (An extension; contract of G1 and G2 for the permission)
 */
export declare function createNavigator<G extends TCPSocketGeneration = 'both'>(
  options: TCPSocketAppOptions<G>,
): TCPSocketNavigator<G>

/**
 * The same, with the classes of the second generation: `{ navigator, TCPSocket, TCPServerSocket, … }`, to put on the global object of the
 * application. What the application must not see is not there. (An extension; Q-49)
 */
export declare function createGlobals<G extends TCPSocketGeneration = 'both'>(
  options: TCPSocketAppOptions<G>,
): TCPSocketGlobals<G>

/**
 * A list of places that may be connected to or listened at, as `connect` and `listen` of `createNavigator` take it; for programs that
 * open connections for others. (An extension; Q-50)
 *
 * A pattern is `HOST:PORT`. HOST is a name (`mail.example.org`), every name below another one (`*.example.org`, which is not
 * `example.org`), an IPv4 address or network (`192.0.2.0/24`), an IPv6 address or network in brackets (`[2001:db8::/32]`), or `*`, which is
 * every name and address. PORT is a port, two of them (`6600-6699`), or `*`; 0 is any free port of a listener, which `*` allows, too.
 */
export declare class AllowList {
  /**
   * Throws a TypeError for what is no array of patterns, and for a pattern that means nothing, such as a network with bits behind its
   * prefix. No pattern allows nothing. `what` is what errors call the list. Default: `'patterns'`.
   */
  constructor(patterns: readonly string[], what?: string)
  /** As they were given. */
  readonly patterns: readonly string[]
  /**
   * Whether a pattern is for `port` of `host`. No name is looked up: a name is compared with names alone, and an address with addresses
   * and networks alone. Case, a final dot, the two forms of internationalized names, and the spelling of an address make no
   * difference; `::ffff:192.0.2.1` is 192.0.2.1. Throws what `new TCPSocket` throws for such a host or port, but port 0 is one.
   */
  allows(host: string, port: number | string): boolean
}

/**
 * What the channels of `node:diagnostics_channel` carry, by their names. Nothing is told while nobody listens. `data` is the application's
 * own memory, or becomes its own: to be read, and not to be kept. (An extension; docs/diagnostics.md)
 */
export interface TCPSocketDiagnostics {
  /** It connects. Not for accepted sockets. */
  'moz-tcp-socket:socket:created': { readonly socket: TCPSocket }
  /** Before its `open` event. */
  'moz-tcp-socket:socket:open': { readonly socket: TCPSocket }
  /** Before its `data` event. */
  'moz-tcp-socket:socket:data': {
    readonly socket: TCPSocket
    readonly data: string | ArrayBuffer
    readonly byteLength: number
  }
  /** `send()` has accepted it; `bufferedAmount` bytes are pending now. */
  'moz-tcp-socket:socket:send': {
    readonly socket: TCPSocket
    readonly data: string | Uint8Array
    readonly byteLength: number
    readonly bufferedAmount: number
  }
  /** Before its `drain` event. */
  'moz-tcp-socket:socket:drain': { readonly socket: TCPSocket }
  /** `upgradeToSecure()` was called. */
  'moz-tcp-socket:socket:upgrade': { readonly socket: TCPSocket }
  /** The peer will send no more. */
  'moz-tcp-socket:socket:end': { readonly socket: TCPSocket }
  /** The application closes it; `immediately` where what is pending is dropped, or it still connects. */
  'moz-tcp-socket:socket:closing': { readonly socket: TCPSocket; readonly immediately: boolean }
  /** Before its `error` event, whose `data` is the error. */
  'moz-tcp-socket:socket:error': { readonly socket: TCPSocket; readonly error: TCPSocketError }
  /** Before its `close` event. */
  'moz-tcp-socket:socket:close': { readonly socket: TCPSocket }
  /** It listens. */
  'moz-tcp-socket:server:listen': { readonly server: TCPServerSocket }
  /** Before its `connect` event. */
  'moz-tcp-socket:server:accept': { readonly server: TCPServerSocket; readonly socket: TCPSocket }
  /** Listening ended by itself. */
  'moz-tcp-socket:server:error': { readonly server: TCPServerSocket; readonly error: TCPSocketError }
  /** It listens no longer. */
  'moz-tcp-socket:server:close': { readonly server: TCPServerSocket }
}
