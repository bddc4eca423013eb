import type { BanRecord, FileRecord, Generation, ReleaseRecord, ServiceRecord } from './record.ts'

/** A file as the earliest of some generations found it, and as the latest of them left it. */
export interface MergedFile {
  readonly record: FileRecord
  /** Which generation holds the copy. */
  readonly number: number
  readonly left: FileRecord['after']
}

/** What has to be given back for several generations at once. */
export interface Restoration {
  readonly root: string
  readonly numbers: readonly number[]
  readonly files: readonly MergedFile[]
  readonly services: ServiceRecord
  readonly releases: readonly ReleaseRecord[]
  readonly bans: BanRecord
  readonly packages: readonly string[]
  readonly configured: readonly string[]
  readonly newPaths: readonly string[]
}

/**
 * Generations in a row, the latest first and at least one → the state before the earliest of them. Pure.
 *
 * Files are in the reverse order of the apply, so that the daemons can be started half-way back, too: fail2ban does not
 * start for a jail whose log went before it.
 */
export const mergeGenerations = (generations: readonly [Generation, ...Generation[]]): Restoration => {
  const files = new Map<string, MergedFile>()
  for (const { number, files: records } of generations) {
    for (const record of [...records].reverse()) {
      const left = files.get(record.path)?.left
      files.set(record.path, { record, number, left: left === undefined ? record.after : left })
    }
  }
  const earliest = generations.at(-1) ?? generations[0]
  return {
    root: earliest.root,
    numbers: generations.map(({ number }) => number),
    files: [...files.values()],
    services: earliest.services,
    bans: earliest.bans,
    releases: generations.flatMap(({ releases }) => releases),
    packages: [...new Set(generations.flatMap(({ packages }) => packages.map(({ name }) => name)))],
    configured: [...new Set(generations.flatMap(({ configured }) => configured ?? []))],
    newPaths: [...new Set(generations.flatMap(({ newPaths }) => newPaths))],
  }
}
