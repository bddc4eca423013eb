import { join } from 'node:path'
import { type IgnoreList, parseIgnoreList } from '../documents/ignore-list.ts'
import { lineText } from '../documents/lines.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import type { FileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'
import { watchFile } from './records.ts'

/** The ignore list of a daemon, read again when the daemon would read it. */
export interface IgnoreSource {
  /** Null: there is none. The same object as long as the file does not change. */
  readonly list: () => IgnoreList | null
  /** The list as last read, without checking the file. */
  readonly known: () => IgnoreList | null
  /** The path of the list. */
  readonly path: () => string
  /** The text of a line (latin1-decoded), counted from 1. */
  readonly line: (number: number) => string
}

/**
 * The first of these files (absolute paths below `root`) that exists: 1.2 reads it at each packet, 2.x only when it starts.
 * `known` has files that were read a moment ago. Throws HostError if it cannot be read at the start; 1.2 treats a file that
 * becomes unreadable like a removed one.
 */
export const openIgnoreList = async (
  root: string,
  paths: readonly string[],
  dialect: Dialect,
  known: ReadonlyMap<string, FileState> = new Map(),
): Promise<IgnoreSource> => {
  const files = await Promise.all(
    paths.map(async (path) => ({ path, file: watchFile(await resolveInRoot(root, path)) })),
  )
  const texts = new Map<string, string | null>()
  let path = join(root, paths[0] ?? '')
  let list: IgnoreList | null = null
  /** Texts of its lines that were asked for: to find one takes as long as the list is. */
  const lines = new Map<number, string>()
  const take = (changed: string, content: string | null): void => {
    texts.set(changed, content)
    const found = paths.find((candidate) => typeof texts.get(candidate) === 'string')
    path = join(root, found ?? paths[0] ?? '')
    const text = found === undefined ? null : (texts.get(found) ?? null)
    if (text === (list?.text ?? null)) return
    list = text === null ? null : parseIgnoreList(text, dialect)
    lines.clear()
  }
  const textOf = (bytes: Buffer | null | undefined): string | null => bytes?.toString('latin1') ?? null
  for (const each of files) take(each.path, known.get(each.path)?.text ?? textOf(each.file.changed()))
  const refresh = (): IgnoreList | null => {
    for (const each of files) {
      try {
        const bytes = each.file.changed()
        if (bytes !== undefined) take(each.path, textOf(bytes))
      } catch (error) {
        if (!(error instanceof HostError)) throw error
        take(each.path, null)
      }
    }
    return list
  }
  return {
    list: dialect === '1.2' ? refresh : () => list,
    known: () => list,
    path: () => path,
    line: (number) => {
      const text = lines.get(number) ?? lineText(list?.text ?? '', number).trim()
      lines.set(number, text)
      return text
    },
  }
}
