import { posix } from 'node:path'
import { contains, type Network, parseNetwork } from '../network.ts'
import { splitLines } from './lines.ts'

// fail2ban's ignoreip: addresses, networks, names, and since 1.1.1 files with such (server/ipdns.py: FileIPAddrSet).

/** A file that ignoreip names: its text, or why it has none, as the end of a sentence about it. */
export type IgnoreFile = { readonly text: string } | { readonly reason: string }

export const ignoreEntries = (list: string): string[] => list.split(/[\s,]+/).filter(Boolean)

/** The path of an entry such as `file:/etc/friends` or `file:///etc/friends`; null for other entries. fail2ban runs in /. */
export const ignoreFilePath = (entry: string): string | null => {
  const [, path = ''] = /^file:(.*)$/s.exec(entry) ?? []
  return path === '' ? null : posix.join('/', path)
}

/** The entries of such a file, with the line of each. A comment begins with # or ; after a blank or at the start of a line. */
export const parseIgnoreFile = (text: string): { entry: string; line: number }[] =>
  splitLines(text).flatMap((line) =>
    ignoreEntries(line.text.replace(/(?:^|\s)[#;].*/, '')).map((entry) => ({ entry, line: line.number })),
  )

interface IgnoreVerdict {
  /** The entry that covers the host. */
  readonly entry: string | null
  /** The line of a file that has it, as `path:line`; null: it is in the list itself. */
  readonly at: string | null
  /** Files of which it is unknown whether they cover it, with the reason. */
  readonly unread: readonly string[]
}

/**
 * Whether an ignoreip list covers a host. Names, which fail2ban resolves, are skipped. `files`: by path; null where this fail2ban
 * does not read any.
 */
export const judgeIgnoreip = (
  list: string,
  host: Network,
  files: ReadonlyMap<string, IgnoreFile> | null,
): IgnoreVerdict => {
  const covers = (entry: string): boolean => {
    const network = parseNetwork(entry)
    return network !== null && contains(network, host)
  }
  const unread: string[] = []
  for (const entry of ignoreEntries(list)) {
    if (covers(entry)) return { entry, at: null, unread: [] }
    const path = files === null ? null : ignoreFilePath(entry)
    if (path === null) continue
    const file = files?.get(path) ?? { reason: 'was not read' }
    if ('reason' in file) unread.push(`ignoreip names ${path}, which ${file.reason}`)
    else {
      const found = parseIgnoreFile(file.text).find((one) => covers(one.entry))
      if (found !== undefined) return { entry: found.entry, at: `${path}:${found.line}`, unread: [] }
    }
  }
  return { entry: null, at: null, unread }
}
