import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf, HostError, messageOf } from '../system/host-error.ts'
import { resolveInRoot, statIfPresent } from '../system/paths.ts'
import { NOT_RUN, type Query } from '../system/query.ts'

/** Why a file cannot be written. */
export interface Obstacle {
  /** Why nothing can be appended to the file; null: appending works, only replacing does not. */
  readonly append: string | null
  /** Why the file cannot get other bytes, or be made, or be removed. */
  readonly replace: string
  readonly hint: string
}

/** The attribute or file system that prevents writing, and how to change that. */
interface Reason {
  readonly why: string
  readonly hint: string
}

/** access(2) knows read-only file systems and immutable files, of root too; measured: not append-only ones. */
const whyDenied = (path: string): Reason | null => {
  try {
    accessSync(path, constants.W_OK)
    return null
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EROFS') return { why: `${path} is on a read-only file system`, hint: 'mount it read-write' }
    if (code === 'EPERM') return { why: `${path} is immutable`, hint: `chattr -i ${path}` }
    return { why: `${path}: ${code ?? messageOf(error)}`, hint: 'see what is there' }
  }
}

const kindOf = (path: string): 'file' | 'directory' | 'other' | 'nothing' => {
  const entry = statIfPresent(path)
  if (entry === null) return 'nothing'
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other'
}

/** The directory that a file is in, or, where that is missing, would have to be made in. */
const presentDirectory = (real: string): string => {
  let directory = dirname(real)
  while (kindOf(directory) === 'nothing') directory = dirname(directory)
  return directory
}

interface Location {
  readonly path: string
  readonly real: string
  readonly directory: string
  readonly exists: boolean
}

const locate = async (root: string, path: string): Promise<Location | Obstacle> => {
  try {
    const real = await resolveInRoot(root, path)
    const kind = kindOf(real)
    if (kind === 'file' || kind === 'nothing') {
      return { path, real, directory: presentDirectory(real), exists: kind === 'file' }
    }
    const why = `${real} is not a regular file`
    return { append: why, replace: why, hint: 'see what is there' }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return { append: error.message, replace: error.message, hint: error.hint }
  }
}

const judge = (
  { real, directory, exists }: Location,
  attributes: ReadonlyMap<string, string>,
): Obstacle | null => {
  const isAppendOnly = (path: string) => attributes.get(path)?.includes('a') === true
  const appendOnly = [exists ? real : null, directory]
    .filter((path) => path !== null)
    .filter(isAppendOnly)
    .map((path): Reason => ({ why: `${path} is append-only`, hint: `chattr -a ${path}` }))
  const own = exists ? whyDenied(real) : null
  const around = whyDenied(directory)
  const append = exists ? own : around
  const replace = own ?? around ?? (exists ? (appendOnly[0] ?? null) : null)
  if (replace === null) return null
  return { append: append?.why ?? null, replace: replace.why, hint: replace.hint }
}

/** A file that has to be written, and where it is; or what is in the way already. */
export type Located = readonly [path: string, where: Location | Obstacle]

/** Where these files below `root` are, each once. Opens none of them. */
export const locateFiles = (root: string, paths: Iterable<string>): Promise<Located[]> =>
  Promise.all([...new Set(paths)].map(async (path): Promise<Located> => [path, await locate(root, path)]))

/** What keeps root from writing these files, by path; those that can be written are left out. Changes nothing. */
export const obstaclesQuery = (located: readonly Located[]): Query<Map<string, Obstacle>> => {
  const present = located.flatMap(([, location]) => {
    if (!('real' in location)) return []
    const { real, directory, exists } = location
    return exists ? [real, directory] : [directory]
  })
  return {
    // The attributes of those whose file system supports them: only they show a file that can be appended to, but not replaced.
    commands: [{ program: 'lsattr', args: ['-d', '--', ...new Set(present)] }],
    parse: ([{ stdout } = NOT_RUN]) => {
      const lines = [...stdout.matchAll(/^([-\w]+) (\/.*)$/gm)]
      const attributes = new Map(lines.map(([, letters = '', path = '']) => [path, letters]))
      return new Map(
        located.flatMap(([path, location]): [string, Obstacle][] => {
          const obstacle = 'real' in location ? judge(location, attributes) : location
          return obstacle === null ? [] : [[path, obstacle]]
        }),
      )
    },
  }
}
