import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'

/** A name's pattern as Python's glob reads it: `*`, `?` and sets in brackets; a leading dot has to be spelled out. */
const toRegExp = (pattern: string): RegExp => {
  const parts = pattern.replace(/\[!/g, '[^').match(/\[\^?\]?[^\]]*\]|./gs) ?? []
  const source = parts.map((part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    return part.length > 1 ? part.replaceAll('\\', '\\\\') : part.replace(/[\\^$.*+?()[\]{}|]/, '\\$&')
  })
  return new RegExp(`^${pattern.startsWith('.') ? '' : '(?!\\.)'}${source.join('')}$`, 's')
}

const matches = async (root: string, directory: string, names: readonly string[]): Promise<boolean> => {
  const [name, ...rest] = names
  if (name === undefined) {
    await access(await resolveInRoot(root, directory))
    return true
  }
  if (!/[*?[]/.test(name)) return matches(root, join(directory, name), rest)
  const wanted = toRegExp(name)
  const found = (await readdir(await resolveInRoot(root, directory))).filter((entry) => wanted.test(entry))
  for (const entry of found) if (await exists(root, join(directory, entry), rest)) return true
  return false
}

/** What may not be looked at is taken to be there. */
const exists = (root: string, directory: string, names: readonly string[]): Promise<boolean> =>
  matches(root, directory, names).catch((error: unknown) => !isMissing(error))

/** Which of these file patterns no file below `root` matches. Patterns that are not absolute are never missed. */
export const findMissing = async (root: string, patterns: readonly string[]): Promise<Set<string>> => {
  const absolute = [...new Set(patterns)].filter((pattern) => pattern.startsWith('/'))
  const found = await Promise.all(
    absolute.map((pattern) => exists(root, '/', pattern.split('/').filter(Boolean))),
  )
  return new Set(absolute.filter((_, index) => !found[index]))
}
