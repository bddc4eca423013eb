import { type Network, parseNetwork } from '../network.ts'
import { clientCovers, isWord, listCovers, listMeets, splitAt, splitExcept } from './client-patterns.ts'
import { type Daemon, daemonsCover, daemonsMeet } from './daemon-patterns.ts'
import { endOf, type Line, splitLines } from './lines.ts'

/**
 * hosts.allow or hosts.deny as libwrap 7.6.q (Debian) reads it; the tests hold this against tcpdmatch.
 * `readUpTo` is the offset at which libwrap gives the file up, else the text's length: a logical line
 * that is too long or has no newline ends the search, and in hosts.deny that refuses everybody.
 */
export interface HostsAccess {
  readonly text: string
  readonly lines: readonly Line[]
  /** In file order. Those at or behind `readUpTo` are listed, but without effect. */
  readonly rules: readonly Rule[]
  readonly readUpTo: number
  readonly faults: readonly Fault[]
}

/** One logical line, from the offset to `end`; `line` counts from 1. Daemons and clients include EXCEPT. */
export interface Rule {
  readonly line: number
  readonly offset: number
  readonly end: number
  readonly daemons: readonly string[]
  readonly clients: readonly string[]
  /** Trimmed, `\:` unescaped; `ALL: ALL:` has one that is empty, which libwrap answers with a refusal. */
  readonly options: readonly string[]
}

/** libwrap skips a line with a missing colon, reads nothing behind the first of the other two. */
interface Fault {
  readonly line: number
  readonly kind: 'missing-colon' | 'line-too-long' | 'unfinished-line'
  readonly message: string
}

export type Outcome = 'allow' | 'deny'

/** BUFLEN in hosts_access.c: a logical line with its newline has to be shorter. */
const BUFFER = 2048

interface LogicalLine {
  readonly content: string
  readonly end: number
  readonly state: 'complete' | 'too-long' | 'unfinished'
}

/** xgets() in misc.c. A NUL byte hides the newline behind it, a comment continues too, `\` CR LF does not. */
const readLogicalLine = (text: string, from: number): LogicalLine => {
  let content = ''
  let end = from
  while (end < text.length) {
    const newline = text.indexOf('\n', end)
    const stop = Math.min(newline === -1 ? text.length : newline + 1, end + BUFFER - content.length - 1)
    const got = text.slice(end, stop).split('\0', 1)[0] as string
    end = stop
    if (got.endsWith('\n') && !got.endsWith('\\\n')) return { content: content + got, end, state: 'complete' }
    content += got.endsWith('\n') ? got.slice(0, -2) : got
    if (content.length === BUFFER - 1) {
      const rest = text[end - 1] === '\n' ? end - 1 : text.indexOf('\n', end)
      return { content, end: rest === -1 ? text.length : rest + 1, state: 'too-long' }
    }
  }
  return { content, end, state: content === '' ? 'complete' : 'unfinished' }
}

const tokens = (list: string): string[] => list.split(/[, \t\r\n]+/).filter((token) => token !== '')

/** get_field() and chop_string() in options.c. */
const splitOptions = (text: string): string[] =>
  [...text.matchAll(/((?:\\:|[^:])*)(:|$)/g)]
    .filter(([field]) => field !== '')
    .map(([, option]) => (option as string).replaceAll('\\:', ':').replace(/^[ \t-\r]+|[ \t-\r]+$/g, ''))

/** Reads any text and never throws. */
export const parseHostsAccess = (text: string): HostsAccess => {
  const lines = splitLines(text)
  const rules: Rule[] = []
  const faults: Fault[] = []
  let readUpTo = text.length
  let line = 0
  for (let offset = 0, end = 0; offset < text.length; offset = end) {
    const logical = readLogicalLine(text, offset)
    end = logical.end
    while (endOf(lines[line] as Line) <= offset) line++
    const fault = (kind: Fault['kind'], message: string) => faults.push({ line: line + 1, kind, message })
    if (logical.state === 'too-long') {
      fault('line-too-long', `more than ${BUFFER - 2} characters: this and all that follows is not read`)
    } else if (logical.state === 'unfinished') {
      fault('unfinished-line', 'no newline at its end: the line is not read')
    }
    if (logical.state !== 'complete') readUpTo = Math.min(readUpTo, offset)
    if (logical.state === 'too-long' || /^#|^[ \t\r\n]*$/.test(logical.content)) continue
    const [daemons, rest] = splitAt(logical.content, ':')
    if (rest === null) {
      fault('missing-colon', 'no colon between daemons and clients: the line is skipped')
      continue
    }
    const [clients, options] = splitAt(rest, ':')
    rules.push({
      line: line + 1,
      offset,
      end,
      daemons: tokens(daemons),
      clients: tokens(clients),
      options: options === null ? [] : splitOptions(options),
    })
  }
  return { text, lines, rules, readUpTo, faults }
}

const SEVERITY =
  /^(?:(?:kern|user|mail|daemon|auth|lpr|news|uucp|cron|local[0-7])\.)?(?:emerg|alert|crit|err|warning|notice|info|debug)$/i

/** What the keywords of options.c take as value ('' = none); anything else is a refusal. */
const OPTION_VALUES: Readonly<Record<string, RegExp>> = {
  user: /./s,
  group: /./s,
  umask: /^0*[0-7]{1,3}$/,
  linger: /^\+?\d+$/,
  keepalive: /^$/,
  spawn: /./s,
  rfc931: /^(?:\+?0*[1-9]\d*)?$/,
  setenv: /./s,
  nice: /^(?:[+-]?\d+)?$/,
  severity: SEVERITY,
  banners: /./s,
}

/** `twist` gives the client something else, `aclexec` depends on a program: neither surely allows. */
const outcomeOf = (options: readonly string[], fallback: Outcome): Outcome => {
  for (const [index, option] of options.entries()) {
    const [, keyword = '', value = ''] = /^([^= \t\r\n]*)[ \t\r\n]*=?[ \t\r\n]*(.*)$/s.exec(option) ?? []
    const key = keyword.toLowerCase()
    if (key === 'allow') return value === '' && index === options.length - 1 ? 'allow' : 'deny'
    if (!Object.hasOwn(OPTION_VALUES, key) || !OPTION_VALUES[key]?.test(value)) return 'deny'
  }
  return fallback
}

/** A refusal of all but a part of the network counts as one: the network is then not allowed as a whole. */
export const decisionOf = (
  { daemons, clients, options }: Rule,
  network: Network,
  fallback: Outcome,
  daemon: Daemon,
): Outcome | null => {
  const outcome = outcomeOf(options, fallback)
  const concerns = outcome === 'allow' ? daemonsCover : daemonsMeet
  if (!concerns(daemons, daemon)) return null
  const [some, except] = splitExcept(clients)
  const isExcepted = outcome === 'allow' ? listMeets : listCovers
  return listCovers(some, network) && !isExcepted(except, network) ? outcome : null
}

const EVERYBODY = ['0.0.0.0/0', '::/0'].flatMap((text) => parseNetwork(text) ?? [])

/** Who reaches a server from anywhere has a name in the DNS, or none. */
const isEverybody = (pattern: string): boolean =>
  isWord(pattern, 'KNOWN') ||
  isWord(pattern, 'UNKNOWN') ||
  EVERYBODY.some((network) => clientCovers(pattern, network))

/** Whether a rule of hosts.allow opens this daemon to the whole Internet, but for some exceptions. */
export const opensToEverybody = ({ daemons, clients, options }: Rule, daemon: Daemon): boolean =>
  outcomeOf(options, 'allow') === 'allow' &&
  daemonsMeet(daemons, daemon) &&
  splitExcept(clients)[0].some(isEverybody)

/** Whether a rule refuses this daemon to everybody, so that nothing behind it counts. */
export const closesToEverybody = (rule: Rule, daemon: Daemon): boolean =>
  EVERYBODY.every((network) => decisionOf(rule, network, 'allow', daemon) === 'deny')

/**
 * What the file says to every address of the network when this daemon asks; the first rule that says it wins.
 * `fallback` is what a rule without option does: 'allow' for hosts.allow, 'deny' for hosts.deny. Rules for
 * other daemons, single hosts of the network or host names are not looked at.
 */
export const decides = (
  { rules, readUpTo, text }: HostsAccess,
  network: Network,
  fallback: Outcome = 'allow',
  daemon: Daemon = null,
): Outcome | 'none' => {
  for (const rule of rules) {
    const decision = rule.offset < readUpTo ? decisionOf(rule, network, fallback, daemon) : null
    if (decision !== null) return decision
  }
  // A file that libwrap gives up is "no match" in hosts.allow, but not "no match" enough in hosts.deny.
  return readUpTo < text.length && fallback === 'deny' ? 'deny' : 'none'
}
