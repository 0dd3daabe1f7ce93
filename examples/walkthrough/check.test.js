'use strict'

// Tests of the app in docs/walkthrough.md. APP is its folder: `mended`, unless the environment says otherwise.

require('moz-tcp-socket/register')

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const vm = require('node:vm')

const { scriptedPeer } = require('moz-tcp-socket/testing')

// A classic script of a page, in which the global object is the window.
globalThis.window = globalThis
vm.runInThisContext(readFileSync(join(__dirname, process.env.APP ?? 'mended', 'js/check.js'), 'utf8'))

/** What the app says of the mailbox behind `peer`. */
function answerOf({ port }) {
  const settings = { host: '127.0.0.1', port, ssl: false, user: 'ada', password: 'secret' }
  return new Promise((resolve) => {
    window.check(settings, (error, count) => resolve(error ?? count))
  })
}

test('counts the messages', async (t) => {
  const peer = await scriptedPeer()
  t.after(() => peer.close())
  peer
    .reply('+OK ready\r\n')
    .expect('USER ada\r\n')
    .reply('+OK\r\n')
    .expect('PASS secret\r\n')
    .reply('+OK\r\n')
  peer.expect('STAT\r\n').reply('+OK 2 1024\r\n').expect('QUIT\r\n').reply('+OK bye\r\n').expectEnd()
  assert.equal(await answerOf(peer), 2)
  await peer.done
})

test('counts them when an answer comes in two pieces', async (t) => {
  const peer = await scriptedPeer()
  t.after(() => peer.close())
  peer.reply('+OK re').stall(50).reply('ady\r\n').expect('USER ada\r\n').reply('+OK\r\n')
  peer
    .expect('PASS secret\r\n')
    .reply('+OK\r\n')
    .expect('STAT\r\n')
    .reply('+OK 2 10')
    .stall(50)
    .reply('24\r\n')
  peer.expect('QUIT\r\n').reply('+OK bye\r\n').expectEnd()
  assert.equal(await answerOf(peer), 2)
  await peer.done
})

test('says what the server says when it refuses', async (t) => {
  const peer = await scriptedPeer()
  t.after(() => peer.close())
  peer.reply('+OK ready\r\n').expect('USER ada\r\n').reply('-ERR who?\r\n').expectEnd()
  assert.match(await answerOf(peer), /^The server says: -ERR who\?/)
  await peer.done
})
