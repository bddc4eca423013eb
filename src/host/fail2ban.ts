import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import askScript from '../../templates/fail2ban-ask.py?raw'
import { readDaemons } from '../facts/daemons.ts'
import { effect } from './effect.ts'
import { errnoOf, HostError } from './host-error.ts'
import { type RunResult, run, tryRun } from './process.ts'
import { waitingFor } from './waiting.ts'

const TIMEOUT_MS = 30_000

const client = (...args: string[]) => tryRun('fail2ban-client', args, { timeoutMs: TIMEOUT_MS })

/** Debian's default. */
const SOCKET = '/run/fail2ban/fail2ban.sock'
/** How `askScript` says that nobody listens there. */
const NOBODY_LISTENS = 69

/**
 * What the running server answers; lists a line an element. Its own client, which knows of another socket, is asked where
 * nobody listens at the usual one: it takes 0.2 s of processor time to load, and an apply asks a dozen times.
 */
const ask = async (...words: string[]): Promise<RunResult> => {
  const args = ['-I', '-S', '-c', askScript, SOCKET, ...words]
  const purpose = 'fail2ban to answer'
  const result = await tryRun('python3', args, { timeoutMs: TIMEOUT_MS, purpose })
  return result.exitCode === NOBODY_LISTENS ? client(...words) : result
}

/** Whether there is a client to ask with at all. */
export const isInstalled = async (): Promise<boolean> => (await client('--version')).exitCode === 0

/** Jails that the running server has loaded by now; null where it does not answer. */
export const askJails = async (): Promise<string[] | null> => {
  const { exitCode, stdout } = await ask('status')
  if (exitCode !== 0) return null
  const list = /Jail list:\s*(.*)$/m.exec(stdout)?.[1] ?? ''
  return list.split(/[,\s]+/).filter(Boolean)
}

/** For so long after its start a server may not answer yet. */
const SILENT_MS = 60_000
/** For so long it may answer and have no jails: it is told of all of them at once, as soon as it answers. */
const EMPTY_MS = 10_000
const POLL_MS = 100

/** Whether the server was started less than so many milliseconds ago. */
export const isYoungerThan = async (ageMs: number): Promise<boolean> =>
  (await readDaemons('fail2ban')).some(({ startedMs }) => Date.now() - startedMs < ageMs)

/** Jails that the running server has loaded; null where it does not answer. Waits for one that is being started. */
export const readJails = (): Promise<string[] | null> =>
  waitingFor('fail2ban to answer', SILENT_MS, async () => {
    const deadline = performance.now() + SILENT_MS
    let jails = await askJails()
    while (performance.now() < deadline) {
      const patienceMs = jails === null ? SILENT_MS : jails.length === 0 ? EMPTY_MS : 0
      if (!(await isYoungerThan(patienceMs))) return jails
      await sleep(POLL_MS)
      jails = await askJails()
    }
    return jails
  })

/** Addresses that a jail holds; none where the server or the jail does not answer. */
export const readBanned = async (jail: string): Promise<string[]> => {
  if (!(await readJails())?.includes(jail)) return []
  const { exitCode, stdout } = await ask('get', jail, 'banip')
  return exitCode === 0 ? stdout.split(/\s+/).filter(Boolean) : []
}

/** What the running server says of one option of a jail; null where it does not answer. */
export const readOption = async (jail: string, ...option: readonly string[]): Promise<string | null> => {
  const { exitCode, stdout } = await ask('get', jail, ...option)
  return exitCode === 0 ? stdout : null
}

/** Says something about addresses to a jail; one that is not loaded holds nobody. */
const tellJail = async (
  jail: string,
  command: 'banip' | 'unbanip',
  addresses: readonly string[],
): Promise<void> => {
  const jails = await readJails()
  if (jails === null && (await readDaemons('fail2ban')).length > 0)
    throw new HostError('fail2ban does not answer', 'see whether it hangs: journalctl -u fail2ban')
  if (!jails?.includes(jail)) return
  await effect(`run fail2ban-client set ${jail} ${command} ${addresses.join(' ')}`, () =>
    run('fail2ban-client', ['set', jail, command, ...addresses], `see fail2ban-client status ${jail}`),
  )
}

/** Has a jail let go of addresses. Throws HostError. */
export const unban = (jail: string, ...addresses: readonly string[]): Promise<void> =>
  tellJail(jail, 'unbanip', addresses)

/** Has a jail ban addresses. Throws HostError. */
export const ban = (jail: string, ...addresses: readonly string[]): Promise<void> =>
  tellJail(jail, 'banip', addresses)

const HINT = 'correct what fail2ban complains about, then apply again'

/** A file of the configuration directory as it is planned; null: it is to go. */
export interface StagedFile {
  readonly path: string
  readonly text: string | null
}

/** Puts a file into the copy. A link there is replaced by a plain file: it may lead back to the live one. */
const stage = async (copy: string, { path, text }: StagedFile): Promise<void> => {
  const target = join(copy, path)
  await rm(target, { force: true })
  if (text === null) return
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, text, 'latin1')
}

/**
 * Has fail2ban test a copy of its configuration. A jail whose filter or action does not exist fails the test, and keeps it
 * from going on to the others; the server only leaves such a jail out. It is off in the copy then, unless it is ours.
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
 * Lets fail2ban itself judge a configuration before any daemon sees it: a private copy of the configuration
 * directory with some files replaced, tested and dumped. Both are needed: `-t` passes over bad times, `-d` over
 * files that cannot be read. Returns the dump's lines. Throws HostError where fail2ban refuses, which names the real files.
 */
export const dumpStaged = async (directory: string, files: readonly StagedFile[]): Promise<string[]> => {
  const staging = await mkdtemp(join(tmpdir(), 'portward-')).catch((error: unknown) => {
    throw new HostError(`cannot make a directory in ${tmpdir()}: ${errnoOf(error)}`, 'make room there', {
      cause: error,
    })
  })
  try {
    const copy = join(staging, 'fail2ban')
    // Links are followed: one that stayed would lead from the copy back to the live files. A dangling one is
    // left out with a complaint, which is fail2ban's to judge.
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
