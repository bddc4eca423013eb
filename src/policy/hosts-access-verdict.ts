import type { Daemon } from '../documents/daemon-patterns.ts'
import { decides, decisionOf, type HostsAccess, type Outcome } from '../documents/hosts-access.ts'
import type { Network } from '../network.ts'

/** What TCP wrappers make of a host, and the line that says so; `line` null: a file that libwrap gives up decides. */
export interface WrapperVerdict {
  readonly outcome: Outcome
  readonly path: string
  readonly line: number | null
}

/**
 * The daemons whose view of hosts.allow and hosts.deny counts. A copy of /etc (null) does not show its programs: there
 * it is sshd, which every Debian release builds with libwrap.
 */
export const judgedDaemons = (wrapped: readonly string[] | null): readonly string[] => wrapped ?? ['sshd']

/** The line that decides; null: none, or a file that libwrap gives up. */
export const lineFor = (file: HostsAccess, host: Network, fallback: Outcome, daemon: Daemon): number | null =>
  file.rules.find((rule) => rule.offset < file.readUpTo && decisionOf(rule, host, fallback, daemon) !== null)
    ?.line ?? null

/**
 * What a daemon is told of a host. hosts.allow decides before hosts.deny; null: neither says anything, and libwrap lets
 * the host in.
 */
export const judgeHost = (
  allow: HostsAccess,
  deny: HostsAccess,
  host: Network,
  daemon: Daemon,
): WrapperVerdict | null => {
  for (const [path, file, fallback] of [
    ['/etc/hosts.allow', allow, 'allow'],
    ['/etc/hosts.deny', deny, 'deny'],
  ] as const) {
    const outcome = decides(file, host, fallback, daemon)
    if (outcome !== 'none') return { outcome, path, line: lineFor(file, host, fallback, daemon) }
  }
  return null
}
