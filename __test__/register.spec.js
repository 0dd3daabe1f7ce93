'use strict'

// What `moz-tcp-socket/register` does where something is in its place already: a polyfill, a mock, or the navigator of
// Node or of a DOM. __test__/compat/jest has the same in Jest, in `node` and in jsdom.

const test = require('ava')

const { resultOf } = require('./gecko/helpers/run-script.js')

/** Where nothing is in the way. */
const everywhere = {
  TCPSocket: 'function',
  navigator: 'object',
  mozTCPSocket: 'function',
  sameProperty: true,
}

for (const [situation, expected] of Object.entries({
  'a global TCPSocket': { TCPSocket: 'mine' },
  'a navigator': { navigator: 'mine' },
  'a navigator with a mozTCPSocket': { mozTCPSocket: 'mine' },
  'an accessor navigator': { navigator: 'mine' },
})) {
  test(`${situation} stays what it is, and the rest is put beside it`, async (t) => {
    t.deepEqual(await resultOf(t, 'register-into.js', situation), { ...everywhere, ...expected })
  })
}

test('an accessor navigator that yields nothing makes way for one', async (t) => {
  const result = await resultOf(t, 'register-into.js', 'an accessor navigator that yields nothing')
  t.deepEqual(result, { ...everywhere, sameProperty: false })
})
