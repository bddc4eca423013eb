import type { Service } from '../facts/daemons.ts'
import { DENIED } from './ban-set.ts'

/** A file or directory that is written for a ban or a release. */
export interface WrittenPath {
  readonly path: string
  readonly purpose: string
  /** The services that write it. */
  readonly by: readonly Service[]
  /** Whether it is replaced by a new file in the same directory. */
  readonly isReplaced: boolean
}

const HOSTS_DENY = '/etc/hosts.deny'

interface Configured {
  /** Whether fail2ban uses portward's action. */
  readonly usesOwnAction: boolean
  /** Whether hosts.deny names a file of banned hosts. */
  readonly writesDenied: boolean
  readonly killHostsDeny: string
  readonly historyPath: string
  /** portsentry's lists of the hosts that it has blocked; 1.2 has one a mode. */
  readonly blockedPaths: readonly string[]
  /** Whether a host in such a list is not banned again. */
  readonly emptiesBlocked: boolean
}

/** Everything that is written for a ban, by the configuration. Pure. */
export const writtenPaths = (configured: Configured): WrittenPath[] => {
  const { usesOwnAction, writesDenied, killHostsDeny, historyPath, blockedPaths, emptiesBlocked } = configured
  const action: Service[] = usesOwnAction ? ['fail2ban'] : []
  const all: WrittenPath[] = [
    { path: DENIED, purpose: 'bans for TCP wrappers', by: writesDenied ? action : [], isReplaced: true },
    {
      path: HOSTS_DENY,
      purpose: 'bans for TCP wrappers',
      by: killHostsDeny === '' ? [] : ['portsentry'],
      isReplaced: false,
    },
    { path: historyPath, purpose: 'the history that fail2ban reads', by: ['portsentry'], isReplaced: false },
    ...blockedPaths.map((path) => ({
      path,
      purpose: 'hosts that portsentry has blocked',
      by: ['portsentry' as const, ...(emptiesBlocked ? action : [])],
      isReplaced: false,
    })),
  ]
  return all.filter(({ by }) => by.length > 0)
}
