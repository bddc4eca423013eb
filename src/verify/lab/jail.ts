import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { Outcome } from '../../detector/decision.ts'
import { sampleLine } from '../../detector/samples.ts'
import { readProcFile } from '../../facts/procfs.ts'
import { parseAddress } from '../../network.ts'
import type { Release } from '../../policy/release.ts'
import { localTime } from '../../system/clock.ts'
import { follow, tryRun } from '../../system/process.ts'
import type { LabHost, LabSpecification } from './specification.ts'
import { waitUntil } from './wait-until.ts'

/** Names that are read last of all files of their kind. */
const LAB_JAILS = '/etc/fail2ban/jail.d/zzzz-portward-lab.local'
const LAB_SERVER = '/etc/fail2ban/fail2ban.d/zzzz-portward-lab.local'
const LOG = '/run/fail2ban/lab.log'
/** A separate database, since fail2ban restores the bans that it finds in its database. */
export const DATABASE = '/run/fail2ban/lab.sqlite3'

/** A fail2ban that cannot start ends long before that. */
const START_TIMEOUT_MS = 60_000
const ANSWER_TIMEOUT_MS = 30_000
/** fail2ban polls every second; on a busy machine it may take longer. */
const BAN_TIMEOUT_MS = 20_000
/** Two rounds of polling. */
const POLLED_MS = 2500
/** The maximum of MAXRETRY. */
const MAX_LINES = 1000

/** What fail2ban's log says about its one jail: cheaper than asking the server, since its client starts Python each time. */
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
  /** Why it did not start; null: it started, or `isLate`. */
  readonly failure: string | null
  /** It is still starting. */
  readonly isLate: boolean
  /** Whether it is running the command of an action. */
  readonly isActing: () => Promise<boolean>
}

/** Whether any thread of a process has a child process. */
const hasChildren = async (pid: number): Promise<boolean> => {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => [])
  const lists = await Promise.all(
    tasks.map((task) => readProcFile(`/proc/${pid}/task/${task}/children`).catch(() => '')),
  )
  return lists.some((list) => list.trim() !== '')
}

/** Whether its server answers its client: then its other threads have been scheduled, too. */
const answers = async (): Promise<boolean> =>
  (await tryRun('fail2ban-client', ['ping'], { timeoutMs: ANSWER_TIMEOUT_MS })).exitCode === 0

/**
 * Starts this machine's fail2ban with its own configuration in the lab, as its unit does. Jails other than portsentry's are
 * disabled, since their logs are not here, nobody is told about bans, and its database is empty.
 */
export const startFail2ban = async ({
  otherJails,
  quietAction,
}: Pick<LabSpecification, 'otherJails' | 'quietAction'>): Promise<LabFail2ban> => {
  for (const directory of ['/run/fail2ban', '/etc/fail2ban/jail.d', '/etc/fail2ban/fail2ban.d'])
    await mkdir(directory, { recursive: true })
  const quiet = quietAction === null ? '' : `[portsentry]\naction = ${quietAction.replaceAll('\n', '\n  ')}\n`
  const off = otherJails.map((jail) => `[${jail}]\nenabled = false\n`)
  await writeFile(LAB_JAILS, [quiet, ...off].join(''))
  await writeFile(LAB_SERVER, `[Definition]\ndbfile = ${DATABASE}\n`)
  const args = ['-xf', `--logtarget=${LOG}`, '--loglevel=INFO', 'start']
  const server = follow('fail2ban-server', args)
  let output = ''
  server.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-8000)
  })
  let isOver = false
  server.ended.then(() => {
    isOver = true
  })
  const isReady = () => `${output}${server.stderrTail()}`.includes('Server ready')
  await waitUntil(() => isReady() || isOver, START_TIMEOUT_MS)
  const isActing = async () => server.pid !== undefined && hasChildren(server.pid)
  if (isReady() || !isOver) return { failure: null, isLate: !isReady(), isActing }
  const text = `${output}${(await server.ended).stderr}`
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const failure = parseJailLog(text).errors.join('; ') || (lines.at(-1) ?? 'it ends at once')
  return { failure, isLate: false, isActing }
}

/** Writes the history as it would be after the scans, then lines for the hosts that are only in the history. */
const writeHistory = async (
  { hosts, historyPath }: LabSpecification,
  { dialect, seesIPv6 }: Release,
  outcomes: readonly Outcome[],
): Promise<void> => {
  const { maxretry } = await readJailLog()
  const times = Math.min(Math.max(1, maxretry), MAX_LINES)
  const now = Date.now()
  const lines = (role: LabHost['role']): string[] =>
    hosts
      .filter((host) => host.role === role && (seesIPv6 || !host.address.includes(':')))
      .map(({ address }) =>
        sampleLine(dialect, parseAddress(address) ?? [], now, localTime(now)).repeat(times),
      )
  const detected = outcomes.flatMap(({ written }) => written().history ?? [])
  await appendFile(historyPath, [...detected, ...lines('allowlisted'), ...lines('logged')].join(''), 'latin1')
}

interface JailOutcome {
  readonly jailed: readonly string[]
  /** Why hosts that are not jailed prove nothing; null: fail2ban has read the history and does not ban them. */
  readonly unproven: string | null
}

/** Appends to the history, and waits until fail2ban has read and acted on all of it. */
export const watchJail = async (
  specification: LabSpecification,
  release: Release,
  outcomes: readonly Outcome[],
): Promise<JailOutcome> => {
  await writeHistory(specification, release, outcomes)
  const logged = specification.hosts.filter(({ role }) => role === 'logged').map(({ address }) => address)
  const holdsAll = async () => {
    const { banned } = await readJailLog()
    return logged.every((address) => banned.includes(address))
  }
  const outcome = async (unproven: string | null): Promise<JailOutcome> => ({
    jailed: (await readJailLog()).banned,
    unproven,
  })
  if (await waitUntil(holdsAll, BAN_TIMEOUT_MS)) return outcome(null)
  if (!(await answers())) return outcome('fail2ban does not answer')
  // It has been scheduled by now, however busy this machine is.
  if (await waitUntil(holdsAll, POLLED_MS)) return outcome(null)
  const { found, banned } = await readJailLog()
  const isUnderWay = logged.some((address) => found.includes(address) && !banned.includes(address))
  return outcome(isUnderWay ? 'fail2ban has found the new lines, but has not banned the hosts yet' : null)
}
