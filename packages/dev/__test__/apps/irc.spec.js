'use strict'

// Pigeon, the IRC client of examples/apps, against ngircd: two users in each place, and what the server knows of them.

const net = require('node:net')

const test = require('ava')

const { hasTools, testWhere } = require('../../../../__test__/helpers/needs.js')
const { startIrcServer } = require('../../../../__test__/helpers/ngircd.js')
const { scope } = require('../../../../__test__/helpers/sockets.js')
const { closeBrowser, hasChromium } = require('../helpers/chromium.js')
const { PLACES } = require('../helpers/users.js')

const CHANNEL = '#pigeons'

test.after.always(closeBrowser)

/** Whom ngircd lists in the channel, asked by a stranger. */
async function members(port) {
  const socket = net.connect(port, '127.0.0.1')
  socket.write(`NICK asker\r\nUSER asker 0 * :asker\r\nNAMES ${CHANNEL}\r\nQUIT\r\n`)
  let text = ''
  for await (const bytes of socket) text += bytes
  const [, names = ''] = / 353 asker [=*@] #pigeons :(.*)\r\n/.exec(text) ?? []
  return names
    .split(' ')
    .filter(Boolean)
    .map((name) => name.replace('@', ''))
    .sort()
}

async function enter(user, port, nick) {
  await user.fill('#host', '127.0.0.1')
  await user.fill('#port', String(port))
  await user.fill('#nick', nick)
  await user.fill('#channel', CHANNEL)
  await user.press('Enter')
  await user.sees('#log', new RegExp(`${nick} joined`))
}

async function say(user, text) {
  await user.fill('#text', text)
  await user.press('Enter')
}

async function story(t, place) {
  const own = scope(t)
  const { port } = await startIrcServer(own)
  const [anna, bert] = [await PLACES[place](t, 'irc'), await PLACES[place](t, 'irc')]

  await enter(anna.user, port, 'anna')
  await enter(bert.user, port, 'bert')
  await anna.user.sees('#log', /bert joined/)
  await anna.user.sees('#state', /^2 users$/)
  t.deepEqual(await members(port), ['anna', 'bert'])

  await say(anna.user, 'Grüße, мир ✈')
  await bert.user.sees('#log', /annaGrüße, мир ✈/)
  await say(bert.user, 'hello <b>anna</b> :)')
  // As text, not as markup.
  await anna.user.sees('#log', /berthello <b>anna<\/b> :\)/)
  await anna.user.shot('irc-channel')
  await say(bert.user, 'four bytes: 🚀')
  await anna.user.sees('#log', /bertfour bytes: 🚀/)

  await anna.user.click('#softleft')
  await anna.user.sees('#users', /anna\s*bert/)
  await anna.user.shot('irc-users')
  await anna.user.press('Escape')
  await anna.user.sees('#log', /Grüße/)

  await bert.user.click('#softright')
  await bert.user.sees('#state', /^offline$/)
  t.is(await bert.user.reads('#error'), null, 'who leaves gets no error')
  await anna.user.sees('#log', /bert quit/)
  await anna.user.sees('#state', /^1 user$/)
  t.deepEqual(await members(port), ['anna'])

  // The history of the channel is kept, and a nick that is taken gets another one.
  await bert.user.fill('#nick', 'anna')
  await bert.user.press('Enter')
  await bert.user.sees('#log', /anna_ joined/)
  t.regex(await bert.user.reads('#log'), /annaGrüße, мир ✈/)
  t.deepEqual(await members(port), ['anna', 'anna_'])

  t.deepEqual([...anna.problems, ...bert.problems], [])
}

async function lostServer(t, place) {
  const own = scope(t)
  const { port, child } = await startIrcServer(own)
  const { user, problems } = await PLACES[place](t, 'irc')
  await enter(user, port, 'anna')
  child.kill('SIGKILL')
  await user.sees('#error', /Reset|closed the connection/)
  t.is(await user.reads('#state'), 'offline')
  // Nobody listens there any more.
  await user.click('#connect')
  await user.sees('#error', /ConnectionRefusedError/)
  t.deepEqual(problems, [])
}

for (const place of ['run', 'serve']) {
  const needs = place === 'serve' ? 'ngircd and chromium' : 'ngircd'
  const check = testWhere(test, hasTools('ngircd') && (place === 'run' || hasChromium), needs)
  check(`${place}: two users of the IRC app meet on ngircd, talk and leave`, story, place)
  check(`${place}: the IRC app says so when the server is gone`, lostServer, place)
}
