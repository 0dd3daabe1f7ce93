'use strict'

// Jukebox, the remote control of examples/apps, against mpd. What it does is in mpd's own words; what others do appears on its screen.

const test = require('ava')

const { startMpd } = require('../../../../__test__/helpers/mpd.js')
const { hasTools, testWhere } = require('../../../../__test__/helpers/needs.js')
const { scope } = require('../../../../__test__/helpers/sockets.js')
const { closeBrowser, hasChromium } = require('../helpers/chromium.js')
const { PLACES } = require('../helpers/users.js')

const SONGS = [
  { file: 'a.wav', title: 'Étude "in" silence', artist: 'The Zeros', seconds: 95 },
  { file: 'b.wav', title: 'Nothing at all', artist: 'The Zeros', seconds: 61 },
  { file: 'c.wav', title: 'Rest', artist: 'Pause & Co', seconds: 30 },
]

test.after.always(closeBrowser)

/** mpd's status, by name. */
async function status(mpd) {
  const text = await mpd.ask('status')
  return Object.fromEntries([...text.matchAll(/^(\w+): (.*)$/gm)].map(([, name, value]) => [name, value]))
}

async function connect(user, port) {
  await user.fill('#host', '127.0.0.1')
  await user.fill('#port', String(port))
  await user.press('Enter')
}

async function story(t, place) {
  const mpd = await startMpd(scope(t), SONGS)
  const { user, problems } = await PLACES[place](t, 'mpd')

  await connect(user, mpd.port)
  await user.sees('#state', /^stopped$/)
  t.is(await user.reads('#song'), 'Nothing plays')

  await user.click('#add')
  await user.sees('#queue', /Étude "in" silence1:35\s*Nothing at all1:01\s*Rest0:30/)
  t.is((await status(mpd)).playlistlength, '3')

  await user.click('#queue li:nth-child(2)')
  await user.sees('#state', /^playing$/)
  await user.sees('#song', /^Nothing at all$/)
  t.is(await user.reads('#artist'), 'The Zeros')
  t.like(await status(mpd), { state: 'play', song: '1' })

  await user.click('#toggle')
  await user.sees('#state', /^paused$/)
  t.is((await status(mpd)).state, 'pause')

  // Somebody else does something: `idle` tells the app.
  await mpd.ask('play 0')
  await user.sees('#song', /^Étude "in" silence$/)
  await user.sees('#state', /^playing$/)
  await mpd.ask('setvol 40')
  await user.sees('#volume', /^volume 40$/)
  await user.shot('mpd-player')

  await user.press('ArrowRight')
  await user.sees('#song', /^Nothing at all$/)
  t.is((await status(mpd)).song, '1')

  await user.click('#clear')
  await user.sees('#song', /^Nothing plays$/)
  t.is(await user.reads('#queue'), '')
  t.like(await status(mpd), { state: 'stop', playlistlength: '0' })
  t.is(await user.reads('#error'), null)
  t.deepEqual(problems, [])
}

async function errors(t, place) {
  const mpd = await startMpd(scope(t), SONGS)
  const { user, problems } = await PLACES[place](t, 'mpd')
  await connect(user, mpd.port)
  await user.sees('#state', /^stopped$/)

  await user.click('#add')
  await user.sees('#queue', /Rest/)
  await mpd.ask('kill')
  await user.sees('#error', /closed the connection|Reset/)
  t.is(await user.reads('#state'), 'offline')
  await user.click('#connect')
  await user.sees('#error', /ConnectionRefusedError/)
  t.deepEqual(problems, [])
}

for (const place of ['run', 'serve']) {
  const needs = place === 'serve' ? 'mpd and chromium' : 'mpd'
  const check = testWhere(test, hasTools('mpd') && (place === 'run' || hasChromium), needs)
  check(`${place}: the remote control plays, pauses, and hears of changes from mpd`, story, place)
  check(`${place}: the remote control says so when mpd is gone`, errors, place)
}
