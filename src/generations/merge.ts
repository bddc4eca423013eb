import type { FileRecord, Generation } from './record.ts'

/** A file as the earliest of several generations found it; `after`: as the latest of them left it. */
export type RestoredFile = FileRecord & {
  /** Which generation holds the copy. */
  readonly number: number
}

/** What has to be restored for several generations at once. */
export interface Restoration
  extends Pick<Generation, 'root' | 'started' | 'services' | 'bans' | 'releases' | 'newPaths'> {
  readonly files: readonly RestoredFile[]
  readonly packages: readonly string[]
  readonly configured: readonly string[]
}

const unique = (names: readonly string[]): string[] => [...new Set(names)]

/**
 * Generations in a row, the latest first and at least one → the state before the earliest of them. Pure.
 *
 * Files are in the reverse order of the apply, so that the daemons can be started at any point in between: fail2ban does not
 * start with a jail whose log has been removed before the jail.
 */
export const mergeGenerations = (generations: readonly [Generation, ...Generation[]]): Restoration => {
  const files = new Map<string, RestoredFile>()
  for (const { number, files: records } of generations) {
    for (const record of [...records].reverse()) {
      const { after } = files.get(record.path) ?? record
      files.set(record.path, { ...record, number, after })
    }
  }
  const { root, started, services, bans } = generations.at(-1) ?? generations[0]
  return {
    root,
    started,
    files: [...files.values()],
    services,
    bans,
    releases: generations.flatMap(({ releases }) => releases),
    packages: unique(generations.flatMap(({ packages }) => packages.map(({ name }) => name))),
    configured: unique(generations.flatMap(({ configured }) => configured ?? [])),
    newPaths: unique(generations.flatMap(({ newPaths }) => newPaths)),
  }
}
