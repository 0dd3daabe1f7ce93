// npm `redis-on-workers` on a Redis server.

import { createRedis } from 'redis-on-workers'

const { port } = JSON.parse(process.env.REDIS)
const redis = createRedis(`redis://127.0.0.1:${port}`)
await redis.send('SET', 'key', 'value')
const value = await redis.send('GET', 'key')
const counted = await Promise.all(Array.from({ length: 1000 }, () => redis.send('INCR', 'counter')))
const big = 'y'.repeat(1024 * 1024)
await redis.send('SET', 'big', big)
const isWhole = (await redis.send('GET', 'big')) === big
await redis.close()
console.log(JSON.stringify({ value, last: counted.at(-1), isWhole }))
// It looks after its memory for five more seconds.
process.exit()
