import { join } from 'node:path'
import { type IgnoreList, parseIgnoreList } from '../documents/ignore-list.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { resolveInRoot } from '../system/paths.ts'
import { watchFile } from './records.ts'

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
