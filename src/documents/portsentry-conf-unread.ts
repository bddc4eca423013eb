import { findEntry, KEYS_2, type PortsentryConf, readLine2 } from './portsentry-conf.ts'
import { intendedBy } from './portsentry-conf-fix.ts'

/** A line that was meant as a setting, but that the daemon does not read as written. */
interface UnreadLine {
  readonly line: number
  readonly text: string
  /** Why the daemon does not read it: the end of a message. */
  readonly reason: string
  /** The form in which it would be read; null if there is none. */
  readonly form: string | null
}

const KEYS_12: readonly string[] = [
  ...KEYS_2,
  ...['ADVANCED_PORTS_TCP', 'ADVANCED_PORTS_UDP', 'ADVANCED_EXCLUDE_TCP', 'ADVANCED_EXCLUDE_UDP'],
]

/** Why 1.2 skips a line that was meant for one of its keys. */
const whyUnread12 = (text: string, key: string): string => {
  if (/^[ \t]/.test(text)) return 'it begins with a blank'
  if (!text.startsWith(key)) return 'the key is not in capitals'
  return 'a blank or "=" must follow directly after the key'
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
      ? [{ line, text, reason: `line ${deciding.line.number} sets ${key} before it`, form: null }]
      : [{ line, text, reason: whyUnread12(text, key), form }]
  })
}

/** Lines that it cannot read keep 2.x from starting; the remaining ones are keys that a later line sets again. */
const unread2 = ({ lines, keys }: PortsentryConf): UnreadLine[] => {
  const settings = lines.flatMap(({ text, number: line }) => {
    const setting = readLine2(text, keys)
    return setting === undefined ? [] : [{ ...setting, line, text }]
  })
  const decided = new Map(settings.map((setting) => [setting.key, setting]))
  return settings.flatMap(({ key, value, line, text }): UnreadLine[] => {
    const deciding = decided.get(key)
    if (deciding === undefined || deciding.line === line || deciding.value === value) return []
    return [{ line, text, reason: `line ${deciding.line} sets ${key} after it`, form: null }]
  })
}

/** Lines without effect that are not comments. Those that keep 2.x from starting are `refusedLines`. */
export const unreadLines = (conf: PortsentryConf): UnreadLine[] =>
  conf.dialect === '1.2' ? unread12(conf) : unread2(conf)
