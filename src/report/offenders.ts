import type { BanDetail } from './ban-tally.ts'
import type { Offender } from './report.ts'
import type { TopEntry } from './top-table.ts'

const NONE = { count: 0, missed: 0 }

/** Hosts with more than one scan or ban; those with the most bans first, then with the most scans. */
export const mergeOffenders = (
  scanned: readonly TopEntry<{ readonly firstMs: number; readonly lastMs: number }>[],
  banned: readonly TopEntry<BanDetail>[],
  most: number,
): Offender[] => {
  const bans = new Map(banned.map((entry) => [entry.key, entry]))
  const scans = new Map(scanned.map((entry) => [entry.key, entry]))
  const offenders: Offender[] = []
  for (const address of new Set([...bans.keys(), ...scans.keys()])) {
    const [ban, scan] = [bans.get(address), scans.get(address)]
    const banCount = Math.max(ban?.count ?? 0, ban?.detail.most ?? 0)
    const scanCount = scan?.count ?? 0
    if (banCount < 2 && scanCount < 2) continue
    offenders.push({
      address,
      scans: scan === undefined ? NONE : { count: scan.count, missed: scan.missed },
      bans: ban === undefined ? NONE : { count: banCount, missed: ban.missed },
      firstMs: Math.min(
        ban?.detail.firstMs ?? Number.POSITIVE_INFINITY,
        scan?.detail.firstMs ?? Number.POSITIVE_INFINITY,
      ),
      lastMs: Math.max(ban?.detail.lastMs ?? 0, scan?.detail.lastMs ?? 0),
    })
  }
  return offenders
    .sort(
      (a, b) =>
        b.bans.count - a.bans.count || b.scans.count - a.scans.count || (a.address < b.address ? -1 : 1),
    )
    .slice(0, most)
}
