import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { readProcFile } from '../../host/proc-file.ts'
import { childEnvironment, OUTPUT_GRACE_MS, tryRun } from '../../host/process.ts'
import type { LabReport } from './report.ts'

/** Read last of all files of their kind, whatever others are called. */
const LAB_JAILS = '/etc/fail2ban/jail.d/zzzz-portward-lab.local'
const LAB_SERVER = '/etc/fail2ban/fail2ban.d/zzzz-portward-lab.local'
const LOG = '/run/fail2ban/lab.log'
/** Of its own, wherever the live one is: fail2ban takes up again whom that holds. */
export const DATABASE = '/run/fail2ban/lab.sqlite3'

/** One that cannot start ends long before that. */
const START_TIMEOUT_MS = 60_000
const ANSWER_TIMEOUT_MS = 30_000
const POLL_MS = 25

/** What fail2ban's log tells of its one jail: cheaper to ask than the server, whose client takes a Python each time. */
export interface JailLog {
  readonly jails: readonly string[]
  readonly maxretry: number
  /** Hosts that the filter has found in the log. */
  readonly found: readonly string[]
  readonly banned: readonly string[]
  readonly errors: readonly string[]
}

const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, first = '']) => first.replace(/\s+/g, ' ').trim())

/** Reads the log of fail2ban 1.0 to 1.1 at level INFO. */
export const parseJailLog = (text: string): JailLog => ({
  jails: matches(text, /\bINFO\s+Jail '([^']+)' started/g),
  maxretry: Number(matches(text, /\bINFO\s+maxRetry: (\d+)/g).at(-1) ?? 1),
  found: matches(text, /\bINFO\s+\[portsentry\] Found (\S+)/g),
  banned: matches(text, /\bNOTICE\s+\[portsentry\] (?:Restore )?Ban (\S+)/g),
  errors: matches(text, /\b(?:ERROR|CRITICAL)\s+(.*)$/gm),
})

export const readJailLog = async (): Promise<JailLog> =>
  parseJailLog(await readFile(LOG, 'utf8').catch(() => ''))

/** The lab's fail2ban after its start. It ends with the lab. */
export interface LabFail2ban {
  /** Why it did not start; null: it did, or `isLate`. */
  readonly failure: string | null
  /** It is still starting. */
  readonly isLate: boolean
  /** Whether it runs the command of an action right now. */
  readonly isActing: () => Promise<boolean>
  /** Whether its server answers its client: then its other threads have had their turn, too. */
  readonly answers: () => Promise<boolean>
}

/** Whether any thread of a process has started a program that has not ended yet. */
const hasChildren = async (pid: number): Promise<boolean> => {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(
    tasks.map((task) => readProcFile(`/proc/${pid}/task/${task}/children`).catch(() => '')),
  )
  return lists.some((list) => list.trim() !== '')
}

const answers = async (): Promise<boolean> =>
  (await tryRun('fail2ban-client', ['ping'], { timeoutMs: ANSWER_TIMEOUT_MS })).exitCode === 0

/**
 * Starts this machine's fail2ban with its own configuration in the lab, as its unit does: other jails than portsentry's
 * are off, since their logs are not here, and it knows of no bans.
 */
export const startFail2ban = async (otherJails: readonly string[]): Promise<LabFail2ban> => {
  for (const directory of ['/run/fail2ban', '/etc/fail2ban/jail.d', '/etc/fail2ban/fail2ban.d'])
    await mkdir(directory, { recursive: true })
  await writeFile(LAB_JAILS, otherJails.map((jail) => `[${jail}]\nenabled = false\n`).join(''))
  await writeFile(LAB_SERVER, `[Definition]\ndbfile = ${DATABASE}\n`)
  const args = ['-xf', `--logtarget=${LOG}`, '--loglevel=INFO', 'start']
  const child = spawn('fail2ban-server', args, { env: childEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let isOver = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-8000)
    })
  }
  const end = () => {
    isOver = true
  }
  child.on('error', (error) => {
    said += `${error.message}\n`
    end()
  })
  // What it said last may be read after its end; what it has started may keep its output open for longer.
  child.on('close', end)
  child.on('exit', () => setTimeout(end, OUTPUT_GRACE_MS).unref())
  const isActing = async () => child.pid !== undefined && hasChildren(child.pid)
  const started = { failure: null, isLate: false, isActing, answers }
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!isOver && performance.now() < deadline) {
    if (said.includes('Server ready')) return started
    await sleep(POLL_MS)
  }
  if (!isOver) return { ...started, isLate: !said.includes('Server ready') }
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  return { ...started, failure: parseJailLog(said).errors.join('; ') || (lines.at(-1) ?? 'it ends at once') }
}

/** What the lab's fail2ban has to say, beside how its start and its work went. */
export const readFail2ban = async (
  startFailure: string | null,
  unproven: string | null,
): Promise<LabReport['fail2ban']> => {
  const { jails, errors } = await readJailLog()
  return { startFailure, unproven, jails, complaints: errors }
}
