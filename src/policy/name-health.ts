import { formatNetwork } from '../network.ts'
import { shortList } from '../phrases.ts'
import { readJson } from '../read-json.ts'
import { formatDuration } from '../time.ts'
import type { Facts } from './facts.ts'
import { describeHost, NAMES_PATH, type NamedHosts } from './host-names.ts'

// Whether the addresses of protected hosts are followed: what refresh has recorded, and how status and verify say it.

/** The record of refresh. The time of its last run is the time of the file itself, so that it is written only when it changes. */
export interface NameHealth {
  /** Since when a name has had no good answer, in ms since 1970. */
  readonly failingSince: ReadonlyMap<string, number>
  /** When refresh last looked, in ms since 1970. */
  readonly checkedMs: number
}

export const parseHealth = (text: string, checkedMs: number): NameHealth => {
  const read = readJson<{ readonly failingSince?: Readonly<Record<string, number>> }>(text)
  return { failingSince: new Map(Object.entries(read?.failingSince ?? {})), checkedMs }
}

/**
 * What is known on a server, by the record of refresh if there is one: an apply that writes the names looks, too. Null: nothing, as for
 * other users than root.
 */
export const healthOf = (
  found: { readonly text: string; readonly checkedMs: number } | null,
  { live, files }: Pick<Facts, 'live' | 'files'>,
): NameHealth | null => {
  const appliedMs = files.get(NAMES_PATH)?.modifiedMs ?? 0
  if (live === null || !live.asRoot || (found === null && appliedMs === 0)) return null
  return parseHealth(found?.text ?? '', Math.max(found?.checkedMs ?? 0, appliedMs))
}

export const renderHealth = ({ failingSince }: NameHealth): string =>
  `${JSON.stringify({ version: 1, failingSince: Object.fromEntries(failingSince) })}\n`

/** The record after today's answers. */
export const nextHealth = (before: NameHealth | null, { hosts }: NamedHosts, nowMs: number): NameHealth => ({
  failingSince: new Map(
    hosts.flatMap(({ host, refused }) =>
      refused === null ? [] : [[host, before?.failingSince.get(host) ?? nowMs] as const],
    ),
  ),
  checkedMs: nowMs,
})

/** Refresh runs every five minutes; a reboot or a long apply may delay it. */
const LATE_MS = 30 * 60_000

export interface Followed {
  /** Whether all names have a good answer, and refresh looks at them as often as it should. */
  readonly isGood: boolean
  /** For each host that is protected by name, or as a service. */
  readonly lines: readonly string[]
  /** When refresh last looked, in words. */
  readonly checked: string
}

/** `health` null: unknown. `format`: of a time in ms since 1970. */
export const describeFollowed = (
  { hosts }: NamedHosts,
  health: NameHealth | null,
  nowMs: number,
  format: (timeMs: number) => string,
): Followed => {
  const failing = hosts.filter(({ refused }) => refused !== null)
  const describeFailing = failing.map(({ host, addresses, refused }) => {
    const since = health?.failingSince.get(host)
    const when = since === undefined ? '' : ` since ${format(since)}`
    const kept =
      addresses.length === 0
        ? 'it is not protected'
        : `${addresses.map(formatNetwork).join(' ')} ${addresses.length === 1 ? 'stays' : 'stay'} protected`
    return `${host}: no good answer${when} (it ${refused}); ${kept}`
  })
  const good = hosts.filter((host) => !failing.includes(host)).map(describeHost)
  const ageMs = health === null ? null : Math.max(0, nowMs - health.checkedMs)
  return {
    isGood: failing.length === 0 && (ageMs === null || ageMs < LATE_MS),
    lines: [...describeFailing, ...(good.length === 0 ? [] : [shortList(good, 8)])],
    checked:
      health === null || ageMs === null
        ? 'when portward refresh last looked is not known'
        : ageMs < LATE_MS
          ? `last looked up ${formatDuration(Math.round(ageMs / 1000) * 1000)} ago`
          : `NOT looked up since ${format(health.checkedMs)}`,
  }
}
