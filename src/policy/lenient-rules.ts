import { closesToEverybody, type HostsAccess, opensToEverybody } from '../documents/hosts-access.ts'
import type { Problem } from '../problem.ts'
import type { Desired } from './desired.ts'

/** A line of hosts.allow, and the daemons for which it makes hosts.deny count for nothing. */
export interface LenientRule {
  readonly line: number
  readonly daemons: readonly string[]
}

/** Rules that let everybody in before hosts.deny is read, for daemons that really ask. */
const lenientRules = ({ rules, readUpTo }: HostsAccess, daemons: readonly string[]): LenientRule[] => {
  const lines = new Map<number, string[]>()
  for (const daemon of daemons) {
    for (const rule of rules) {
      if (rule.offset >= readUpTo || closesToEverybody(rule, daemon)) break
      if (opensToEverybody(rule, daemon)) lines.set(rule.line, [...(lines.get(rule.line) ?? []), daemon])
    }
  }
  return [...lines].map(([line, of]) => ({ line, daemons: of }))
}

/** What decides whether bans are entered in hosts.deny. */
type Banning = Pick<Desired, 'conf' | 'writesDenied'>

/** Whether portsentry itself writes its bans into hosts.deny. */
export const portsentryWritesHostsDeny = ({ conf }: Pick<Desired, 'conf'>): boolean =>
  [conf.get('BLOCK_TCP'), conf.get('BLOCK_UDP')].includes('1') && (conf.get('KILL_HOSTS_DENY') ?? '') !== ''

/** Whether bans are to get into hosts.deny at all: by portsentry, or by the file that it names. */
const bansReachHostsDeny = (desired: Banning): boolean =>
  desired.writesDenied || portsentryWritesHostsDeny(desired)

/**
 * An admin's rule that is weaker than hosts.deny is theirs to keep; but a ban in hosts.deny then keeps nobody away from
 * those daemons, and that has to be said. Nothing where no ban gets into hosts.deny.
 */
export const findLenientRules = (
  hostsAllow: HostsAccess,
  desired: Banning & Pick<Desired, 'askingDaemons'>,
): Problem[] =>
  bansReachHostsDeny(desired)
    ? lenientRules(hostsAllow, desired.askingDaemons).map(({ line, daemons }) => ({
        severity: 'warning',
        code: 'lenient-hosts-allow',
        message: `this rule opens ${daemons.join(', ')} to everybody, so bans in hosts.deny have no effect on ${daemons.length > 1 ? 'them' : 'it'}`,
        hint: 'name only trusted hosts there to have hosts.deny count; the firewall does not read this file',
        at: { path: '/etc/hosts.allow', line },
      }))
    : []
