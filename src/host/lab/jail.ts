import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { childEnvironment } from '../process.ts'
import type { LabReport } from './report.ts'

/** Read last of all jail files, whatever others are called. */
const LAB_JAILS = '/etc/fail2ban/jail.d/zzzz-portward-lab.local'
/** Read last of the server's own files: a database that is kept elsewhere must not be written to, nor its bans be taken up. */
const LAB_SERVER = '/etc/fail2ban/fail2ban.d/zzzz-portward-lab.local'
const LOG = '/run/fail2ban/lab.log'

const START_TIMEOUT_MS = 20_000
const POLL_MS = 25

/** What fail2ban's log tells of its one jail: cheaper to ask than the server, whose client takes a Python each time. */
export interface JailLog {
  readonly jails: readonly string[]
  readonly maxretry: number
  readonly banned: readonly string[]
  readonly errors: readonly string[]
}

const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, first = '']) => first.replace(/\s+/g, ' ').trim())

/** Reads the log of fail2ban 1.0 to 1.1 at level INFO. */
export const parseJailLog = (text: string): JailLog => ({
  jails: matches(text, /\bINFO\s+Jail '([^']+)' started/g),
  maxretry: Number(matches(text, /\bINFO\s+maxRetry: (\d+)/g).at(-1) ?? 1),
  banned: matches(text, /\bNOTICE\s+\[portsentry\] (?:Restore )?Ban (\S+)/g),
  errors: matches(text, /\b(?:ERROR|CRITICAL)\s+(.*)$/gm),
})

export const readJailLog = async (): Promise<JailLog> =>
  parseJailLog(await readFile(LOG, 'utf8').catch(() => ''))

/**
 * Starts this machine's fail2ban with its own configuration in the lab, as its unit does: other jails than portsentry's
 * are off, since their logs are not here, and it knows of no bans. Null once it is ready, else why it is not. It ends
 * with the lab.
 */
export const startFail2ban = async (otherJails: readonly string[]): Promise<string | null> => {
  await mkdir('/run/fail2ban', { recursive: true })
  for (const path of [LAB_JAILS, LAB_SERVER]) await mkdir(dirname(path), { recursive: true })
  await writeFile(LAB_SERVER, '[Definition]\ndbfile = :memory:\n')
  await writeFile(LAB_JAILS, otherJails.map((jail) => `[${jail}]\nenabled = false\n`).join(''))
  const args = ['-xf', `--logtarget=${LOG}`, '--loglevel=INFO', 'start']
  const child = spawn('fail2ban-server', args, { env: childEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let isOver = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-8000)
    })
  }
  child.on('error', (error) => {
    said += `${error.message}\n`
    isOver = true
  })
  child.on('exit', () => {
    isOver = true
  })
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!isOver && performance.now() < deadline) {
    if (said.includes('Server ready')) return null
    await sleep(POLL_MS)
  }
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  return parseJailLog(said).errors.join('; ') || (lines.at(-1) ?? 'it does not get ready')
}

/** What the lab's fail2ban has to say. `startFailure` is what `startFail2ban` answered. */
export const readFail2ban = async (startFailure: string | null): Promise<LabReport['fail2ban']> => {
  const { jails, errors } = await readJailLog()
  return { startFailure, jails, complaints: errors }
}
