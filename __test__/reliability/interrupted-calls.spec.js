'use strict'

// REL-35: a signal that arrives in the middle of a system call is nobody's business but ours.

const test = require('ava')

const { ask, start } = require('../fixtures/reliability/children.js')
const { failsys } = require('../helpers/failsys.js')
const { serialWhere } = require('../helpers/needs.js')
const { scope } = require('../helpers/sockets.js')

const withFaults = serialWhere(test, failsys('') !== undefined, 'Linux with glibc and gcc')
const onUnix = serialWhere(test, process.platform !== 'win32', 'signals')

const SIZE = 4 << 20

for (const calls of [['recv'], ['send', 'sendmsg', 'writev', 'write'], ['accept4'], ['connect']]) {
  withFaults(`REL-35: ${calls.join(', ')} that is interrupted is simply called again`, async (t) => {
    const rules = calls.map((call) => `${call}:EINTR:1:50:2`).join()
    const own = scope(t)
    const { next, result } = start(own, 'try-until-it-works.js', [SIZE], {
      env: failsys(rules, { log: '1' }),
    })
    t.deepEqual(await next(), ['works'])
    const { code, stderr } = await result
    t.is(code, 0)
    t.regex(stderr, /struck=[1-9]/, 'a rule that never strikes tests nothing')
  })
}

onUnix('REL-35: a storm of signals does not show', async (t) => {
  const own = scope(t)
  const { child, next, result } = start(own, 'signalled.js', [64 << 20])
  t.is(await next(), 'ready')
  let signals = 0
  const timer = setInterval(() => {
    child.kill('SIGUSR2')
    signals++
  }, 1)
  own.onEnd(() => clearInterval(timer))
  const tries = await next()
  clearInterval(timer)
  t.log(`${signals} signals`)
  t.true(signals > 10)
  t.is(tries, 'works')
  t.is((await result).code, 0)
})

test('REL-35: without faults the same exchange works at the first try', async (t) => {
  t.deepEqual(await ask(scope(t), 'try-until-it-works.js', [SIZE]), ['works'])
})
