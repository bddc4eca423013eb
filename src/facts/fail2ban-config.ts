import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { readFileState } from '../system/files.ts'
import { errnoOf, HostError } from '../system/host-error.ts'
import { run, tryRun } from '../system/process.ts'
import { JAIL, readOption } from './fail2ban.ts'

/** The answers of the live fail2ban and its programs. */
export interface Fail2banAnswers {
  /** The log paths of the portsentry jail as the server has them; null if it does not answer. */
  readonly logpath: string | null
  /** The names of its actions, one a line; null if it does not answer. */
  readonly actions: string | null
  /** The lines of `fail2ban-client -d`, or why it failed. */
  readonly dump: { readonly lines: readonly string[] } | { readonly failure: string }
  /** Whether `fail2ban-regex` matches a history line of this portsentry; null if it cannot be run. */
  readonly filter: { readonly matched: boolean; readonly message: string } | null
}

const TIMEOUT_MS = 30_000

const readDump = async (): Promise<Fail2banAnswers['dump']> => {
  const { exitCode, stdout, stderr } = await tryRun('fail2ban-client', ['-d'], { timeoutMs: TIMEOUT_MS })
  if (exitCode === 0) return { lines: stdout.split('\n').filter(Boolean) }
  return { failure: (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? '' }
}

/** `filter`: the path of a filter without its ending; `line`: a line of the history that it should match. */
const tryFilter = async (filter: string, line: string): Promise<Fail2banAnswers['filter']> => {
  const files = await Promise.all(['conf', 'local'].map((end) => readFileState('/', `${filter}.${end}`)))
  if (files.every((file) => file === null)) return { matched: false, message: `there is no ${filter}.conf` }
  const { exitCode, stdout, stderr } = await tryRun('fail2ban-regex', [line, `${filter}.conf`], {
    timeoutMs: TIMEOUT_MS,
  })
  const matched = /^Lines: 1 lines, 0 ignored, 1 matched/m.test(stdout)
  if (exitCode === 127) return null
  const last = (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? ''
  return { matched, message: matched ? '' : `${line} (${last})` }
}

/** Queries fail2ban's own programs. Changes nothing. */
export const askFail2ban = async (filter: string, line: string): Promise<Fail2banAnswers> => {
  const isRoot = process.getuid?.() === 0
  const [logpath, actions, dump, filterResult] = await Promise.all([
    isRoot ? readOption(JAIL, 'logpath') : null,
    isRoot ? readOption(JAIL, 'actions') : null,
    readDump(),
    tryFilter(filter, line),
  ])
  return { logpath, actions, dump, filter: filterResult }
}

const HINT = 'correct what fail2ban reports, then run apply again'

/** A file of the configuration directory as planned; text null: it is to be removed. */
export interface StagedFile {
  readonly path: string
  readonly text: string | null
}

/** Puts a file into the copy. Replaces a link by a plain file, since it may lead back to the live one. */
const stage = async (copy: string, { path, text }: StagedFile): Promise<void> => {
  const target = join(copy, path)
  await rm(target, { force: true })
  if (text === null) return
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, text, 'latin1')
}

/**
 * Runs fail2ban's test on a copy of its configuration. At a jail whose filter or action does not exist the test fails and skips
 * the remaining jails, while the server only leaves that jail out. So such a jail is disabled in the copy, unless it is ours.
 */
const test = async (copy: string): Promise<void> => {
  const { exitCode, stdout, stderr } = await tryRun('fail2ban-client', ['-c', copy, '-t'])
  if (exitCode === 0) return
  const skipped = [...`${stdout}\n${stderr}`.matchAll(/Errors in jail '([^']+)'/g)].map(
    ([, jail = '']) => jail,
  )
  const off = skipped.filter((jail) => jail !== 'portsentry').map((jail) => `[${jail}]\nenabled = false\n`)
  await stage(copy, { path: 'jail.d/zzzz-portward-test.local', text: off.join('') })
  await run('fail2ban-client', ['-c', copy, '-t'], HINT)
}

/**
 * Tests a configuration with fail2ban itself before any daemon reads it: a private copy of the configuration
 * directory with some files replaced, tested and dumped. Both are needed: `-t` ignores bad times, `-d` ignores
 * files that cannot be read. Returns the dump's lines. Throws HostError, naming the real files, if fail2ban refuses them.
 */
export const dumpStaged = async (directory: string, files: readonly StagedFile[]): Promise<string[]> => {
  const staging = await mkdtemp(join(tmpdir(), 'portward-')).catch((error: unknown) => {
    throw new HostError(
      `cannot make a directory in ${tmpdir()}: ${errnoOf(error)}`,
      'free some space there',
      {
        cause: error,
      },
    )
  })
  try {
    const copy = join(staging, 'fail2ban')
    // Links are followed: a link in the copy would lead back to the live files. cp leaves a dangling one out with an
    // error message; whether the file is needed, fail2ban decides.
    await tryRun('cp', ['--recursive', '--dereference', '--', `${directory}/.`, copy])
    for (const file of files) await stage(copy, { ...file, path: relative(directory, file.path) })
    await test(copy)
    const dump = await run('fail2ban-client', ['-c', copy, '-d'], HINT)
    return dump.split('\n').filter(Boolean)
  } catch (error) {
    const reason = error instanceof HostError ? error.message : `cannot try it out: ${errnoOf(error)}`
    const named = reason.replaceAll(join(staging, 'fail2ban'), directory)
    throw new HostError(`fail2ban refuses the new configuration: ${named}`, HINT, { cause: error })
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}
