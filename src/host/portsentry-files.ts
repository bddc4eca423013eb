import { join } from 'node:path'
import { type IgnoreList, parseIgnoreList } from '../documents/ignore-list.ts'
import { type Dialect, type PortsentryConf, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { Facts } from '../policy/facts.ts'
import { findRelease } from '../policy/find-release.ts'
import type { Release } from '../policy/release.ts'
import { readFileState } from './files.ts'
import { HostError } from './host-error.ts'
import { readInstalled, readPackageFiles } from './packages.ts'
import { resolveInRoot } from './paths.ts'
import { watchFile } from './records.ts'

/** What no look at the packages and files of portsentry tells. */
const UNASKED: Omit<Facts, 'root' | 'portsentry' | 'packages'> = {
  live: null,
  installs: null,
  files: new Map(),
  predicted: new Set(),
  insecure: new Map(),
  actions: new Set(),
  wrapped: [],
  logs: new Set(),
  unknown: [],
  remarks: [],
}

/** The portsentry that is installed below `root`. Throws HostError where there is none, or none that is known. */
export const readRelease = async (root: string): Promise<Release> => {
  const packages = await readInstalled(root)
  const version = packages.get('portsentry')
  const portsentry =
    version === undefined ? null : { version, files: await readPackageFiles(root, 'portsentry') }
  const release = findRelease({ ...UNASKED, root, packages, portsentry })
  if ('code' in release) throw new HostError(release.message, release.hint)
  return release
}

/** portsentry.conf as it is now. Throws HostError where there is none. */
export const readConf = async (root: string, { confPath, dialect }: Release): Promise<PortsentryConf> => {
  const file = await readFileState(root, confPath)
  if (file === null) throw new HostError(`${join(root, confPath)} does not exist`, 'install portsentry there')
  return parsePortsentryConf(file.text, dialect)
}

/** The ignore list that a daemon reads, kept up with its file as the daemon does it. */
export interface IgnoreSource {
  /** Null: there is none. The same object as long as the file is the same. */
  readonly list: () => IgnoreList | null | Promise<IgnoreList | null>
  /** The same as it was last read, without another look at the file. */
  readonly known: () => IgnoreList | null
  /** Where the list came from. */
  readonly path: () => string
  /** What a line of it says (latin1-decoded), from 1. */
  readonly line: (number: number) => string
}

/**
 * The first of these files (absolute paths below `root`) that is there: 1.2 looks at each packet, 2.x at the start only.
 * Throws HostError where one cannot be read at the start; a file that fails later is to 1.2 as one that is gone.
 */
export const openIgnoreList = async (
  root: string,
  paths: readonly string[],
  dialect: Dialect,
): Promise<IgnoreSource> => {
  const files = await Promise.all(
    paths.map(async (path) => ({ path, file: watchFile(await resolveInRoot(root, path)) })),
  )
  const texts = new Map<string, string | null>()
  let found: string | undefined
  let list: IgnoreList | null = null
  const take = (path: string, bytes: Buffer | null): void => {
    texts.set(path, bytes?.toString('latin1') ?? null)
    found = paths.find((candidate) => typeof texts.get(candidate) === 'string')
    const text = found === undefined ? null : (texts.get(found) ?? null)
    list = text === null ? null : parseIgnoreList(text, dialect)
  }
  for (const { path, file } of files) take(path, (await file.changed()) ?? null)
  const refresh = (): typeof list | Promise<typeof list> => {
    const changes = files.map(({ path, file }) => ({ path, bytes: file.changed() }))
    if (changes.every(({ bytes }) => bytes === undefined)) return list
    return (async () => {
      for (const { path, bytes } of changes) {
        if (bytes !== undefined) take(path, await bytes.catch(() => null))
      }
      return list
    })()
  }
  return {
    list: dialect === '1.2' ? refresh : () => list,
    known: () => list,
    path: () => join(root, found ?? paths[0] ?? ''),
    line: (number) => list?.lines[number - 1]?.text.trim() ?? '',
  }
}
