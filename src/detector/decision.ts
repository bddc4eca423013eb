import type { Packet } from './packet.ts'

/** portsentry 1.2 runs one daemon a mode; 2.x one daemon in one mode for both protocols. */
export type Mode = 'tcp' | 'stcp' | 'atcp' | 'udp' | 'sudp' | 'audp' | 'stealth' | 'connect'

/** What a daemon does about a host, in the order in which it does it. */
export type Action =
  /** Appends this line to hosts.deny. */
  | { readonly kind: 'hosts-deny'; readonly option: 'KILL_HOSTS_DENY'; readonly line: string }
  /** Runs this with `sh -c`. */
  | { readonly kind: 'command'; readonly option: 'KILL_ROUTE' | 'KILL_RUN_CMD'; readonly command: string }
  /** Configured, but the daemon cannot do it: no $TARGET$, or too long. */
  | {
      readonly kind: 'impossible'
      readonly option: 'KILL_HOSTS_DENY' | 'KILL_ROUTE' | 'KILL_RUN_CMD'
      readonly reason: string
    }

/** The result of an action. */
export interface ActionOutcome {
  readonly action: Action
  /**
   * `done`: it succeeded. `failed`: the command ended with a status other than 0, which the daemon ignores; or
   * hosts.deny could not be written. `not-run`: impossible. `assumed`: a dry run, which counts as done.
   */
  readonly result: 'done' | 'failed' | 'not-run' | 'assumed'
  /** Of a command that ran; null otherwise. */
  readonly exitCode: number | null
  /** The last line that a command printed, or why hosts.deny could not be written; else ''. */
  readonly message: string
}

/** Why a daemon acts or does not act. */
export type Verdict =
  /** A service uses the port. */
  | 'in-use'
  /** The ignore list contains the host. */
  | 'ignored'
  | 'below-trigger'
  /** 2.x: the packet's source is its destination. */
  | 'own-address'
  | 'already-blocked'
  /** 2.x with BLOCK_* 0: only logged. (In 1.2 the verdict is `act`, without actions.) */
  | 'log-only'
  | 'act'

/** What a daemon decides about one packet to a port that it watches. */
export interface Decision {
  readonly packet: Packet
  readonly mode: Mode
  /** The source in canonical text. */
  readonly host: string
  /** `TCP SYN/Normal scan`, `UDP`, `Connect`, … in the words of the daemon. */
  readonly scan: string
  /** The port that the daemon logs and substitutes, which is not always the packet's. */
  readonly port: number
  readonly verdict: Verdict
  /** For `ignored`: the line of the ignore list, from 1; null otherwise. */
  readonly ignoredByLine: number | null
  /** For `act`; empty otherwise. */
  readonly actions: readonly Action[]
}

/** A decision with its results. */
export interface Outcome {
  readonly decision: Decision
  /** Of the decision's actions, in order. */
  readonly outcomes: readonly ActionOutcome[]
  /** Whether the daemon now considers the host blocked, rightly or not; null if it did not get that far. */
  readonly blocked: boolean | null
  /** What the daemon does not log, such as a command that failed while it logs "blocked". */
  readonly warnings: readonly string[]
  /** Everything that the daemon writes, put into words when it is asked for. */
  readonly written: () => Written
}

/** What a daemon writes about one packet. */
export interface Written {
  /** Lines of the daemon's log, verbatim, without time and ident. */
  readonly log: readonly string[]
  /** The line for the history file with its newline; null: none. */
  readonly history: string | null
  /** What is appended to the blocked file: 1.2's line (latin1), 2.x's binary record. Null: nothing. */
  readonly blockedRecord: Uint8Array | string | null
}
