import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import { BAN_ACTION } from './ban-set.ts'
import { namesIn } from './fail2ban-values.ts'
import { type Effective, effective, type Fail2banView } from './fail2ban-view.ts'

/**
 * Options that portward does not set in the portsentry jail unless another file sets them, although they affect whether a
 * scanner is banned. One table: what to do if a file sets them, in [DEFAULT] or elsewhere.
 */

/** What fail2ban bans with, on all ports; `protocol` in the form that this action accepts. */
export interface BanAction {
  readonly banaction: string
  readonly protocol: string
}

/** 'harmless': with every valid value a scanner is still banned for BANTIME. Tried on 1.0.2 and 1.1.1. */
type Decision =
  | { readonly kind: 'harmless' }
  /** `value` is what the jail file has to set instead; null if the value in effect is fine. */
  | { readonly kind: 'set'; readonly value: (decided: string, ban: BanAction) => string | null }
  /**
   * No value in the jail file would be right in every case: a warning says what the option does. `mayBeMeant`: no warning if
   * an admin set it in [portsentry] itself.
   */
  | { readonly kind: 'named'; readonly does: string; readonly mayBeMeant: boolean }

const ALL_PORTS = '0:65535'

const nameOf = (banaction: string): string => namesIn(banaction)[0] ?? ''

/** portward's action does not have parameters. */
export const actionFor = ({ banaction, protocol }: BanAction): string =>
  banaction === BAN_ACTION ? banaction : `${banaction}[port="${ALL_PORTS}", protocol="${protocol}"]`

const harmless: Decision = { kind: 'harmless' }
const named = (does: string, mayBeMeant = false): Decision => ({ kind: 'named', does, mayBeMeant })

export const DECISIONS: ReadonlyMap<string, Decision> = new Map<string, Decision>([
  [
    'action',
    {
      kind: 'set',
      // An action that, for example, also sends a mail is the admin's choice.
      value: (decided, ban) => (namesIn(decided).includes(nameOf(ban.banaction)) ? null : actionFor(ban)),
    },
  ],
  [
    'port',
    {
      kind: 'set',
      value: (decided, { banaction }) =>
        banaction === BAN_ACTION || decided === ALL_PORTS ? null : ALL_PORTS,
    },
  ],
  [
    'logencoding',
    { kind: 'set', value: (decided) => (/^(?:auto|utf-?8|ascii)$/i.test(decided) ? null : 'auto') },
  ],
  ['ignorecommand', named('hosts that this command approves of are not banned by jail portsentry', true)],
  [
    'failregex',
    named('jail portsentry then searches the history for this instead of the patterns of its filter'),
  ],
  ['prefregex', named('jail portsentry then reads only lines that match it')],
  ['ignoreregex', named('jail portsentry then skips lines that match it')],
  [
    'datepattern',
    named('jail portsentry then parses the dates of the history with it, not as its filter does'),
  ],
  // The other options that fail2ban reads for a jail. The history has addresses, not names, and times with their zone.
  ...['usedns', 'logtimezone', 'maxmatches', 'ignorecache', 'journalmatch', 'chain', 'mode', 'maxlines'].map(
    (option) => [option, harmless] as const,
  ),
  // The server's own addresses are in ignoreip, and the log exists whenever fail2ban starts.
  ...['ignoreself', 'skip_if_nologs', 'systemd_if_nologs'].map((option) => [option, harmless] as const),
  // The length of repeat offenders' bans is the admin's choice.
  ...['formula', 'factor', 'multipliers', 'rndtime', 'overalljails'].map(
    (option) => [`bantime.${option}`, harmless] as const,
  ),
])

interface Guards {
  /** Options that the jail file has to set in addition. */
  readonly options: ReadonlyMap<string, string>
  readonly problems: readonly Problem[]
}

const quoted = (value: string): string => {
  const line = value.replace(/\s+/g, ' ')
  return line.length > 60 ? `${line.slice(0, 60)}…` : line
}

const warnAt = (
  code: ProblemCode,
  directory: string,
  { path, line }: Effective,
  message: string,
  hint: string,
): Problem => ({
  severity: 'warning',
  code,
  message,
  hint,
  at: { path: `${directory}/${path}`, line },
})

/**
 * Options of the portsentry jail that other files would decide. `view` has the jail file as it will be, without these
 * options; its paths are relative to `directory`, `ownPath` is that of the jail file.
 */
export const guardJail = (view: Fail2banView, ban: BanAction, directory: string, ownPath: string): Guards => {
  const options = new Map<string, string>()
  const problems: Problem[] = []
  for (const [option, decision] of DECISIONS) {
    const decided = effective(view, 'portsentry', option)
    if (decided === undefined || decision.kind === 'harmless') continue
    const isOthers = decided.path !== ownPath
    const sets = `sets ${option} = ${quoted(decided.value)}`
    if (decision.kind === 'named') {
      const isMeant = decision.mayBeMeant && view.sections.get('portsentry')?.has(option) === true
      if (decided.value.trim() === '' || isMeant) continue
      const hint = decision.mayBeMeant
        ? 'move it into the jails that need it, and into [portsentry] if it is meant for that jail, too'
        : 'if that is not intended, move it into the jails that need it'
      problems.push(warnAt('also-decides', directory, decided, `${sets}: ${decision.does}`, hint))
      continue
    }
    const value = decision.value(decided.value, ban)
    if (value === null) continue
    options.set(option, value)
    const message = `${sets}, which is not used for jail portsentry: that has ${option} = ${value}`
    if (isOthers)
      problems.push(warnAt('default-not-used', directory, decided, message, 'no action is needed'))
  }
  return { options, problems }
}
