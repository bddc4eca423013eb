/**
 * What a part of the bench uses. A file `NAME.test.ts` in this directory, which `npm run bench -- NAME` runs alone, calls
 *
 *     await compare({
 *       part: 'Nothing to do', // the heading of its table
 *       work: 'plan, Debian 12',
 *       own: { server, run: 'portward plan' }, // a server of the harness; without one, this machine
 *       peers: [{ name: 'node -e 0', server, run: 'node -e 0', marks: { time: { ratio: 2.5 }, memory: { difference: 25 } } }],
 *     })
 *
 * which runs the commands in turn, once each for warming up and then `rounds` times. Each mark becomes a row: own values, the
 * peer's, and the ratios pair by pair. `record` adds a row that was measured in another way, and `skip` says why there is none.
 * `scripts/bench.mjs` prints the table and keeps it in docs/benchmarks.md.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { type Mark, type Row, renderLine } from '../../scripts/bench-table.mjs'
import type { Server } from '../e2e/harness/server.ts'
import { environment, quote } from '../e2e/harness/shell.ts'
import measureScript from './measure.py?raw'

/** `time` and `processor`: seconds; `memory`: MB of the largest process. A mark of {} only shows the values. */
interface Marks {
  readonly time?: Mark
  readonly processor?: Mark
  readonly memory?: Mark
}

export interface Command {
  /** As the table calls it; the command itself unless given. */
  readonly name?: string
  /** Where it runs; this machine if there is none. */
  readonly server?: Server | undefined
  /** For sh. */
  readonly run: string
  /** Runs before each run, and isn't measured. */
  readonly before?: string
  readonly exitCode?: number
}

export interface Comparison {
  readonly part: string
  readonly work: string
  readonly own: Command
  /** Of the own command alone: `most` or `least`. */
  readonly marks?: Marks
  readonly peers?: readonly (Command & { readonly marks: Marks })[]
  readonly rounds?: number
  /** false: the commands have run already. */
  readonly warmUp?: boolean
  /** For the reader of the table, at each row of this comparison. */
  readonly remark?: string
}

/** How often to measure: as the environment says, else as usual. */
export const roundsOr = (usual: number): number => Number(process.env['PORTWARD_BENCH_ROUNDS'] ?? usual)

const QUANTITIES = [
  { key: 'time', quantity: 'time', unit: 's' },
  { key: 'processor', quantity: 'processor time', unit: 's' },
  { key: 'memory', quantity: 'peak memory', unit: 'MB' },
] as const

type Cost = Readonly<Record<keyof Marks, number>>

/** Adds a row to the table. */
export const record = (row: Row): void => {
  process.stdout.write(`${renderLine(row)}\n`)
  const file = process.env['PORTWARD_BENCH_ROWS']
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`)
}

/** Says in the table why something was not measured. */
export const skip = (part: string, work: string, reason: string): void =>
  record({ part, work, quantity: '', unit: '', own: [], remark: `not measured: ${reason}` })

/** Runs a command for sh on a server or this machine; its output. An hour is enough for anything. */
const runIn = async (server: Server | undefined, command: string): Promise<string> => {
  const timeoutMs = 3_600_000
  if (server !== undefined) return (await server.run(command, { timeoutMs })).stdout
  return (await execa('sh', ['-c', command], { input: '', timeout: timeoutMs })).stdout
}

/** What one run of a command costs, with all the processes that it waits for. */
export const measure = async ({ server, run, before, exitCode = 0 }: Command): Promise<Cost> => {
  if (before !== undefined) await runIn(server, before)
  const output = await runIn(server, `python3 -c ${quote(measureScript)} ${quote(run)} ${exitCode}`)
  const [time, processor, bytes] = JSON.parse(output) as [number, number, number]
  return { time, processor, memory: bytes / 1e6 }
}

/** Compares a command with its peers, in turn; a row for each mark. */
export const compare = async (comparison: Comparison): Promise<void> => {
  const { part, work, own, marks = {}, peers = [], rounds = roundsOr(7), warmUp = true, remark } = comparison
  const commands = [own, ...peers]
  const costs: Cost[][] = commands.map(() => [])
  for (let round = warmUp ? 0 : 1; round <= rounds; round += 1) {
    for (const [index, command] of commands.entries()) {
      const cost = await measure(command)
      if (round > 0) costs[index]?.push(cost)
    }
  }
  for (const { key, quantity, unit } of QUANTITIES) {
    const values = (index: number) => (costs[index] ?? []).map((cost) => cost[key])
    const common = { part, work, quantity, unit, own: values(0), ...(remark && { remark }) }
    if (marks[key]) record({ ...common, mark: marks[key] })
    for (const [index, { name, run, marks: peerMarks }] of peers.entries()) {
      if (!peerMarks[key]) continue
      record({ ...common, peer: { name: name ?? run, values: values(index + 1) }, mark: peerMarks[key] })
    }
  }
}

/** How many processes a command on the server starts, not counting itself. */
export const countProcesses = async (server: Server, run: string): Promise<number> => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-bench-'))
  const log = join(directory, 'strace')
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const enter = ['nsenter', '-t', String(server.leader()), '-a', 'env', '-i', ...variables]
  try {
    const trace = ['-f', '-qq', '-e', 'trace=fork,vfork,clone,clone3', '-o', log]
    await execa('strace', [...trace, ...enter, 'sh', '-c', `exec ${run}`], { input: '', reject: false })
    const calls = readFileSync(log, 'utf8').match(/^\d+ +(v?fork|clone3?)\(.*/gm) ?? []
    const started = calls.filter((call) => !/CLONE_THREAD| = -1 /.test(call)).length
    // nsenter forks once, to be in the process namespace.
    return started - 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
