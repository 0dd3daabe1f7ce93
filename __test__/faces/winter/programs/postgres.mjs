// npm `postgres`, in its build for workerd.

import postgres from 'postgres'

const { secure, ca: _ca, user, ...place } = JSON.parse(process.env.POSTGRES)
const options = { host: 'localhost', username: user, ...place, max: 3, ssl: secure ? 'require' : false }
const sql = postgres(options)

const [session] = await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
const rows = await sql`select n, repeat('é', 1000) as body from generate_series(1, 2000) n`
const refused = await sql`select nonsense`.catch(({ code }) => code)
const sums = await Promise.all(Array.from({ length: 20 }, (_, i) => sql`select ${i}::int * 2 as twice`))
const inside = await sql.begin(async (transaction) => {
  await transaction`create temp table t (n int)`
  await transaction`insert into t ${transaction([{ n: 1 }, { n: 2 }])}`
  return transaction`select sum(n)::int as sum from t`
})
await sql.end()

console.log(
  JSON.stringify({
    secure: session.ssl,
    rows: rows.length,
    isWhole: rows.every(({ n, body }, i) => n === i + 1 && body === 'é'.repeat(1000)),
    refused,
    sums: sums.reduce((sum, [{ twice }]) => sum + twice, 0),
    inside: inside[0].sum,
  }),
)
