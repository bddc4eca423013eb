import { existsSync } from 'node:fs'
import { readJson } from '../read-json.ts'
import { readFileState, replaceFile } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { STATE } from '../system/lock.ts'
import type { Check, Result } from './check.ts'

/** When all checks were last run on this server, and how many of them ended in each way. */
export interface LastVerify {
  readonly timeMs: number
  readonly results: Readonly<Record<Result, number>>
}

const RECORD = `${STATE}/last-verify.json`
const RESULTS: readonly Result[] = ['pass', 'warn', 'fail', 'skip']

export const countResults = (checks: readonly Check[], timeMs: number): LastVerify => {
  const results = { pass: 0, warn: 0, fail: 0, skip: 0 }
  for (const { result } of checks) results[result] += 1
  return { timeMs, results }
}

export const renderRecord = ({ timeMs, results }: LastVerify): string =>
  `${JSON.stringify({ time: new Date(timeMs).toISOString(), ...results })}\n`

/** Null for anything that is not such a record. */
export const parseRecord = (text: string): LastVerify | null => {
  const record = readJson<Readonly<Record<string, unknown>> | null>(text)
  const timeMs = Date.parse(String(record?.['time']))
  const counts = RESULTS.map((result) => record?.[result])
  if (Number.isNaN(timeMs) || !counts.every((count) => Number.isSafeInteger(count))) return null
  const [pass = 0, warn = 0, fail = 0, skip = 0] = counts as number[]
  return { timeMs, results: { pass, warn, fail, skip } }
}

/**
 * Records the result of all checks of this server; only numbers, so it stays small. Nothing is recorded where portward has no state: it has
 * not been applied there. Throws HostError.
 */
export const recordVerify = async (checks: readonly Check[]): Promise<void> => {
  if (!existsSync(STATE)) return
  await replaceFile('/', RECORD, renderRecord(countResults(checks, Date.now())), 0o600)
}

/** `last` is null where nothing was recorded; `isRead` is false where that could not be determined. */
export interface LastVerifyRead {
  readonly isRead: boolean
  readonly last: LastVerify | null
}

/** The latest record of this server. */
export const readLastVerify = async (): Promise<LastVerifyRead> => {
  try {
    const file = await readFileState('/', RECORD)
    const last = file === null ? null : parseRecord(file.text)
    return { isRead: file === null || last !== null, last }
  } catch (error) {
    // Only root can read it.
    if (error instanceof HostError) return { isRead: false, last: null }
    throw error
  }
}
