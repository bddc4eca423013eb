import type { Assessment } from '../assessment/assess.ts'
import { instanceOf } from '../bans/portsentry-instance.ts'
import { parseHistory } from '../detector/history-reader.ts'
import { readBanRecords } from '../facts/ban-records.ts'
import { findHistoryFiles, type HistoryFile, readHistoryFile } from '../facts/history-files.ts'
import { readServices } from '../facts/services.ts'
import { secondsOf } from '../policy/duration.ts'
import { findDatabase, findRecordAge } from '../policy/fail2ban-database.ts'
import { fail2banFiles } from '../policy/jail.ts'
import type { Report, Sources } from '../report/report.ts'
import { createTally, type Tally } from '../report/tally.ts'
import { localTime } from '../system/clock.ts'
import { readAttributes } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'

interface Period {
  readonly sinceMs: number
  readonly untilMs: number
}

/** What gets the records and the bans. */
type Sink = Pick<Tally, 'addRecord' | 'addBan'>

/** What `read` returns, or what it says by HostError. */
const orReason = async <T>(read: () => Promise<T>): Promise<T | { readonly reason: string }> => {
  try {
    return await read()
  } catch (error) {
    if (error instanceof HostError) return { reason: error.message }
    throw error
  }
}

const countLines = (text: string): number => {
  let count = text.endsWith('\n') || text === '' ? 0 : 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

type FileRead = Sources['history']['files'][number]

const readRecords = async (
  root: string,
  { path, isForeign }: HistoryFile,
  sink: Sink,
): Promise<{ readonly file: FileRead; readonly beginMs: number }> => {
  let [records, lines, beginMs] = [0, 0, Number.POSITIVE_INFINITY]
  const take = (text: string): void => {
    const events = parseHistory(text)
    records += events.length
    lines += countLines(text)
    for (const event of events) {
      beginMs = Math.min(beginMs, event.timeMs)
      sink.addRecord(event)
    }
  }
  const result = isForeign
    ? 'it is compressed, and not with gzip'
    : await orReason(() => readHistoryFile(root, path, take))
  const note = typeof result === 'string' ? result : result.reason
  return { file: { path, records, otherLines: lines - records, note }, beginMs }
}

/** Whether a file may have records of this time: what was rotated away before it began has none. */
const mayReach = async (root: string, { path }: HistoryFile, sinceMs: number): Promise<boolean> => {
  const attributes = await orReason(() => readAttributes(root, path))
  if (attributes === null || 'reason' in attributes) return true
  const { modifiedMs } = attributes
  // 0: its time is in the future, which means nothing.
  return modifiedMs === 0 || modifiedMs >= sinceMs
}

const readHistory = async (
  assessment: Assessment,
  sink: Sink,
  sinceMs: number,
): Promise<Sources['history']> => {
  const { root, configuration, unknownReason, release } = instanceOf(assessment)
  const path = configuration?.historyFile ?? null
  const common = { path, isEmptiedAtStart: release?.dialect === '2.x' }
  const none = { ...common, files: [], beginMs: null }
  if (path === null)
    return { ...none, state: 'unknown', note: unknownReason || 'portsentry.conf has no HISTORY_FILE' }
  const found = await orReason(() => findHistoryFiles(root, path))
  if ('reason' in found) return { ...none, state: 'incomplete', note: found.reason }
  if (found.length === 0)
    return {
      ...none,
      state: 'absent',
      note: `${path} does not exist, which portsentry writes with its first scan`,
    }
  const files: FileRead[] = []
  let beginMs = Number.POSITIVE_INFINITY
  for (const each of found) {
    if (sinceMs > 0 && !(await mayReach(root, each, sinceMs))) continue
    const read = await readRecords(root, each, sink)
    files.push(read.file)
    beginMs = Math.min(beginMs, read.beginMs)
  }
  return {
    ...common,
    files,
    state: files.every(({ note }) => note === '') ? 'read' : 'incomplete',
    note: '',
    beginMs: Number.isFinite(beginMs) ? beginMs : null,
  }
}

const readDatabase = async (assessment: Assessment, sink: Sink): Promise<Sources['database']> => {
  const files = fail2banFiles(assessment.facts)
  const [path, keeps] = [findDatabase(files), findRecordAge(files)]
  const common = { path, keeps, keepsMs: secondsOf(keeps) * 1000 }
  if (path === '')
    return { ...common, state: 'absent', note: 'fail2ban keeps no record of its bans (dbfile)' }
  const result = await orReason(() => readBanRecords(assessment.root, path, sink.addBan))
  if (result === null) return { ...common, state: 'absent', note: `${path} does not exist` }
  if (result === '') return { ...common, state: 'read', note: '' }
  // A HostError names the path.
  const note = typeof result === 'string' ? `${path}: ${result}` : result.reason
  return { ...common, state: 'incomplete', note }
}

/** Gives the records of portsentry's history and the bans of fail2ban to `sink`; history files that end before `sinceMs` are passed over. */
export const readSources = async (assessment: Assessment, sink: Sink, sinceMs = 0): Promise<Sources> => {
  const history = await readHistory(assessment, sink, sinceMs)
  const database = await readDatabase(assessment, sink)
  return { history, database }
}

/** Reads the history of portsentry and the bans of fail2ban, and counts them. */
export const readReport = async (
  assessment: Assessment,
  { sinceMs, untilMs }: Period,
): Promise<{ readonly report: Report; readonly sources: Sources }> => {
  const services = await readServices(assessment.root)
  const tally = createTally({
    ...{ sinceMs, untilMs, local: localTime },
    seed: Math.floor(Math.random() * 2 ** 31),
    serviceOf: (port, protocol) => services.get(`${port}/${protocol}`) ?? null,
  })
  const sources = await readSources(assessment, tally)
  return { report: tally.finish(), sources }
}
