'use strict'

// For which hosts a certificate is good (REL-165). The cases are those of Node's test-tls-check-server-identity, and more;
// where we differ, RFC 9525 says so: common names do not count, and a wildcard is a whole label, the leftmost.

const test = require('ava')

const { testOn } = require('../helpers/needs.js')
const { certificateNaming } = require('../helpers/pki-matrix.js')
const { scope } = require('../helpers/sockets.js')
const {
  REFUSES_COMMON_NAMES,
  TELLS_REASONS,
  failed,
  tlsServer,
  trusting,
} = require('../helpers/tls-peers.js')

/** Each: names in the certificate, hosts that it is good for, hosts that it is not, and its common name. */
const IDENTITIES = [
  { names: [], subject: 'a.com', bad: ['a.com'] },
  { names: [], subject: '*.a.com', bad: ['b.a.com'] },
  { names: ['DNS:b.com'], subject: 'a.com', good: ['b.com'], bad: ['a.com'] },
  { names: ['IP:8.8.8.8'], subject: 'a.com', good: ['8.8.8.8'], bad: ['a.com'] },
  { names: ['URI:https://a.com/'], subject: 'a.com', bad: ['a.com'] },
  { names: ['email:root@a.com'], subject: 'a.com', bad: ['a.com'] },
  { names: ['URI:https://a.com/', 'DNS:b.com'], good: ['b.com'], bad: ['a.com', 'https'] },

  {
    names: ['DNS:a.com'],
    good: ['a.com', 'A.COM', 'a.com.'],
    bad: ['b.com', 'www.a.com', 'com', 'aa.com', 'a.com.b.com', 'a.co', 'a-com'],
  },
  { names: ['DNS:A.Com'], good: ['a.com'] },
  { names: ['DNS:localhost'], good: ['localhost', 'LocalHost.'], bad: ['localhost.localdomain', 'localhos'] },
  { names: ['DNS:a_b.com'], good: ['a_b.com'] },
  { names: ['DNS:a.com.'], bad: ['a.com'] },
  { names: ['DNS:.a.com'], bad: ['a.com', 'b.a.com'] },
  {
    names: ['DNS:a.com', 'DNS:*.b.com', 'IP:8.8.8.8'],
    good: ['a.com', 'a.b.com', '8.8.8.8'],
    bad: ['b.com', 'b.a.com', '8.8.4.4'],
  },

  {
    names: ['DNS:*.a.com'],
    good: ['b.a.com', 'B.A.COM', 'b-c.a.com', 'xn--bcher-kva.a.com', 'bücher.a.com'],
    bad: ['a.com', 'c.b.a.com', 'ba.com', 'b.a.com.b.com'],
  },
  { names: ['DNS:*.com'], bad: ['a.com', 'com'] },
  { names: ['DNS:*'], bad: ['a', 'a.com', 'localhost'] },
  { names: ['DNS:*.xn--bcher-kva.com'], good: ['a.bücher.com'], bad: ['bücher.com'] },
  { names: ['DNS:b*.a.com'], bad: ['b.a.com', 'bc.a.com'] },
  { names: ['DNS:*b.a.com'], bad: ['b.a.com', 'cb.a.com'] },
  { names: ['DNS:b*b.a.com'], bad: ['bb.a.com', 'bcb.a.com'] },
  { names: ['DNS:xn--*.a.com'], bad: ['xn--bcher-kva.a.com'] },
  { names: ['DNS:a.*.com'], bad: ['a.b.com'] },
  { names: ['DNS:*.*.com'], bad: ['a.b.com'] },
  { names: ['DNS:**.a.com'], bad: ['b.a.com'] },

  { names: ['DNS:8.8.8.8'], subject: '8.8.8.8', bad: ['8.8.8.8'] },
  { names: ['DNS:*.8.8.8'], bad: ['8.8.8.8'] },
  { names: ['IP:8.8.8.8'], good: ['8.8.8.8'], bad: ['8.8.8.88', '8.8.4.4'] },
  { names: ['IP:127.0.0.1'], bad: ['::ffff:127.0.0.1', '::1', 'localhost'] },
  { names: ['IP:::1'], good: ['::1', '0:0:0:0:0:0:0:1'], bad: ['::2', '127.0.0.1'] },
  { names: ['IP:2001:db8::1'], good: ['2001:DB8:0::1'], bad: ['2001:db8::2'] },
]

for (const { names, subject, good = [], bad = [] } of IDENTITIES) {
  const whose = `[${names.join(', ')}]${subject ? ` and the common name ${subject}` : ''}`
  const verdict = [
    good.length > 0 && `good for ${good.join(', ')}`,
    bad.length > 0 && `not good for ${bad.join(', ')}`,
  ]
  const isDecisive = subject !== undefined && !names.some((name) => name.startsWith('DNS:'))
  const testNames = testOn(test, !isDecisive || REFUSES_COMMON_NAMES, 'a library that ignores common names')
  testNames(`REL-165: a certificate for ${whose} is ${verdict.filter(Boolean).join(', ')}`, async (t) => {
    const own = scope(t)
    const { cert, key } = certificateNaming(names, subject)
    const server = await tlsServer(own, 'good', { cert, key })
    const visit = (servername) => own.open('127.0.0.1', server.port, trusting({ servername }))[1]
    for (const host of good) {
      const events = visit(host)
      await events.when(() => events.types[0])
      t.is(events.types[0], 'open', `${host}: ${events.events[0].data?.message}`)
    }
    for (const host of bad) {
      const events = visit(host)
      events.socket.onopen = () => events.socket.send('secret')
      const { data } = await failed(t, events, 'SecurityCertificateDomainMismatchError')
      if (TELLS_REASONS) t.regex(data.reason, /mismatch/)
    }
    t.is(server.received, '')
  })
}
