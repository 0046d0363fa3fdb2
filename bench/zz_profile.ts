import { createDatabase, checkpoint } from './database.ts'
import { fill, makeSecrets } from './fixture.ts'
import { load, startProgram } from './processes.ts'
const [worker, procs, cpu, clients, pool, work_mem] = process.argv.slice(2)
const server = new URL('postgres://postgres@127.0.0.1:5544/postgres')
const db = await createDatabase(server, 'prof')
const secrets = makeSecrets()
const fixture = await fill(db.pool, secrets.SECRET_KEY, { people: 5000, venues: 20, days: 365, slotsPerDay: 12 })
const setting = { ...secrets, DATA_DIR: '/tmp/prof', DATABASE_URL: db.url }
const w = worker === '1' ? await startProgram('worker', { ...setting, DATABASE_POOL_SIZE: '4' }) : undefined
const servers = []
for (let i = 0; i < Number(procs); i++) servers.push(await startProgram('server', { ...setting, DATABASE_POOL_SIZE: pool ?? '10' }, cpu === '1' && i === 0 ? ['--cpu-prof', '--cpu-prof-dir=/tmp/prof/cpu'] : []))
await checkpoint(db.pool)
await db.pool.query('create extension if not exists pg_stat_statements')
await load({ ports: servers.map((s) => s.port), connections: 4, warmUpSeconds: 0, seconds: 0.5, ...fixture, introduce: true })
await db.pool.query('select pg_stat_statements_reset()')

import { readFileSync, readdirSync } from 'node:fs'
import { runPair, preparePair, findPgbench } from './pgbench.ts'
const pm = Number(readFileSync('/tmp/pgprof/data/postmaster.pid','utf8').split('\n')[0])
const cpuBy = () => { const out: Record<string, number> = {}; for (const d of readdirSync('/proc')) { if (!/^\d+$/.test(d)) continue; try { const st = readFileSync('/proc/'+d+'/stat','latin1'); const f = st.slice(st.lastIndexOf(')')+2).split(' '); const t = (Number(f[11])+Number(f[12]))*10; const ppid = Number(f[1]); const cmd = readFileSync('/proc/'+d+'/cmdline','latin1').replaceAll('\0',' '); let k = 'rest'; if (ppid===pm) k = /127.0.0.1/.test(cmd) ? 'pg backends' : 'pg system'; else if (ppid===process.pid) k = /server/.test(cmd)?'node server':/worker/.test(cmd)?'node worker':'generator'; out[k]=(out[k]??0)+t; if (k==='node server') { out['node server user']=(out['node server user']??0)+Number(f[11])*10 } } catch {} } return out }
const { spawn } = await import('node:child_process'); setTimeout(()=>spawn('perf',['record','-a','-F','499','-e','cpu-clock','-g','-o','/tmp/prof/perf.data','--','sleep','4'],{stdio:'ignore'}), 3000)
const c0 = cpuBy()
let c1: Record<string, number> = {}
setTimeout(() => { c1 = cpuBy() }, 7800)

const r = await load({ ports: servers.map((s) => s.port), connections: Number(clients ?? 48), warmUpSeconds: 2, seconds: 6, ...fixture, introduce: false })
console.log(JSON.stringify({ worker, procs, tps: r.booked / 6, p50: r.p50, p99: r.p99, refused: r.refused }))
console.log('CPU ms per booking', Object.fromEntries(Object.entries(c1).filter(([k])=>k!=='rest').map(([k,v])=>[k, +((v-(c0[k]??0))/(r.booked+r.others)).toFixed(3)])), 'elsewhere on the machine', (c1['rest']!-c0['rest']!)/7800)
const script = await preparePair(db.pool, '/tmp/prof', 87600)
await checkpoint(db.pool); await new Promise((r)=>setTimeout(r,500))
const d0 = cpuBy(); let d1: Record<string, number> = {}; setTimeout(()=>{d1=cpuBy()}, 3900)
const tps = await runPair({ pgbench: findPgbench(process.env.PATH), script, url: db.url, connections: 10, seconds: 4, slots: 87600, people: 5000 })
console.log('pair', tps, Object.fromEntries(Object.entries(d1).map(([k,v])=>[k, +((v-(d0[k]??0))/(tps*3.9)).toFixed(3)])))
if (process.env.KEEP) { console.log(db.url); process.exit(0) }
const { rows } = await db.pool.query(`select calls, plans, round(mean_plan_time::numeric,3) plan, round(total_exec_time::numeric) tot, round(mean_exec_time::numeric,3) mean, rows, shared_blks_hit/nullif(calls,0) hit, shared_blks_dirtied/nullif(calls,0) as dirt, (wal_bytes/nullif(calls,0))::int wal, left(regexp_replace(query,'\\s+',' ','g'),70) q from pg_stat_statements where dbid=(select oid from pg_database where datname=current_database()) order by total_exec_time desc limit 12`)
for (const x of rows) console.log(Object.values(x).join(' | '))
for (const s of servers) await s.stop()
await w?.stop()
await db.drop()
