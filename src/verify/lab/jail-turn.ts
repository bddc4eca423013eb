import { appendFile } from 'node:fs/promises'
import type { Settled } from '../../detector/decision.ts'
import { sampleLine } from '../../detector/samples.ts'
import { localTime } from '../../host/clock.ts'
import { parseAddress } from '../../network.ts'
import type { Release } from '../../policy/release.ts'
import { type LabFail2ban, readJailLog } from './jail.ts'
import type { LabHost, LabSpecification } from './specification.ts'
import { waitUntil } from './wait-until.ts'

/** fail2ban polls every second at most; on a busy machine it may take longer to get at it. */
const BAN_TIMEOUT_MS = 20_000
/** Two rounds of polling. */
const POLLED_MS = 2500
/** The most that MAXRETRY can ask for. */
const MAX_LINES = 1000

/** The history as it would be after the scans, and lines for those that only it is to speak of: the last one last. */
const tellHistory = async (
  { hosts, historyPath }: LabSpecification,
  { dialect, seesIPv6 }: Release,
  settled: readonly Settled[],
): Promise<void> => {
  const { maxretry } = await readJailLog()
  const times = Math.min(Math.max(1, maxretry), MAX_LINES)
  const now = Date.now()
  const lines = (role: LabHost['role']): string[] =>
    hosts
      .filter((host) => host.role === role && (seesIPv6 || !host.address.includes(':')))
      .map(({ address }) =>
        sampleLine(dialect, parseAddress(address) ?? [], now, localTime(now)).repeat(times),
      )
  const told = settled.flatMap(({ history }) => history ?? [])
  await appendFile(historyPath, [...told, ...lines('spared'), ...lines('logged')].join(''), 'latin1')
}

export interface JailOutcome {
  /** Whom it holds. */
  readonly jailed: readonly string[]
  /** Why nothing can be said about those whom it does not hold; null: it read the history and does not ban them. */
  readonly unproven: string | null
}

/** fail2ban's turn: what it has done about those in the history once it has read all of it. */
export const watchJail = async (
  specification: LabSpecification,
  release: Release,
  settled: readonly Settled[],
  { answers }: LabFail2ban,
): Promise<JailOutcome> => {
  await tellHistory(specification, release, settled)
  const logged = specification.hosts.filter(({ role }) => role === 'logged').map(({ address }) => address)
  const holdsAll = async () => {
    const { banned } = await readJailLog()
    return logged.every((address) => banned.includes(address))
  }
  const outcome = async (unproven: string | null): Promise<JailOutcome> => ({
    jailed: (await readJailLog()).banned,
    unproven,
  })
  if (await waitUntil(holdsAll, BAN_TIMEOUT_MS)) return outcome(null)
  if (!(await answers())) return outcome('fail2ban does not answer')
  // It has had its turn by now, however busy this machine is.
  if (await waitUntil(holdsAll, POLLED_MS)) return outcome(null)
  const { found, banned } = await readJailLog()
  const isUnderWay = logged.some((address) => found.includes(address) && !banned.includes(address))
  return outcome(isUnderWay ? 'fail2ban has found the new lines, but did not come to ban the hosts' : null)
}
