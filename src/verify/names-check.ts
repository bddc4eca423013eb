import type { NamedHosts } from '../policy/host-names.ts'
import { describeFollowed, type NameHealth } from '../policy/name-health.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { type Check, checkFor } from './check.ts'

/** Whether the hosts that are protected by name are followed; none if there are none. `isLive`: not a tree. */
export const checkNames = (
  named: NamedHosts,
  health: NameHealth | null,
  isLive: boolean,
  nowMs: number,
): Check[] => {
  if (named.hosts.length === 0) return []
  const check = checkFor('names')
  const { isGood, lines, checked } = describeFollowed(named, health, nowMs, formatTimestamp)
  if (!isLive) return [check.skip(`not looked up in a tree: ${lines.join('; ')}`)]
  const text = `${lines.join('; ')}; ${checked}`
  if (isGood) return [check.pass(text)]
  const hint = named.hosts.some(({ refused }) => refused !== null)
    ? 'see what "getent ahosts NAME" says; the next good answer is taken'
    : 'portward refresh; systemctl status portward-names.timer says why it does not run'
  return [check.warn(text, hint)]
}
