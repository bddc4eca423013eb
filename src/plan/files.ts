import { applyEdits, type Edit } from '../documents/edit.ts'
import { setValue } from '../documents/fail2ban-edit.ts'
import { removeFaults } from '../documents/fail2ban-fix.ts'
import { parseFail2banIni } from '../documents/fail2ban-ini.ts'
import { createRereader, parseHostsAccess } from '../documents/hosts-access.ts'
import { removeDenied, setAllowed, setDenyFile } from '../documents/hosts-access-edit.ts'
import { notContaining, notWithin } from '../documents/other-addresses.ts'
import { parseShellAssignments, removeCarriageReturns, setVariable } from '../documents/shell-assignments.ts'
import { contains, createMatcher, parseNetwork } from '../network.ts'
import { listed } from '../phrases.ts'
import { DENIED } from '../policy/ban-set.ts'
import type { Desired } from '../policy/desired.ts'
import { secondsOf } from '../policy/duration.ts'
import { JAIL_PATH } from '../policy/jail.ts'
import { findLenientRules } from '../policy/lenient-rules.ts'
import type { Problem } from '../problem.ts'
import { banTimeInWords, modesInWords, networksInWords, type Protocol } from './phrases.ts'

/** A file's new text, the changes in words, and the problems. */
export interface Rewrite {
  readonly text: string
  readonly reasons: readonly string[]
  readonly problems: readonly Problem[]
}

export const cannotSet = (path: string, what: string, line: number | undefined, hint: string): Problem => ({
  severity: 'error',
  code: 'cannot-set',
  message: `${what} cannot be set safely`,
  hint,
  at: line === undefined ? { path } : { path, line },
})

/** /etc/default/portsentry: the modes, in a file that a shell can source. */
export const rewriteModes = (path: string, text: string, { modes }: Desired): Rewrite => {
  const changed: Protocol[] = []
  let current = applyEdits(text, removeCarriageReturns(text))
  const isEnded = current !== text
  const { unreadLine } = parseShellAssignments(current)
  if (unreadLine !== null) {
    const hint =
      'a shell that sources the file may stop or branch at this line: use only lines such as TCP_MODE="atcp"'
    const problem = cannotSet(path, 'TCP_MODE and UDP_MODE', unreadLine, hint)
    return { text, reasons: [], problems: [problem] }
  }
  for (const [protocol, value] of [
    ['TCP', modes.tcpMode],
    ['UDP', modes.udpMode],
  ] as const) {
    const edits = setVariable(parseShellAssignments(current), `${protocol}_MODE`, value)
    if (edits.length === 0) continue
    current = applyEdits(current, edits)
    changed.push(protocol)
  }
  const reasons = [...(isEnded ? ['LF line endings'] : []), ...modesInWords(changed, modes)]
  return { text: current, reasons, problems: [] }
}

/**
 * What the well-known article appends if its variables are empty, or LAN_NM is `/24`: `/` and `192.168.1.10//24`. No daemon
 * reads these; the editors find entries with host bits themselves.
 */
export const isArticleEntry =
  ({ lan }: Desired) =>
  (entry: string): boolean => {
    const address = parseNetwork(/^([\d.]+)\/\/\d+$/.exec(entry)?.[1] ?? '')
    return entry === '/' || (address !== null && lan !== null && contains(lan, address))
  }

export const edited = (text: string, edits: readonly Edit[], reason: string): Rewrite => ({
  text: applyEdits(text, edits),
  reasons: edits.length > 0 ? [reason] : [],
  problems: [],
})

export const rewriteHostsAllow = (text: string, desired: Desired): Rewrite => {
  const { hostsAllowNetworks: networks, libwrapDaemons } = desired
  const file = parseHostsAccess(text, notContaining(networks))
  const edits = setAllowed(file, networks, libwrapDaemons, isArticleEntry(desired))
  return {
    ...edited(text, edits, `lets in ${networksInWords(networks, desired.lan)}`),
    problems: findLenientRules(file, desired),
  }
}

/**
 * hosts.deny: one line names the file of banned hosts, if a daemon uses libwrap; protected hosts are removed, and so are bans
 * that an earlier portward wrote. A last line without newline gets one: because of it libwrap would refuse every client.
 */
export const rewriteHostsDeny = (text: string, desired: Desired): Rewrite => {
  const old = new Set(desired.legacyBans)
  const moving = [...old].flatMap((client) => parseNetwork(client) ?? [])
  const others = notWithin([...desired.protectedNetworks, ...moving])
  const parse = createRereader(parseHostsAccess(text, others), others)
  const isUnfinished = (part: string) => parse(part).faults.some(({ kind }) => kind === 'unfinished-line')
  // After a NUL byte libwrap does not see a newline: adding one would not help.
  const ended = isUnfinished(text) && !isUnfinished(`${text}\n`) ? `${text}\n` : text
  // First, since this may change the line: a carriage return at its end becomes part of the line ending.
  const released = edited(
    ended,
    removeDenied(parse(ended), createMatcher(desired.protectedNetworks)),
    'protected hosts released',
  )
  const isEnded = ended !== text && released.text.endsWith(ended.slice(text.lastIndexOf('\n') + 1))
  const moved = edited(
    released.text,
    removeDenied(parse(released.text), (client) => old.has(client)),
    `bans moved to ${DENIED}`,
  )
  const named = edited(
    moved.text,
    setDenyFile(parse(moved.text), DENIED, desired.writesDenied),
    desired.writesDenied ? `names the file of banned hosts, ${DENIED}` : `no longer names ${DENIED}`,
  )
  const ending = isEnded ? ['newline added to the last line'] : []
  return { ...named, reasons: [...released.reasons, ...ending, ...moved.reasons, ...named.reasons] }
}

const newJail = (jail: string, options: ReadonlyMap<string, string>): string => {
  const isOff = options.get('enabled') === 'false'
  const bans = `bans ${banTimeInWords(secondsOf(options.get('bantime') ?? ''))} (BANTIME)`
  return `new jail ${jail}, ${isOff ? 'off: config.env turns bans off' : bans}`
}

/** The fail2ban jail file: faults that keep fail2ban from reading it are fixed, then each option is set. */
export const rewriteJails = (text: string, desired: Desired): Rewrite => {
  const reasons: string[] = []
  let current = parseFail2banIni(text)
  const fixed = removeFaults(current, 'portsentry')
  if (fixed.length > 0) {
    current = parseFail2banIni(applyEdits(text, fixed))
    reasons.push('made readable for fail2ban')
  }
  for (const [jail, options] of desired.jails) {
    const isNew = current.sections.every(({ name }) => name !== jail)
    const changed: string[] = []
    for (const [option, value] of options) {
      const edits = setValue(current, jail, option, value)
      if (edits.length === 0) continue
      current = parseFail2banIni(applyEdits(current.text, edits))
      changed.push(option)
    }
    if (changed.length > 0)
      reasons.push(isNew ? newJail(jail, options) : `sets ${listed(changed)} of the jail ${jail}`)
  }
  const problems = current.faults.map(
    ({ line, message }): Problem => ({
      severity: 'error',
      code: 'jail-fault',
      message: `fail2ban would refuse the file: ${message}`,
      hint: 'fix the line, or remove the file',
      at: { path: JAIL_PATH, line },
    }),
  )
  return { text: current.text, reasons, problems }
}
