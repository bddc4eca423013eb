import { decides, decisionOf, type HostsAccess, type Outcome } from '../documents/hosts-access.ts'
import type { Network } from '../network.ts'

/** What TCP wrappers make of a host, and the line that says so; `line` null: a file that libwrap gives up decides. */
export interface WrapperVerdict {
  readonly outcome: Outcome
  readonly path: string
  readonly line: number | null
}

const ruleFor = (file: HostsAccess, host: Network, fallback: Outcome): number | null =>
  file.rules.find((rule) => rule.offset < file.readUpTo && decisionOf(rule, host, fallback) !== null)?.line ??
  null

/** hosts.allow decides before hosts.deny; null: neither says anything, and libwrap lets the host in. */
export const judgeHost = (allow: HostsAccess, deny: HostsAccess, host: Network): WrapperVerdict | null => {
  for (const [path, file, fallback] of [
    ['/etc/hosts.allow', allow, 'allow'],
    ['/etc/hosts.deny', deny, 'deny'],
  ] as const) {
    const outcome = decides(file, host, fallback)
    if (outcome !== 'none') return { outcome, path, line: ruleFor(file, host, fallback) }
  }
  return null
}
