// npm `worker-mailer`: sends mail by SMTP, with STARTTLS and a login.

import { WorkerMailer } from 'worker-mailer'

const { port } = JSON.parse(process.env.SMTP)
const mailer = await WorkerMailer.connect({
  host: 'localhost',
  port,
  secure: false,
  startTls: true,
  credentials: { username: 'fox', password: 'secret' },
  authType: 'plain',
  // None.
  logLevel: 4,
})
await mailer.send({
  from: { name: 'Fox', email: 'fox@example.org' },
  to: { email: 'panda@example.org' },
  subject: 'Over TLS',
  text: 'x'.repeat(200_000),
})
await mailer.close()
console.log('sent')
// It leaves timers of a minute behind, which on Workers keep nothing alive.
process.exit()
