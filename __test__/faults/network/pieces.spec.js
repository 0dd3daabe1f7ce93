'use strict'

// Streams cut into the smallest of pieces: by system calls that move one byte each, and by a network whose packets carry almost
// nothing. The bytes are the same (REL-28).

const test = require('ava')

const { failsys } = require('../../helpers/failsys.js')
const { testOfHosts } = require('../helpers/hosts.js')
const { exchange, judgeExchange, makeLab } = require('../helpers/lab.js')

const LIMIT_MS = 60_000

const PIECES = [
  { fault: 'one byte is read at a time', rules: 'shortrecv:0', bytes: 50_000 },
  {
    fault: 'one byte is written at a time, and leaves in a packet of its own',
    rules: 'shortsend:0',
    bytes: 50_000,
  },
  { fault: 'one byte is read and written at a time', rules: 'shortsend:0,shortrecv:0', bytes: 50_000 },
  {
    fault: 'packets of 120 bytes (MTU)',
    bytes: 2_000_000,
    set({ first, second }) {
      for (const host of [first, second]) host.run('ip link set wire mtu 120')
    },
  },
]

for (const { fault, rules, bytes, set } of PIECES) {
  testOfHosts(test)(`pieces do not matter: ${fault}`, async (t) => {
    const did = `${bytes / 1000} kB each way over each of four connections: our client and our server, plain and TLS`
    const env = rules ? failsys(rules) : {}
    const lab = await makeLab(t, __filename, { ids: ['REL-28'], fault, did }, { ours: { env } })
    await lab.warmUp()
    await set?.(lab)
    const pairs = await lab.connectAll()
    const transfers = pairs.map((pair) => lab.within(LIMIT_MS, exchange(pair, bytes)))
    for (const reports of await Promise.all(transfers))
      lab.account.run(reports ? judgeExchange(reports, bytes) : undefined)
    await lab.finish()
  })
}
