'use strict'

// What is figured out of reports, and goals for it: for workloads to choose from.

const GB = 1e9
/** How much longer a first event may take among many idle connections than among 100, to pass as flat. */
const FLAT = 2

const atLeast = (value, peer = 'node') => ({ peer, sign: '≥', value })
const atMost = (value, peer = 'node') => ({ peer, sign: '≤', value })

/** Work in a second, and what it costs. `size` is how much of the counted work makes one unit. */
function throughput(unit, size, { speed = [], cpu = [], scale = 1, per = unit }) {
  const costScale = unit === 'GB' ? 1 : 1e6
  const costUnit = unit === 'GB' ? 's/GB' : `µs/${per}`
  return [
    {
      name: 'speed',
      unit: `${scale === 1000 ? 'k ' : ''}${unit}/s`,
      of: (r) => r.work / size / scale / r.wall,
      goals: speed,
    },
    { name: 'CPU', unit: costUnit, of: (r) => (r.cpu / r.work) * size * costScale, goals: cpu },
    {
      name: 'main thread',
      unit: costUnit,
      of: (r) => (r.mainCpu === null ? null : (r.mainCpu / r.work) * size * costScale),
      goals: [],
    },
  ]
}

const bulk = (goals) => throughput('GB', GB, goals)
const messages = (size, goals) => throughput('messages', size, { ...goals, scale: 1000, per: 'message' })

/** Times of the neutral program, for echoes of one connection or of many. */
const roundTrips = ({ p50 = [] } = {}) => [
  { name: 'p50', unit: 'µs', of: (r) => r.peer.p50 * 1e6, goals: p50 },
  { name: 'p99', unit: 'µs', of: (r) => r.peer.p99 * 1e6, goals: [] },
]

/** Memory of idle connections, and how soon one of them is served. */
const idleFigures = (goals) => [
  { name: 'memory', unit: 'KiB/connection', of: (r) => r.perConnection / 1024, goals },
  { name: 'first event', unit: 'µs', of: (r) => r.peer.all * 1e6, goals: [] },
  {
    name: 'first event, times that with 100',
    unit: '×',
    of: (r) => r.peer.all / r.peer.few,
    goals: [atMost(FLAT, 'self')],
  },
]

function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** What is of interest in every workload. */
const always = [
  { name: 'peak memory', unit: 'MiB', of: (r) => r.peakRss / 1024 ** 2, goals: [] },
  { name: 'loop busy', unit: '', of: (r) => r.utilization, goals: [] },
]

module.exports = { always, atLeast, atMost, bulk, count, idleFigures, messages, roundTrips, throughput }
