import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import { BAN_ACTION } from './ban-set.ts'
import { namesIn } from './fail2ban-values.ts'
import { type Effective, effective, type Fail2banView } from './fail2ban-view.ts'

/**
 * Options that portward leaves out of the portsentry jail as long as no file sets them, although they decide whether a
 * scanner is banned. One table: what each does where a file sets it, in [DEFAULT] or elsewhere.
 */

/** What fail2ban bans with, on all ports; `protocol` in the form that this action takes. */
export interface BanAction {
  readonly banaction: string
  readonly protocol: string
}

/** 'harmless': no value that fail2ban starts with keeps a scanner from being banned for BANTIME. Tried on 1.0.2 and 1.1.1. */
type Decision =
  | { readonly kind: 'harmless' }
  /** `value` is what the jail file has to say instead; null where the value in effect is all right. */
  | { readonly kind: 'set'; readonly value: (decided: string, ban: BanAction) => string | null }
  /**
   * Nothing that the jail file could say is right in every case: it is named, with what it does. `mayBeMeant`: not where
   * an admin wrote it into [portsentry] itself.
   */
  | { readonly kind: 'named'; readonly does: string; readonly mayBeMeant: boolean }

const ALL_PORTS = '0:65535'

const nameOf = (banaction: string): string => namesIn(banaction)[0] ?? ''

/** portward's own action takes no parameters. */
const actionFor = ({ banaction, protocol }: BanAction): string =>
  banaction === BAN_ACTION ? banaction : `${banaction}[port="${ALL_PORTS}", protocol="${protocol}"]`

const harmless: Decision = { kind: 'harmless' }
const named = (does: string, mayBeMeant = false): Decision => ({ kind: 'named', does, mayBeMeant })

export const DECISIONS: ReadonlyMap<string, Decision> = new Map<string, Decision>([
  [
    'action',
    {
      kind: 'set',
      // One that also sends a mail, say, is its owner's choice.
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
  ['failregex', named('jail portsentry then looks for this in the history, not for what its filter knows')],
  ['prefregex', named('jail portsentry then looks only at lines that match it')],
  ['ignoreregex', named('jail portsentry then passes over lines that match it')],
  ['datepattern', named('jail portsentry then reads the dates of the history by it, not as its filter does')],
  // The rest of what fail2ban reads of a jail. The history has addresses, no names, and times with their zone.
  ...['usedns', 'logtimezone', 'maxmatches', 'ignorecache', 'journalmatch', 'chain', 'mode', 'maxlines'].map(
    (option) => [option, harmless] as const,
  ),
  // The server's own addresses are in ignoreip, and the log is there whenever fail2ban starts.
  ...['ignoreself', 'skip_if_nologs', 'systemd_if_nologs'].map((option) => [option, harmless] as const),
  // How long the bans of those who come back are: its owner's choice.
  ...['formula', 'factor', 'multipliers', 'rndtime', 'overalljails'].map(
    (option) => [`bantime.${option}`, harmless] as const,
  ),
])

interface Guards {
  /** What the jail file has to say in addition. */
  readonly options: ReadonlyMap<string, string>
  readonly problems: readonly Problem[]
}

const quoted = (value: string): string => {
  const line = value.replace(/\s+/g, ' ')
  return line.length > 60 ? `${line.slice(0, 60)}…` : line
}

const tell = (
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
 * What others' files would decide of the portsentry jail. `view` has the jail file as it will be but for these options;
 * paths in it are relative to `directory`, `ownPath` is the jail file's.
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
        ? 'move it into the jails that need it: into [portsentry] as well, if it is meant for that one'
        : 'if that is not meant, move it into the jails that need it'
      problems.push(tell('also-decides', directory, decided, `${sets}: ${decision.does}`, hint))
      continue
    }
    const value = decision.value(decided.value, ban)
    if (value === null) continue
    options.set(option, value)
    const message = `${sets}, which is not used for jail portsentry: it gets ${option} = ${value}`
    if (isOthers)
      problems.push(tell('default-not-used', directory, decided, message, 'nothing has to be done'))
  }
  return { options, problems }
}
