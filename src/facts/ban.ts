/** One host, or IPv6 network, that the kernel bans. */
export interface Ban {
  readonly address: string
  /** What bans it, for display. A blackhole route drops the answers only: the host's packets still come in. */
  readonly where:
    | 'ipset portward'
    | 'nft inet portward'
    | 'blackhole route'
    | 'iptables INPUT'
    | 'ip6tables INPUT'
  /** Whether it is in portward's ban set, which contains only bans. */
  readonly isOwn: boolean
  /** When the kernel ends it, in ms since 1970; null: never. */
  readonly untilMs: number | null
  /** The command that removes it, as its words. */
  readonly undo: readonly string[]
}

/** How iptables, nft and ip say that a chain, table or set does not exist: then it has no bans. */
const NOT_THERE =
  /No chain\/target\/match by that name|No such file or directory|does not exist|Protocol not supported/

const NOT_INSTALLED = 127

/** Why a program did not list its bans; null if it did, and if the program or the requested set does not exist. */
export const failureOf = (program: string, exitCode: number, stderr: string): string | null =>
  exitCode === 0 || exitCode === NOT_INSTALLED || NOT_THERE.test(stderr)
    ? null
    : `${program} failed: ${stderr.trim().split('\n')[0] || `exit code ${exitCode}`}`
