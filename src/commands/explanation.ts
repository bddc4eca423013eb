import type { HistoryEvent } from '../detector/history-reader.ts'
import type { Prediction } from '../detector/predict.ts'
import type { JailState } from '../host/jail-state.ts'
import type { BanRow, PlaceReading } from '../policy/ban-view.ts'
import type { WrapperVerdict } from '../policy/hosts-access-verdict.ts'
import type { Protector } from '../policy/protection.ts'

/** Portsentry as far as it concerns one host. */
export interface Daemons {
  readonly title: string
  readonly dialect: '1.2' | '2.x'
  /** Null in a tree: nothing runs there. */
  readonly isRunning: boolean | null
  /** Modes that run and cannot notice a scan, and why. */
  readonly deaf: Readonly<Record<string, string>>
  /** Why it would not start with its files as they are now, in words. */
  readonly faults: readonly string[]
  /** Files that were changed after a running daemon had read them. */
  readonly changedSince: readonly string[]
  /** Configuration files of their own that running daemons were told to read. */
  readonly otherConfs: readonly string[]
  readonly prospects: readonly Prediction[]
  /** The ignore list's line that spares the host, as `path:line (text)`. */
  readonly ignoredBy: string | null
}

/** What fail2ban's files say, by file and line. */
export interface JailFiles {
  readonly isEnabled: boolean
  readonly bantime: string | null
  /** The line whose ignoreip spares the host. */
  readonly ignoredBy: string | null
}

/** Whether the firewall bans a host. Other rules than bans are not looked at. `unknown`: nobody could look, or a rule ahead decides. */
export interface FirewallState {
  readonly state: 'banned' | 'open' | 'unknown'
  /** What bans it, or why that is not known. */
  readonly details: string
}

/** All that is known about what a scan from one host would lead to. Null: it could not be looked at. */
export interface Explanation {
  readonly address: string
  readonly protectors: readonly Protector[]
  /** Why it is not known who protects it. */
  readonly protectionUnknown: string | null
  readonly ban: BanRow | null
  readonly readings: readonly PlaceReading[]
  /** The latest of the host's scans that the history has. */
  readonly lastScan: HistoryEvent | null
  /** Why the history was not read; '' where it was. */
  readonly historyUnread: string
  readonly firewall: FirewallState
  readonly daemons: Daemons | null
  readonly jail: JailState | null
  readonly jailFiles: JailFiles | null
  /** Why hosts.allow and hosts.deny could not be judged; '' where they could. */
  readonly wrapperUnread: string
  /** Daemons here that ask hosts.allow and hosts.deny; null: a copy of /etc does not show them. */
  readonly wrapped: readonly string[] | null
  /** What each daemon that counts is told of the host; null: neither file decides. */
  readonly wrappers: readonly { readonly daemon: string; readonly verdict: WrapperVerdict | null }[]
}

/** Why a running portsentry may do otherwise than its files say by now; null where nothing shows that. */
export const whyOtherwise = ({ isRunning, faults, otherConfs, changedSince }: Daemons): string | null => {
  if (isRunning !== true) return null
  if (otherConfs.length > 0) return `portsentry was told to read ${otherConfs.join(' and ')}`
  if (changedSince.length > 0) return `portsentry was started before ${changedSince.join(' and ')} changed`
  return faults.length > 0 ? 'portsentry runs, but would not start with its files as they are now' : null
}
