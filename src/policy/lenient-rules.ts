import { closesToEverybody, type HostsAccess, opensToEverybody } from '../documents/hosts-access.ts'
import type { Problem } from '../problem.ts'
import type { Desired } from './desired.ts'

/** A line of hosts.allow, and the daemons for which hosts.deny has no effect because of it. */
export interface LenientRule {
  readonly line: number
  readonly daemons: readonly string[]
}

/** Rules that let every client in before hosts.deny is read, for daemons that use libwrap. */
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

/** What decides whether bans are written to hosts.deny. */
type Banning = Pick<Desired, 'conf' | 'writesDenied'>

/** Whether portsentry itself writes its bans to hosts.deny. */
export const portsentryWritesHostsDeny = ({ conf }: Pick<Desired, 'conf'>): boolean =>
  [conf.get('BLOCK_TCP'), conf.get('BLOCK_UDP')].includes('1') && (conf.get('KILL_HOSTS_DENY') ?? '') !== ''

/** Whether bans get into hosts.deny at all: by portsentry, or through the file that it names. */
const bansReachHostsDeny = (desired: Banning): boolean =>
  desired.writesDenied || portsentryWritesHostsDeny(desired)

/**
 * An admin's rule that overrides hosts.deny is kept, but bans in hosts.deny then have no effect on those daemons, which is
 * worth a warning. None if bans do not get into hosts.deny.
 */
export const findLenientRules = (
  hostsAllow: HostsAccess,
  desired: Banning & Pick<Desired, 'libwrapDaemons'>,
): Problem[] =>
  bansReachHostsDeny(desired)
    ? lenientRules(hostsAllow, desired.libwrapDaemons).map(({ line, daemons }) => ({
        severity: 'warning',
        code: 'lenient-hosts-allow',
        message: `this rule opens ${daemons.join(', ')} to everybody, so bans in hosts.deny have no effect on ${daemons.length > 1 ? 'them' : 'it'}`,
        hint: 'name only trusted hosts there so that hosts.deny has an effect; the firewall does not read this file',
        at: { path: '/etc/hosts.allow', line },
      }))
    : []
