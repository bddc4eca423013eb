import { basename } from 'node:path'
import type { Edit } from './edit.ts'
import { endOf, type Line, lineEnd, splitLines } from './lines.ts'

/**
 * Which daemon reads the file. 1.2 uses the first line that contains the key and has a blank or `=` at the offset of the key's
 * length; 2.x uses the last line, and does not start if a line is not a setting.
 */
export type Dialect = '1.2' | '2.x'

export interface PortsentryConf {
  readonly text: string
  readonly lines: readonly Line[]
  readonly dialect: Dialect
  /** The keys that this 2.x knows, in the order in which it compares them. */
  readonly keys: readonly string[]
}

/** The line that decides a key, and the value that the daemon reads; undefined if it skips the option. */
export interface ConfEntry {
  readonly line: Line
  readonly value: string | undefined
}

/** 1.2 reads with fgets into 1024 bytes; longer lines would be split in the middle of a value. */
const MAX_LINE = 1023

/** The keys of 2.0 in the order in which it compares them: the first one that begins with the line's word matches. */
export const KEYS_2: readonly string[] = [
  'BLOCK_TCP', 'BLOCK_UDP', 'RESOLVE_HOST', 'SCAN_TRIGGER', 'KILL_ROUTE', 'KILL_HOSTS_DENY', 'KILL_RUN_CMD',
  'KILL_RUN_CMD_FIRST', 'BLOCKED_FILE', 'HISTORY_FILE', 'IGNORE_FILE', 'TCP_PORTS', 'UDP_PORTS', 'PORT_BANNER',
] // biome-ignore format: a table

/** `moreKeys`: keys that this 2.x knows beside those of 2.0. */
export const parsePortsentryConf = (
  text: string,
  dialect: Dialect,
  moreKeys: readonly string[] = [],
): PortsentryConf => ({
  text,
  lines: splitLines(text),
  dialect,
  keys: moreKeys.length === 0 ? KEYS_2 : [...KEYS_2, ...moreKeys],
})

/** A line as a C program sees it: without what follows a NUL byte. */
const cString = (line: string): string => line.split('\0', 1)[0] as string

/** 1.2: from the first quote to the next quote or unprintable byte (ConfigTokenRetrieve, isprint in the C locale). */
const quoted12 = (line: string): string | undefined => /"([\x20\x21\x23-\x7e]*)/.exec(cString(line))?.[1]

/** 2.x: `KEY = "value"`, value not empty, closing quote required (ReadConfigFile). */
const ASSIGNMENT_2 = /^([A-Z_][A-Z\d_]*)[ \t]*=[ \t]*"([^"]+)"/

/** 2.x: the key that a line sets and its value; undefined if it does not set one. */
export const readLine2 = (
  text: string,
  keys: readonly string[] = KEYS_2,
): { key: string; value: string } | undefined => {
  const [, written = '', value = ''] = ASSIGNMENT_2.exec(cString(text)) ?? []
  const key = written === '' ? undefined : keys.find((known) => known.startsWith(written))
  return key === undefined ? undefined : { key, value }
}

/** Checks the character after the key first: in a long file few lines have one of these there. */
const isDeciding12 = (line: string, key: string): boolean => {
  const behind = line[key.length]
  return (behind === '=' || behind === ' ') && !line.startsWith('#') && cString(line).includes(key)
}

/** The line that decides `key` for the daemon; undefined if there is none. */
export const findEntry = (conf: PortsentryConf, key: string): ConfEntry | undefined => {
  if (conf.dialect === '1.2') {
    const line = conf.lines.find(({ text }) => isDeciding12(text, key))
    return line && { line, value: quoted12(line.text) }
  }
  const line = conf.lines.findLast(({ text }) => readLine2(text, conf.keys)?.key === key)
  return line && { line, value: readLine2(line.text, conf.keys)?.value }
}

/** A value of which the daemon reads only a part, because it ends the value at a character within it. */
export interface CutValue {
  readonly line: number
  readonly key: string
  readonly read: string
  readonly written: string
}

/** Up to the last quote of the line: the value as it was meant, with a quote, a tab or an umlaut in it. */
const WRITTEN = /^([A-Z_]+)[ \t]*=[ \t]*"(.*)"[^"]*$/

/** Deciding lines of which the daemon reads less than the text between the first and the last quote. */
export const cutValues = (conf: PortsentryConf): CutValue[] => {
  const entries = new Map<string, ConfEntry | undefined>()
  /** Each key is searched for only once, however many lines have it. */
  const entryOf = (key: string) => {
    if (!entries.has(key)) entries.set(key, findEntry(conf, key))
    return entries.get(key)
  }
  return conf.lines.flatMap(({ text, number: line }): CutValue[] => {
    const [, key = '', written = ''] = WRITTEN.exec(text) ?? []
    const entry = key === '' ? undefined : entryOf(key)
    const read = entry?.line.number === line ? entry.value : undefined
    if (read === undefined || read === written) return []
    // A comment with quotes may follow the closing quote.
    const rest = written.slice(read.length)
    return /^"[ \t]*#/.test(rest) ? [] : [{ line, key, read, written }]
  })
}

/** The value that the daemon uses; undefined if the key is missing, or written so that it is skipped. */
export const getKey = (conf: PortsentryConf, key: string): string | undefined => findEntry(conf, key)?.value

/** Numbers of the lines that the daemon would read in pieces, each as a separate line. */
export const overlongLines = ({ lines }: PortsentryConf): number[] =>
  lines.filter(({ text }) => text.length > MAX_LINE).map(({ number }) => number)

/** Lines that keep a 2.x daemon from starting: not an assignment, or of an unknown key. 1.2 ignores what it cannot read. */
export const refusedLines = ({ lines, dialect, keys }: PortsentryConf): Line[] =>
  dialect === '1.2'
    ? []
    : lines
        .filter(({ text }) => !text.startsWith('#') && text !== '' && text !== '\r')
        .filter(({ text }) => readLine2(text, keys) === undefined)

/** A mention of the key: commented out, indented or otherwise unread. Group 1: the text before the value. */
const mention = (key: string): RegExp => new RegExp(`^[#\\s]*(${key}[ \\t]*=[ \\t]*)"`)

/** `KEY="` or `KEY = "`: with the spacing of the line itself, or of a commented alternative. */
const assignmentStyle = (line: string | undefined, key: string): string => {
  const style = line === undefined ? undefined : mention(key).exec(line)?.[1]
  // 1.2 requires a blank or '=' directly after the key: a tab there would hide the option.
  return style === undefined || style.includes('\t') ? `${key}=` : style
}

const replaceValue = (line: Line, key: string, value: string): Edit => {
  const open = line.text.indexOf('"')
  const close = open === -1 ? -1 : line.text.indexOf('"', open + 1)
  const readable = mention(key).test(line.text) && close !== -1
  if (readable) return { offset: line.offset + open + 1, length: close - open - 1, text: value }
  return {
    offset: line.offset,
    length: line.text.length,
    text: `${assignmentStyle(line.text, key)}"${value}"`,
  }
}

/** The last commented or unread mention of the key, preferably one that runs the same program; else the last line. */
const findNeighbour = (lines: readonly Line[], key: string, value: string): Line | undefined => {
  const mentions = lines.filter(({ text }) => mention(key).test(text))
  const program = basename(value.split(' ', 1)[0] ?? '')
  const alike = mentions.findLast(({ text }) => program !== '' && text.includes(`${program} `))
  return alike ?? mentions.at(-1) ?? lines.at(-1)
}

/**
 * Edits after which the daemon reads `value` for `key`; none if it does already. The deciding line keeps its spacing and what
 * follows the closing quote; other lines with the key are not changed, since the daemon does not read them. A key without a
 * line is inserted after its last commented or unread mention.
 */
export const setKey = (conf: PortsentryConf, key: string, value: string): Edit[] => {
  const entry = findEntry(conf, key)
  if (entry?.value === value) return []
  if (entry) return [replaceValue(entry.line, key, value)]
  const eol = lineEnd(conf.text)
  const neighbour = findNeighbour(conf.lines, key, value)
  const assignment = `${assignmentStyle(neighbour?.text, key)}"${value}"`
  const offset = neighbour ? endOf(neighbour) : 0
  const unfinished = neighbour?.eol === ''
  return [{ offset, length: 0, text: unfinished ? `${eol}${assignment}${eol}` : `${assignment}${eol}` }]
}

/** Edits after which the daemon does not find `key`: every line that it could read is commented out. */
export const unsetKey = (conf: PortsentryConf, key: string): Edit[] => {
  const isRead = ({ text }: Line) =>
    conf.dialect === '1.2' ? isDeciding12(text, key) : readLine2(text, conf.keys)?.key === key
  return conf.lines.filter(isRead).map(({ offset }) => ({ offset, length: 0, text: '#' }))
}
