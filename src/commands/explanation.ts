import type { HistoryEvent } from '../detector/history-reader.ts'
import type { Prediction } from '../detector/predict.ts'
import type { JailState } from '../facts/fail2ban.ts'
import type { BanRow, StoreReading } from '../policy/banned.ts'
import type { WrapperVerdict } from '../policy/hosts-access-verdict.ts'
import type { Protector } from '../policy/protection.ts'

/** Portsentry as far as it concerns one host. */
export interface Daemons {
  readonly title: string
  readonly dialect: '1.2' | '2.x'
  /** Null in a tree: nothing runs there. */
  readonly isRunning: boolean | null
  /** Modes that run and cannot detect a scan, and why. */
  readonly deaf: Readonly<Record<string, string>>
  /** Why it would not start with its files as they are now. */
  readonly faults: readonly string[]
  /** Why a running daemon may not use these files, such as `was started before PATH changed`. */
  readonly stale: readonly string[]
  readonly predictions: readonly Prediction[]
  /** The ignore list's line that covers the host, as `path:line (text)`. */
  readonly ignoredBy: string | null
}

/** The portsentry jail according to fail2ban's files. */
export interface JailFiles {
  readonly isEnabled: boolean
  readonly bantime: string | null
  /** The line whose ignoreip covers the host. */
  readonly ignoredBy: string | null
  /** Files in ignoreip of which it is unknown whether they cover it, with the reason. */
  readonly ignoreipUnread: readonly string[]
}

/** Whether a ban in the firewall is in force for a host. Rules other than bans are not checked. */
export interface FirewallState {
  readonly state: 'banned' | 'open' | 'unknown'
  /** What bans it, or why that is not known. */
  readonly details: string
}

/** All that is known about what a scan from one host would lead to. Null: it could not be checked. */
export interface Explanation {
  readonly address: string
  readonly protectors: readonly Protector[]
  /** Why the protected hosts cannot be determined. */
  readonly protectionUnknown: string | null
  readonly ban: BanRow | null
  readonly stores: readonly StoreReading[]
  /** The latest of the host's scans that the history has. */
  readonly lastScan: HistoryEvent | null
  /** Why the history was not read; '' where it was. */
  readonly historyUnread: string
  readonly firewall: FirewallState
  readonly daemons: Daemons | null
  readonly jail: JailState | null
  readonly jailFiles: JailFiles
  /** Why hosts.allow and hosts.deny could not be judged; '' where they could. */
  readonly wrapperUnread: string
  /** Daemons here that use hosts.allow and hosts.deny; null: a copy of /etc does not show them. */
  readonly wrapped: readonly string[] | null
  /** The verdict about the host for each judged daemon; null: neither file has a matching rule. */
  readonly wrappers: readonly { readonly daemon: string; readonly verdict: WrapperVerdict | null }[]
}

/** Whether the portsentry jail bans the host for a line in the history: according to the running fail2ban, else to its files. */
export const wouldJail = ({ jail, jailFiles }: Explanation): boolean =>
  jail === null
    ? jailFiles.isEnabled && jailFiles.ignoredBy === null
    : jail.bantimeS !== null && jail.ignoredBy === null

/** Why the reaction of a running portsentry cannot be predicted; null if it runs with its current files. */
export const whyUncertain = ({ isRunning, faults, stale }: Daemons): string | null => {
  if (isRunning !== true) return null
  if (stale.length > 0) return `portsentry ${stale.join(', and ')}`
  return faults.length > 0 ? 'portsentry would not start again with its files as they are now' : null
}
