import { follow, tryRun } from '../../system/process.ts'
import { waitUntil } from './wait-until.ts'

/** Has nft trace every incoming packet. */
const TABLE =
  'table inet portward_trace { chain entry { type filter hook prerouting priority -350; meta nftrace set 1; }; }'

const DECISION = /^trace id \S+ (\S+) (\S+) (\S+) (?:rule (.*) \(verdict drop\)|(policy drop) *)$/gm

/** Rules and policies that dropped packets, in the output of `nft monitor trace`, without the bans. Pure. */
export const parseDrops = (trace: string): string[] => {
  const drops = [...trace.matchAll(DECISION)].flatMap(([, family, table = '', chain, rule, policy]) => {
    if (/^portward/.test(table) || chain === 'PORTWARD') return []
    const decision = (rule ?? policy ?? '').replace(/counter packets \d+ bytes \d+ ?/, '')
    return [`nft ${family} ${table} ${chain}: ${decision}`]
  })
  return [...new Set(drops)]
}

/** How long to wait for the monitor's first line: it may start slowly on a busy machine. */
const START_TIMEOUT_MS = 5000

/**
 * Traces the packets of this network namespace. Returns a function that stops it and returns its output; '' without nft. Waits
 * until the trace has a packet that `send` sends.
 */
export const startTrace = async (send: () => Promise<unknown>): Promise<() => Promise<string>> => {
  const { exitCode } = await tryRun('nft', ['-f', '-'], { input: TABLE })
  if (exitCode !== 0) return async () => ''
  const monitor = follow('nft', ['monitor', 'trace'])
  let seen = ''
  monitor.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text
  })
  await waitUntil(async () => {
    if (seen === '') await send()
    return seen !== ''
  }, START_TIMEOUT_MS)
  return async () => {
    await tryRun('nft', ['delete', 'table', 'inet', 'portward_trace'])
    monitor.kill()
    await monitor.ended
    return seen
  }
}
