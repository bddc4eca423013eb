import { DOTTED_QUAD, type Network, OCTET, parseNetwork } from '../network.ts'
import { clientCovers, isElsewhere, listCovers, listMeets } from './client-patterns.ts'
import { type Daemon, daemonsCover, daemonsMeet } from './daemon-patterns.ts'
import { createLineCounter } from './lines.ts'
import { createSkip, type OtherAddresses } from './other-addresses.ts'
import { isWord, splitAt, splitExcept } from './wrapper-tokens.ts'

/**
 * hosts.allow or hosts.deny as libwrap 7.6.q (Debian) reads it; the tests compare this with tcpdmatch. `readUpTo` is the
 * offset at which libwrap stops reading, else the text's length: a logical line that is too long or has no newline ends the
 * search, and in hosts.deny that refuses every client.
 */
export interface HostsAccess {
  readonly text: string
  /** In file order. Those at or after `readUpTo` have no effect. */
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
  /** Trimmed, `\:` unescaped; `ALL: ALL:` has an empty one, because of which libwrap refuses the client. */
  readonly options: readonly string[]
}

/** libwrap skips a line with a missing colon, and stops reading at the first of the other two. */
interface Fault {
  readonly line: number
  readonly offset: number
  readonly kind: 'missing-colon' | 'line-too-long' | 'unfinished-line'
  readonly message: string
}

export type Outcome = 'allow' | 'deny'

/** BUFLEN in hosts_access.c: a logical line including its newline has to be shorter. */
const BUFFER = 2048

interface LogicalLine {
  readonly content: string
  readonly end: number
  readonly state: 'complete' | 'too-long' | 'unfinished'
}

/** xgets() in misc.c. A NUL byte hides the newline after it; a comment is continued by a backslash, too; `\` CR LF does not continue. */
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

const NAME = '\\.?[a-zA-Z][\\w-]{0,40}(?:\\.[\\w-]{1,40}){1,4}'
const REST = '[^\\\\\\n\\0]{0,500}'

/**
 * A line that has nothing to do with these addresses: with a comment, or a rule for hosts by name, other hosts and other
 * networks only. A complete line, within BUFFER.
 */
const otherLine = (others: OtherAddresses): string => {
  const [host, notTheirs] = [others.host(), others.notTheirs()]
  const masked = `${DOTTED_QUAD}/(?:1[6-9]|2\\d|3[0-2]|255\\.255\\.${OCTET}\\.${OCTET})`
  const client = `(?:${host}|${notTheirs}(?:${masked}|(?:${OCTET}\\.){2,3})|${NAME})`
  const rule = `[\\w.,@ \\t-]{1,100}:[, \\t]{0,9}${client}(?:[, \\t]{1,9}${client}){0,4}[ \\t]{0,9}(?::${REST})?`
  return `(?:#${REST}|${rule})?\\r?\\n`
}

/**
 * The rules and faults, in file order; without rules that only concern `others`. Reads any text and never throws.
 */
function* readRules(text: string, others?: OtherAddresses): Generator<Rule | Fault> {
  const skip = createSkip(text, others, otherLine)
  const lineAt = createLineCounter(text)
  for (let offset = skip(0), end = 0; offset < text.length; offset = skip(end)) {
    const logical = readLogicalLine(text, offset)
    end = logical.end
    const line = lineAt(offset)
    const fault = (kind: Fault['kind'], message: string): Fault => ({ line, offset, kind, message })
    if (logical.state === 'too-long') {
      yield fault(
        'line-too-long',
        `more than ${BUFFER - 2} characters: this and all that follows is not read`,
      )
    } else if (logical.state === 'unfinished') {
      yield fault('unfinished-line', 'no newline at its end: the line is not read')
    }
    if (logical.state === 'too-long' || /^#|^[ \t\r\n]*$/.test(logical.content)) continue
    const [daemons, rest] = splitAt(logical.content, ':')
    if (rest === null) {
      yield fault('missing-colon', 'no colon between daemons and clients: the line is skipped')
      continue
    }
    const [clientList, options] = splitAt(rest, ':')
    const clients = tokens(clientList)
    const isOther = (client: string) => others !== undefined && isElsewhere(client, others.networks)
    if (clients.length > 0 && clients.every(isOther)) continue
    yield {
      line,
      offset,
      end,
      daemons: tokens(daemons),
      clients,
      options: options === null ? [] : splitOptions(options),
    }
  }
}

/** All rules, one after the other. */
export function* eachRule(text: string): Generator<Rule> {
  for (const found of readRules(text)) if (!('kind' in found)) yield found
}

/** Reads any text and never throws. Rules that only concern `others` are left out. */
export const parseHostsAccess = (text: string, others?: OtherAddresses): HostsAccess => {
  const rules: Rule[] = []
  const faults: Fault[] = []
  for (const found of readRules(text, others)) {
    if ('kind' in found) faults.push(found)
    else rules.push(found)
  }
  const readUpTo = faults.find(({ kind }) => kind !== 'missing-colon')?.offset ?? text.length
  return { text, rules, readUpTo, faults }
}

/** Reads versions of one file, each only once: it can be long, and mostly nothing changes. */
export const createRereader = (
  known: HostsAccess,
  others: OtherAddresses,
): ((text: string) => HostsAccess) => {
  const versions = new Map([[known.text, known]])
  return (text) => {
    const version = versions.get(text) ?? parseHostsAccess(text, others)
    versions.set(text, version)
    return version
  }
}

const SEVERITY =
  /^(?:(?:kern|user|mail|daemon|auth|lpr|news|uucp|cron|local[0-7])\.)?(?:emerg|alert|crit|err|warning|notice|info|debug)$/i

/** The values that the keywords of options.c accept ('' = none); any other option refuses the client. */
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

/** `twist` runs another program for the client, `aclexec` depends on one: neither certainly allows. */
const outcomeOf = (options: readonly string[], fallback: Outcome): Outcome => {
  for (const [index, option] of options.entries()) {
    const [, keyword = '', value = ''] = /^([^= \t\r\n]*)[ \t\r\n]*=?[ \t\r\n]*(.*)$/s.exec(option) ?? []
    const key = keyword.toLowerCase()
    if (key === 'allow') return value === '' && index === options.length - 1 ? 'allow' : 'deny'
    if (!Object.hasOwn(OPTION_VALUES, key) || !OPTION_VALUES[key]?.test(value)) return 'deny'
  }
  return fallback
}

/** A rule that refuses all but a part of the network counts as a refusal: the network is not allowed as a whole. */
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

const ANY_CLIENT = ['0.0.0.0/0', '::/0'].flatMap((text) => parseNetwork(text) ?? [])

/** Every client either has a name in the DNS (KNOWN) or has not (UNKNOWN). */
const isAnyClient = (pattern: string): boolean =>
  isWord(pattern, 'KNOWN') ||
  isWord(pattern, 'UNKNOWN') ||
  ANY_CLIENT.some((network) => clientCovers(pattern, network))

/** Whether a rule of hosts.allow opens this daemon to the whole Internet, with some exceptions at most. */
export const opensToEverybody = ({ daemons, clients, options }: Rule, daemon: Daemon): boolean =>
  outcomeOf(options, 'allow') === 'allow' &&
  daemonsMeet(daemons, daemon) &&
  splitExcept(clients)[0].some(isAnyClient)

/** Whether a rule refuses this daemon to every client, so that the rules after it have no effect. */
export const closesToEverybody = (rule: Rule, daemon: Daemon): boolean =>
  ANY_CLIENT.every((network) => decisionOf(rule, network, 'allow', daemon) === 'deny')

/**
 * The verdict of the file for every address of the network and this daemon; the first rule that matches wins. `fallback` is
 * the effect of a rule without option: 'allow' for hosts.allow, 'deny' for hosts.deny. Rules for other daemons, single hosts
 * of the network or host names are not considered.
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
  // If libwrap stops reading, that means "no match" in hosts.allow, but refuses the client in hosts.deny.
  return readUpTo < text.length && fallback === 'deny' ? 'deny' : 'none'
}
