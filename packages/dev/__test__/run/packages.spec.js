'use strict'

// Mail clients of npm from the years of Firefox OS, unmodified and bundled for a page as their users did, in an app that runApp runs: over
// STARTTLS, against the servers of the tests.

const { join } = require('node:path')

const test = require('ava')
const { build } = require('esbuild')

const { LOGIN, imapServer, smtpServer } = require('../../../../__test__/helpers/mail-servers.js')
const { certificate } = require('../../../../__test__/helpers/pki-matrix.js')
const { scope } = require('../../../../__test__/helpers/sockets.js')
const { MANIFEST, makeApp, resultOf, start } = require('../helpers/apps.js')

const CA = String(certificate('root').ca)
const repository = join(__dirname, '..', '..', '..', '..')

/** `source`, with what it requires, as one script for a page. */
async function bundle(source) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: repository },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    // What browserify put into a page; without Node's modules, which these packages take in Node.js alone, and without the TLS in JavaScript
    // that they take where there is no mozTCPSocket.
    define: { global: 'window', process: '{"versions":{},"env":{}}', forge: 'null' },
    external: ['net', 'tls'],
    logLevel: 'silent',
  })
  return outputFiles[0].text
}

/** Runs a page with `source`, which is given `port` and `CA`. */
async function runPage(t, source, port) {
  const script = await bundle(
    `const port = ${port}, CA = ${JSON.stringify(CA)}, LOGIN = ${JSON.stringify(LOGIN)}\n${source}`,
  )
  const html = '<!DOCTYPE html><meta charset="utf-8"><script src="app.js"></script>'
  return start(t, makeApp(t, { 'index.html': html, 'app.js': script }, MANIFEST))
}

test('browserbox reads mail in a window, after STARTTLS', async (t) => {
  const message = Buffer.from('Subject: from 2014\r\n\r\ngr\u00fc\u00dfe\r\n')
  const server = await imapServer(scope(t), { message })
  const app = await runPage(
    t,
    `const BrowserBox = require('browserbox')
     const client = new BrowserBox('localhost', port, { auth: LOGIN, ca: CA, requireTLS: true })
     let body, isOurs
     client.onerror = (error) => { window.result = ['error', error.name, error.message] }
     client.onauth = async () => {
       isOurs = client.client.socket instanceof TCPSocket && client.client.socket.ssl
       await client.selectMailbox('INBOX')
       const [message] = await client.listMessages('1', ['uid', 'body.peek[]'])
       body = message['body[]']
       await client.close()
     }
     client.onclose = () => { window.result = [isOurs, body] }
     client.connect()`,
    server.port,
  )
  t.deepEqual(await resultOf(app), [true, message.toString('latin1')])
  t.deepEqual(app.errors, [])
  await server.served()
})

test('emailjs-smtp-client sends mail in a window, after STARTTLS', async (t) => {
  const server = await smtpServer(scope(t))
  const app = await runPage(
    t,
    `const SmtpClient = require('emailjs-smtp-client')
     const client = new SmtpClient('localhost', port, { auth: LOGIN, ca: CA, requireTLS: true })
     let isOurs, done
     client.onerror = (error) => { window.result = ['error', error.name, error.message] }
     client.onidle = () => {
       isOurs = client.socket instanceof TCPSocket && client.socket.ssl
       if (done !== undefined) return client.quit()
       client.useEnvelope({ from: 'me@example.org', to: ['you@example.org'] })
     }
     client.onready = () => { client.send('.dot\\r\\n' + 'x'.repeat(100000) + '\\r\\n'); client.end() }
     client.ondone = (success) => { done = success }
     client.onclose = () => { window.result = [isOurs, done] }
     client.connect()`,
    server.port,
  )
  t.deepEqual(await resultOf(app), [true, true])
  t.deepEqual(app.errors, [])
  t.is(server.messages.length, 1)
  // The last line break is that of the dot which ends the message.
  t.true(server.messages[0].body === `.dot\r\n${'x'.repeat(100_000)}`)
  await server.served()
})
