import type { Daemon } from '../documents/daemon-patterns.ts'
import { decides, decisionOf, type HostsAccess, type Outcome } from '../documents/hosts-access.ts'
import type { Network } from '../network.ts'

/** libwrap's verdict about a host, and the deciding line; `line` null: it stopped reading the file, which decides. */
export interface WrapperVerdict {
  readonly outcome: Outcome
  readonly path: string
  readonly line: number | null
}

/**
 * The daemons for which hosts.allow and hosts.deny are judged. A copy of /etc (null) does not have programs: then it is sshd,
 * which every Debian release builds with libwrap.
 */
export const judgedDaemons = (wrapped: readonly string[] | null): readonly string[] => wrapped ?? ['sshd']

/** The line that decides; null: none, or libwrap stopped reading before one. */
export const lineFor = (file: HostsAccess, host: Network, fallback: Outcome, daemon: Daemon): number | null =>
  file.rules.find((rule) => rule.offset < file.readUpTo && decisionOf(rule, host, fallback, daemon) !== null)
    ?.line ?? null

/**
 * libwrap's verdict for a daemon and a host. hosts.allow is searched before hosts.deny; null: neither has a matching rule, and
 * libwrap lets the host in.
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
