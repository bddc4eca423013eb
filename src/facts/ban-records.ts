import script from '../../templates/ban-records.py?raw'
import { canonicalAddress } from '../network.ts'
import { readJson } from '../read-json.ts'
import { readAttributes } from '../system/files.ts'
import { resolveInRoot } from '../system/paths.ts'
import { follow } from '../system/process.ts'
import { JAIL } from './fail2ban.ts'

/** One ban by the portsentry jail, as fail2ban's database has it. */
export interface BanRecord {
  /** In canonical text. */
  readonly address: string
  readonly sinceMs: number
  /** Null: permanently. */
  readonly untilMs: number | null
  /** Which ban of the host it is by fail2ban's count, from 1. */
  readonly count: number
  /** Whether the host has no later one: then it is in force until its end. */
  readonly isLatest: boolean
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** One line of templates/ban-records.py; null where it is not about a host, or has a value that fail2ban never writes. */
export const parseBanRecord = (line: string): BanRecord | null => {
  const [text, since, length, count, latest] = readJson<readonly unknown[]>(line) ?? []
  const address = typeof text === 'string' ? canonicalAddress(text) : null
  if (address === null || !isNumber(since) || !isNumber(length)) return null
  const sinceMs = since * 1000
  const untilMs = length < 0 ? null : sinceMs + length * 1000
  return { address, sinceMs, untilMs, count: isNumber(count) ? count : 1, isLatest: latest === 1 }
}

/**
 * Reads fail2ban's database below `root` with the Python that fail2ban needs, too, and gives each ban to `add`. Returns null if it does not
 * exist, '' if all was read, else what prevented that. Throws HostError if its path cannot be followed.
 */
export const readBanRecords = async (
  root: string,
  path: string,
  add: (record: BanRecord) => void,
): Promise<string | null> => {
  if ((await readAttributes(root, path)) === null) return null
  const real = await resolveInRoot(root, path)
  const { stdout, ended } = follow('python3', ['-I', '-c', script, real, JAIL])
  let rest = ''
  for await (const chunk of stdout.setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const record = parseBanRecord(line)
      if (record !== null) add(record)
    }
  }
  const { exitCode, stderr } = await ended
  return exitCode === 0 ? '' : stderr.trim().split('\n').at(-1) || `python3 failed with exit code ${exitCode}`
}
