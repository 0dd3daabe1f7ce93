// npm `pg`, which connects by pg-cloudflare: one connection after another, in plaintext and by SSLRequest and startTls().

import pg from 'pg'

const { secure, ca, ...place } = JSON.parse(process.env.POSTGRES)
const config = { host: 'localhost', ...place, ssl: secure ? { ca } : false }

const client = new pg.Client(config)
await client.connect()
const { constructor } = client.connection.stream
const { rows: session } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
await client.query('create temp table numbers (n int, body text)')
await client.query('insert into numbers select n, repeat($1, 1000) from generate_series(1, 2000) n', ['é'])
const { rows } = await client.query('select n, body from numbers order by n')
const refused = await client.query('select nonsense').catch(({ code }) => code)
const big = 'x'.repeat(1024 * 1024)
const { rows: echoed } = await client.query('select $1::text as big', [big])
await client.end()

const pool = new pg.Pool({ ...config, max: 4 })
const sums = await Promise.all(
  Array.from({ length: 20 }, (_, i) => pool.query('select $1::int * 2 as twice', [i])),
)
await pool.end()

console.log(
  JSON.stringify({
    stream: constructor.name,
    secure: session[0].ssl,
    rows: rows.length,
    isWhole: rows.every(({ n, body }, i) => n === i + 1 && body === 'é'.repeat(1000)),
    refused,
    isEchoed: echoed[0].big === big,
    sums: sums.reduce((sum, { rows: [{ twice }] }) => sum + twice, 0),
  }),
)
