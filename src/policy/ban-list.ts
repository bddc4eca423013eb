import type { BanNote } from '../facts/fail2ban.ts'
import { formatAddress, parseAddress, parseNetwork, unmapped } from '../network.ts'
import type { Problem } from '../problem.ts'
import { readJson } from '../read-json.ts'
import { endOrNever } from '../time.ts'

/** A ban that somebody asks for. */
export interface WantedBan {
  /** In canonical text. */
  readonly address: string
  /** Null: permanently; undefined: for as long as the jail bans. */
  readonly untilMs: number | null | undefined
  readonly note: BanNote
  /** Why a list has it and it is not made from there; null: it is. */
  readonly leftOut: string | null
}

/** What was read of a list. If there are problems, nothing of it may be used. */
export interface BanList {
  readonly bans: readonly WantedBan[]
  readonly problems: readonly Problem[]
}

/** For addresses that come without an end or a reason. */
export interface BanDefaults {
  readonly untilMs: number | null | undefined
  readonly reason: string | null
}

/** Of the documents that can be read: JSON_VERSION of the commands. */
const VERSION = 3
const EXAMPLE = 'give it what portward bans --json prints, or one address a line'
const MOST_PROBLEMS = 20

/** A reason is shown in tables and logs: one line, and not a long one. */
const MOST_CHARACTERS = 200
export const reasonOf = (text: string): string | null =>
  text
    .replace(/[\s\p{Cc}\p{Cf}\ufdd0-\ufdef]+/gu, ' ')
    .trim()
    .slice(0, MOST_CHARACTERS) || null

const problem = (path: string, message: string, hint: string, line?: number): Problem => ({
  severity: 'error',
  code: 'bad-ban-list',
  message,
  hint,
  at: line === undefined ? { path } : { path, line },
})

/** An IPv4 or IPv6 address in canonical text; null for anything else. `::ffff:a.b.c.d` is the IPv4 host. */
const hostOf = (text: string): string | null => {
  const bytes = parseAddress(text)
  return bytes === null ? null : formatAddress(unmapped({ bytes, prefix: bytes.length * 8 }).bytes)
}

const MOST_QUOTED = 60
const clip = (text: string): string => (text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text)

/** A value of a document for a message: its text may be of any length, and an object may not become one. */
const quoted = (value: unknown): string =>
  ['string', 'number'].includes(typeof value) ? clip(String(value)) : 'something else'

/** What is wrong with the text of an address; null: nothing. */
const faultOf = (text: string): string | null => {
  if (hostOf(text) !== null) return null
  return parseNetwork(text) === null
    ? `"${clip(text)}" is not an IPv4 or IPv6 address`
    : `${text} is a network: only single addresses can be banned`
}

/** One address a line; `#` begins a comment. */
const parseLines = (text: string, path: string, { untilMs, reason }: BanDefaults): BanList => {
  const bans: WantedBan[] = []
  const problems: Problem[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const word = line.replace(/#.*/, '').trim()
    if (word === '') continue
    const fault = faultOf(word)
    if (fault !== null) problems.push(problem(path, fault, EXAMPLE, index + 1))
    else
      bans.push({
        ...{ address: hostOf(word) ?? '', untilMs, leftOut: null },
        note: { reason, from: null },
      })
  }
  return { bans, problems }
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTextOrNull = (value: unknown): value is string | null | undefined =>
  value === undefined || value === null || typeof value === 'string'

/** Milliseconds of an ISO 8601 time with a zone; null: permanently, as in the year 9999; undefined: it is neither. */
const parseUntil = (until: unknown): number | null | undefined => {
  if (until === 'permanent') return null
  const isTime = typeof until === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(until)
  const timeMs = isTime ? Date.parse(until) : Number.NaN
  return Number.isNaN(timeMs) ? undefined : endOrNever(timeMs)
}

/** What led to a ban on the other server, for those who look at it here. */
const describeCause = ({ reason, port, protocol }: Fields): string | null => {
  const scanned =
    typeof port === 'number' ? `port ${port}${typeof protocol === 'string' ? `/${protocol}` : ''}` : ''
  return reasonOf([typeof reason === 'string' ? reason : '', scanned].filter(Boolean).join(', '))
}

/** One ban of a document; the text says what is wrong with it. */
const parseRow = (row: unknown, server: string): WantedBan | string => {
  if (!isObject(row)) return 'is not an object'
  const { address, until, from, reason, where } = row
  if (typeof address !== 'string') return 'has no address'
  const fault = faultOf(address)
  if (fault !== null) return `has a wrong address: ${fault}`
  if (!isTextOrNull(reason) || !isTextOrNull(from)) return 'has a reason or a server that is not a text'
  const isHeld =
    Array.isArray(where) && where.some((store: unknown) => isObject(store) && store['store'] === 'fail2ban')
  const untilMs = parseUntil(until)
  if (isHeld && untilMs === undefined) return 'has no end: neither an ISO 8601 time nor "permanent"'
  return {
    address: hostOf(address) ?? '',
    untilMs,
    note: { reason: describeCause(row), from: server },
    // A ban that is passed on by those who have received it would outlive its release.
    leftOut: !isHeld
      ? `${server} bans it without fail2ban, so it has no end`
      : typeof from === 'string'
        ? `${server} has it from ${reasonOf(from) ?? 'another server'}`
        : null,
  }
}

/** The line of a syntax error, as far as node's message shows it. */
const lineOfError = (text: string): number | undefined => {
  try {
    JSON.parse(text)
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1]
    return text.slice(0, position === undefined ? text.length : Number(position)).split('\n').length
  }
  return undefined
}

const parseDocument = (text: string, path: string): BanList => {
  const wrong = (message: string, hint = EXAMPLE, line?: number): BanList => ({
    bans: [],
    problems: [problem(path, message, hint, line)],
  })
  const document = readJson<unknown>(text)
  if (document === null) return wrong('is not complete JSON', EXAMPLE, lineOfError(text))
  if (!isObject(document)) return wrong('is not a document of portward')
  const { version, command, error, host, bans: rows } = document
  if (command !== 'bans') return wrong(`is not a document of portward bans, but of ${quoted(command)}`)
  if (version !== VERSION)
    return wrong(
      `has version ${quoted(version)}, not ${VERSION}`,
      'use the same version of portward on all servers',
    )
  if (isObject(error))
    return wrong(
      `says that portward bans failed: ${quoted(error['message'])}`,
      'see what portward bans says there',
    )
  if (!Array.isArray(rows)) return wrong('has no list of bans')
  if (typeof host !== 'string' || !/^[\w.-]{1,64}$/.test(host))
    return wrong(
      'does not name the server that it comes from',
      'use the same version of portward on all servers',
    )
  const parsed = rows.map((row) => parseRow(row, host))
  return {
    bans: parsed.filter((row): row is WantedBan => typeof row !== 'string'),
    problems: parsed.flatMap((row, index) =>
      typeof row === 'string' ? problem(path, `bans[${index}] ${row}`, EXAMPLE) : [],
    ),
  }
}

/** The later end of two: null is permanent, and an end that only the jail knows yields to one that is given. */
const isLater = (one: WantedBan['untilMs'], other: WantedBan['untilMs']): boolean => {
  if (one === undefined || other === null) return false
  return one === null || other === undefined || one > other
}

/** Each address once, with the latest end that was asked for. */
const withoutDuplicates = (bans: readonly WantedBan[]): WantedBan[] => {
  const kept = new Map<string, WantedBan>()
  for (const ban of bans) {
    const present = kept.get(ban.address)
    if (present === undefined || isLater(ban.untilMs, present.untilMs)) kept.set(ban.address, ban)
  }
  return [...kept.values()]
}

/** A list of bans: the document of `portward bans --json` of another server, or an address a line. Pure. */
export const parseBanList = (text: string, path: string, defaults: BanDefaults): BanList => {
  const isDocument = /^\s*[{[]/.test(text)
  if (isDocument && (defaults.untilMs !== undefined || defaults.reason !== null)) {
    const message = 'is a list in which each ban has its own end and reason'
    return { bans: [], problems: [problem(path, message, 'leave out --for and --reason')] }
  }
  const { bans, problems } = isDocument ? parseDocument(text, path) : parseLines(text, path, defaults)
  return { bans: withoutDuplicates(bans), problems: problems.slice(0, MOST_PROBLEMS) }
}
