/** What `--help`, the manual and the completions say about a command beside its options. */
export interface CommandText {
  readonly group: Group
  /** In the list of commands, and at the top of the command's own help. */
  readonly summary: string
  /** A command line after "portward ", and what it is for. */
  readonly examples: readonly (readonly [line: string, purpose: string])[]
  /** What the exit codes mean here, without that of wrong usage. */
  readonly exits: Readonly<Record<number, string>>
}

/** The headings of the list of commands, in its order. */
export const GROUPS = ['Set up', 'Check', 'Bans', 'Undo'] as const

type Group = (typeof GROUPS)[number]

/** The exit codes in general. */
export const EXITS: Readonly<Record<number, string>> = {
  0: 'done; plan: in sync',
  1: 'failed, or declined; verify: a check failed',
  2: 'plan: changes are pending',
  64: 'wrong usage',
  78: 'wrong configuration',
}

const WRONG_CONFIGURATION = 'wrong configuration'

export const FILES: readonly (readonly [path: string, content: string])[] = [
  ['/root/config.env', 'what this server is to be: man portward-config.env'],
  ['/var/lib/portward', 'what earlier applies replaced, for rollback'],
]

/** In the order in which they are listed. */
export const COMMAND_TEXTS = {
  init: {
    group: 'Set up',
    summary: 'propose a config.env by what this server shows, and write it',
    examples: [
      ['init', 'ask which network is the LAN and what else is never banned'],
      ['init --defaults', 'take what is proposed, and ask nothing'],
    ],
    exits: {
      0: 'written, or nothing to change',
      1: 'declined, or failed',
      78: 'not written: something else in config.env is wrong',
    },
  },
  plan: {
    group: 'Set up',
    summary: 'show exactly what apply would do; change nothing',
    examples: [
      ['plan', 'what would change on this server'],
      ['plan --root servers/web1', 'the same for a checked-in copy of its files'],
    ],
    exits: { 0: 'in sync', 1: 'no plan', 2: 'changes are pending', 78: WRONG_CONFIGURATION },
  },
  apply: {
    group: 'Set up',
    summary: 'install, configure, restart, verify; ask first',
    examples: [
      ['apply', 'show the plan, ask, do it, verify'],
      ['apply --yes --confirm-within 5m', 'undo it unless confirmed in time'],
    ],
    exits: {
      0: 'applied, or in sync before',
      1: 'declined, refused, or failed and rolled back',
      78: WRONG_CONFIGURATION,
    },
  },
  confirm: {
    group: 'Set up',
    summary: 'keep the changes applied with --confirm-within',
    examples: [
      ['confirm', 'from a new session: it proves that you can still log in'],
      ['apply --confirm-within 10m', 'what comes before it'],
    ],
    exits: { 0: 'kept, or nothing was waiting', 1: 'too late: rolled back already, or failed' },
  },
  refresh: {
    group: 'Set up',
    summary: 'look up the names in WHITELIST anew, and protect what they are now',
    examples: [
      ['refresh', 'what a timer does every five minutes'],
      ['refresh --dry-run', 'show what has changed, and change nothing'],
    ],
    exits: {
      0: 'followed, or no address has changed',
      1: 'failed and rolled back, or a file is for apply to change',
      78: WRONG_CONFIGURATION,
    },
  },
  status: {
    group: 'Check',
    summary: 'show what runs, in which modes, and what has drifted',
    examples: [
      ['status', 'daemons, drift, bans and the last scans'],
      ['status --check --quiet', 'for cron: a line if anything is wrong'],
    ],
    exits: {
      0: 'shown; --check: nothing wrong found',
      1: 'no plan can be made; --check: not all was checked',
      2: '--check: a daemon is down, or drift',
      78: WRONG_CONFIGURATION,
    },
  },
  verify: {
    group: 'Check',
    summary: 'prove that scanners are banned here and the LAN is not',
    examples: [
      ['verify', 'scan a throw-away copy of this server'],
      ['verify --json', 'each check with its result, for a script'],
    ],
    exits: {
      0: 'no check failed',
      1: 'a check failed',
      78: WRONG_CONFIGURATION,
    },
  },
  metrics: {
    group: 'Check',
    summary: 'print bans, scans, daemons and drift for Prometheus',
    examples: [
      ['metrics', 'as OpenMetrics text'],
      ['metrics --output portward.prom', 'a file for the textfile collector of node_exporter'],
    ],
    exits: { 0: 'printed or written, whatever they say', 1: 'failed' },
  },
  detect: {
    group: 'Check',
    summary: 'show what portsentry would notice, live or in a capture',
    examples: [
      ['detect --interface any --dry-run', 'watch, but do nothing'],
      ['detect --pcap scan.pcap --summary', 'who scanned in a capture'],
    ],
    exits: { 0: 'watched, or read to the end', 1: 'failed', 78: WRONG_CONFIGURATION },
  },
  'explain-problem': {
    group: 'Check',
    summary: 'say what a problem or a failed check means, and what to do',
    examples: [
      ['explain-problem', 'list all codes'],
      ['explain-problem ssh-client', 'what this one means, and what to do about it'],
    ],
    exits: { 0: 'explained' },
  },
  bans: {
    group: 'Bans',
    summary: 'list banned hosts: since and until when, why, and where',
    examples: [
      ['bans', 'every banned host of this server'],
      ['bans --json', 'the same for a script'],
    ],
    exits: { 0: 'listed, also where nobody is banned', 1: 'failed' },
  },
  report: {
    group: 'Bans',
    summary: 'show scans and bans over time, and who came back',
    examples: [
      ['report --since 7d', 'charts of a week: by day, port, network, kind of scan'],
      ['report --html report.html', 'a page with figures, for a browser or for print'],
    ],
    exits: { 0: 'shown, also where nothing happened', 1: 'something could not be read, or failed' },
  },
  explain: {
    group: 'Bans',
    summary: 'show what a scan from an address would lead to, and why',
    examples: [
      ['explain 203.0.113.7', 'would it be banned, and by which file and line'],
      ['explain 192.168.1.20 --root servers/web1', 'the same for a copy of a server'],
    ],
    exits: { 0: 'explained', 1: 'failed' },
  },
  ban: {
    group: 'Bans',
    summary: 'ban addresses by hand, or those that another server has banned',
    examples: [
      ['ban 203.0.113.7 --for 1d --reason abuse', 'one address'],
      ['ban --file -', 'what portward bans --json prints on another server'],
    ],
    exits: { 0: 'each of them is banned, or need not be', 1: 'one is protected, so refused; or failed' },
  },
  unban: {
    group: 'Bans',
    summary: 'release addresses wherever they are banned',
    examples: [
      ['unban 203.0.113.7', 'in the firewall, fail2ban and hosts.deny'],
      ['unban 203.0.113.7 2001:db8::7', 'several at once'],
    ],
    exits: { 0: 'none of them is banned any more', 1: 'one is still banned, or that is not known' },
  },
  generations: {
    group: 'Undo',
    summary: 'list what earlier applies replaced',
    examples: [
      ['generations', 'their numbers, for rollback'],
      ['generations --json', 'with the path of each file'],
    ],
    exits: { 0: 'listed', 1: 'failed' },
  },
  rollback: {
    group: 'Undo',
    summary: 'restore what an apply replaced, and all that came after it',
    examples: [
      ['rollback', 'undo the latest apply'],
      ['rollback 2', 'restore the state before generation 2'],
    ],
    exits: { 0: 'rolled back', 1: 'declined, refused, failed, or something still differs' },
  },
} as const satisfies Record<string, CommandText>

export type CommandName = keyof typeof COMMAND_TEXTS
