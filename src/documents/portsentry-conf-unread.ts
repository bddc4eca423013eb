import { findEntry, KEYS_2, type PortsentryConf, readLine2 } from './portsentry-conf.ts'
import { intendedBy } from './portsentry-conf-fix.ts'

/** A line that somebody wrote as a setting, and that the daemon does not take as it is written. */
interface UnreadLine {
  readonly line: number
  readonly text: string
  /** What keeps the daemon from it, to stand behind "portsentry reads nothing of it: ". */
  readonly reason: string
  /** The form in which it would be read; null where there is none. */
  readonly form: string | null
}

const KEYS_12: readonly string[] = [
  ...KEYS_2,
  ...['ADVANCED_PORTS_TCP', 'ADVANCED_PORTS_UDP', 'ADVANCED_EXCLUDE_TCP', 'ADVANCED_EXCLUDE_UDP'],
]

/** Why 1.2 passes over a line that means one of its keys. */
const whyUnread12 = (text: string, key: string): string => {
  if (/^[ \t]/.test(text)) return 'it begins with a blank'
  if (!text.startsWith(key)) return 'the key is not in capitals'
  return 'a blank or "=" must stand right behind the key'
}

const unread12 = (conf: PortsentryConf): UnreadLine[] => {
  const decided = new Map(KEYS_12.map((key) => [key, findEntry(conf, key)]))
  const read = new Map([...decided.values()].map((entry) => [entry?.line.number, entry?.value]))
  return conf.lines.flatMap(({ text, number: line }): UnreadLine[] => {
    if (/^[ \t\r\f\v]*(?:#|$)/.test(text) || read.get(line) !== undefined) return []
    const { key, value } = intendedBy(text) ?? {}
    if (key === undefined) return [{ line, text, reason: 'it is not a setting', form: null }]
    if (!KEYS_12.includes(key)) return [{ line, text, reason: `it has no key ${key}`, form: null }]
    const form = `${key}="${value}"`
    if (read.has(line)) return [{ line, text, reason: 'the value is not in double quotes', form }]
    const deciding = decided.get(key)
    if (deciding !== undefined && deciding.value === value) return []
    return deciding !== undefined && /^[= ]/.test(text.slice(key.length)) && text.startsWith(key)
      ? [{ line, text, reason: `line ${deciding.line.number} says ${key} before it`, form: null }]
      : [{ line, text, reason: whyUnread12(text, key), form }]
  })
}

/** 2.x does not start over what it cannot read; what is left are keys that a later line says again. */
const unread2 = ({ lines }: PortsentryConf): UnreadLine[] => {
  const settings = lines.flatMap(({ text, number: line }) => {
    const setting = readLine2(text)
    return setting === undefined ? [] : [{ ...setting, line, text }]
  })
  const decided = new Map(settings.map((setting) => [setting.key, setting]))
  return settings.flatMap(({ key, value, line, text }): UnreadLine[] => {
    const deciding = decided.get(key)
    if (deciding === undefined || deciding.line === line || deciding.value === value) return []
    return [{ line, text, reason: `line ${deciding.line} says ${key} after it`, form: null }]
  })
}

/** Lines that set nothing, although they are no comments. Those that keep 2.x from starting are `refusedLines`. */
export const unreadLines = (conf: PortsentryConf): UnreadLine[] =>
  conf.dialect === '1.2' ? unread12(conf) : unread2(conf)
