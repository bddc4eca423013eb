import type { BanRecord } from '../facts/ban-records.ts'
import type { BanLength } from './report.ts'
import { createTopTable, type TopEntry } from './top-table.ts'

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000]

/** From short to long, the last two without an end. */
const LENGTHS: readonly (readonly [label: string, mostMs: number | null])[] = [
  ['up to 10 minutes', 10 * MINUTE],
  ['up to 1 hour', HOUR],
  ['up to 6 hours', 6 * HOUR],
  ['up to 1 day', DAY],
  ['up to 1 week', 7 * DAY],
  ['up to 30 days', 30 * DAY],
  ['longer', null],
  ['permanent', null],
]

const PERMANENT = LENGTHS.length - 1

export interface BanDetail {
  firstMs: number
  lastMs: number
  /** fail2ban's own count of the host's bans, which may go back further than its records. */
  most: number
}

/** The bans of a period, and those in force at its end. */
export const createBanTally = ({ room, untilMs }: { readonly room: number; readonly untilMs: number }) => {
  const lengths = new Float64Array(LENGTHS.length)
  const byHost = createTopTable<BanDetail>(room, () => ({
    firstMs: Number.POSITIVE_INFINITY,
    lastMs: Number.NEGATIVE_INFINITY,
    most: 0,
  }))
  let count = 0
  let current = 0
  return {
    add: ({ address, sinceMs, untilMs: endMs, count: ordinal }: BanRecord): void => {
      count += 1
      const index =
        endMs === null
          ? PERMANENT
          : LENGTHS.findIndex(([, mostMs]) => mostMs === null || endMs - sinceMs <= mostMs)
      lengths[index] = (lengths[index] as number) + 1
      const entry = byHost.entry(address)
      entry.count += 1
      entry.detail.firstMs = Math.min(entry.detail.firstMs, sinceMs)
      entry.detail.lastMs = Math.max(entry.detail.lastMs, sinceMs)
      entry.detail.most = Math.max(entry.detail.most, ordinal)
    },
    /** fail2ban has each host that is banned once among them. */
    addCurrent: ({ sinceMs, untilMs: endMs, isLatest }: BanRecord): void => {
      if (isLatest && sinceMs < untilMs && (endMs === null || endMs > untilMs)) current += 1
    },
    count: () => count,
    current: () => current,
    lengths: (): BanLength[] =>
      LENGTHS.map(([label, mostMs], index) => ({ label, mostMs, bans: lengths[index] as number })),
    hosts: (): TopEntry<BanDetail>[] => byHost.top(room),
  }
}
