import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { childEnvironment, tryRun } from '../../host/process.ts'

/** Has nft tell of every packet that comes in which rules it meets. */
const TABLE =
  'table inet portward_trace { chain entry { type filter hook prerouting priority -350; meta nftrace set 1; }; }'

const DECISION = /^trace id \S+ (\S+) (\S+) (\S+) (?:rule (.*) \(verdict drop\)|(policy drop) *)$/gm

/** Rules and policies that dropped packets, in what `nft monitor trace` prints, but for the bans. Pure. */
export const parseDrops = (trace: string): string[] => {
  const drops = [...trace.matchAll(DECISION)].flatMap(([, family, table = '', chain, rule, policy]) => {
    if (/^portward/.test(table) || chain === 'PORTWARD') return []
    const decision = (rule ?? policy ?? '').replace(/counter packets \d+ bytes \d+ ?/, '')
    return [`nft ${family} ${table} ${chain}: ${decision}`]
  })
  return [...new Set(drops)]
}

/** For so long it is waited for a sign of the monitor: a busy machine may take its time to start it. */
const START_TIMEOUT_MS = 5000
const POLL_MS = 50

/**
 * Follows the packets of this network namespace until it is stopped, which gives what was seen; '' without nft. It has begun
 * once it has seen a packet that `send` sends.
 */
export const startTrace = async (send: () => Promise<unknown>): Promise<() => Promise<string>> => {
  const { exitCode } = await tryRun('nft', ['-f', '-'], { input: TABLE })
  if (exitCode !== 0) return async () => ''
  const monitor = spawn('nft', ['monitor', 'trace'], {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let seen = ''
  monitor.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text
  })
  const ended = once(monitor, 'close')
  const deadline = performance.now() + START_TIMEOUT_MS
  while (seen === '' && performance.now() < deadline) {
    await send()
    await sleep(POLL_MS)
  }
  return async () => {
    await tryRun('nft', ['delete', 'table', 'inet', 'portward_trace'])
    monitor.kill()
    await ended
    return seen
  }
}
