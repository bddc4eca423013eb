import type { Service } from './daemons.ts'
import { BAN_COMMAND, BANS, FIREWALL_RUN } from './firewall.ts'

/** A file or directory that somebody is banned or released by writing. */
export interface WrittenPath {
  readonly path: string
  readonly purpose: string
  /** The services from which it is written. */
  readonly by: readonly Service[]
  /** A new file takes its place, in the same directory. */
  readonly isReplaced: boolean
}

/** The directory that an absolute path is in. */
export const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

const HOSTS_DENY = '/etc/hosts.deny'

interface Configured {
  readonly ownsBans: boolean
  /** Whether fail2ban bans by portward's own action. */
  readonly usesOwnAction: boolean
  readonly killRoute: string
  readonly killHostsDeny: string
  readonly historyPath: string
  /** portsentry's lists of whom it has blocked; 1.2 has one a mode. */
  readonly blockedPaths: readonly string[]
}

/** Everything that a ban writes on its way, from the packet to hosts.deny, by what is configured. Pure. */
export const writtenPaths = (configured: Configured): WrittenPath[] => {
  const { ownsBans, usesOwnAction, killRoute, killHostsDeny, historyPath, blockedPaths } = configured
  const callers: Service[] = [
    ...(ownsBans && killRoute === BAN_COMMAND ? (['portsentry'] as const) : []),
    ...(ownsBans && usesOwnAction ? (['fail2ban'] as const) : []),
  ]
  const deniers: Service[] =
    killHostsDeny === '' ? callers : [...new Set<Service>(['portsentry', ...callers])]
  const releasers = callers.filter((service) => service === 'fail2ban')
  const all: WrittenPath[] = [
    { path: FIREWALL_RUN, purpose: 'the lock of the ban program', by: callers, isReplaced: false },
    { path: directoryOf(BANS), purpose: 'the record of bans', by: callers, isReplaced: false },
    { path: HOSTS_DENY, purpose: 'bans for TCP wrappers', by: deniers, isReplaced: callers.length > 0 },
    {
      path: historyPath,
      purpose: 'the history that fail2ban reads',
      by: ['portsentry'],
      isReplaced: false,
    },
    ...blockedPaths.map((path) => ({
      path,
      purpose: 'whom portsentry has blocked',
      by: ['portsentry' as const, ...releasers],
      isReplaced: releasers.length > 0,
    })),
  ]
  return all.filter(({ by }) => by.length > 0)
}

/** Whether a service bans by portward's own program, which changes the firewall. */
export const runsBanProgram = (paths: readonly WrittenPath[], service: Service): boolean =>
  paths.some(({ path, by }) => path === FIREWALL_RUN && by.includes(service))
