import sshdText from '../../templates/fail2ban-sshd.conf?raw'
import { setValues } from '../documents/fail2ban-edit.ts'
import { formatNetwork, type Network } from '../network.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { BAN_ACTION } from './ban-set.ts'
import { secondsOf } from './duration.ts'
import { type Facts, fileText } from './facts.ts'
import { withoutDatabase } from './fail2ban-database.ts'
import { logPatterns, namesIn } from './fail2ban-values.ts'
import { type ConfigFile, effective, enabledJails, type Fail2banView, viewFail2ban } from './fail2ban-view.ts'
import { actionFor, type BanAction, guardJail } from './jail-guards.ts'
import { isNotice, NOTIFY_ACTION, noticeActions } from './notifications.ts'
import type { Release } from './release.ts'

export const FAIL2BAN_DIRECTORY = '/etc/fail2ban'
/** The file that portward maintains; read after Debian's defaults and before jail.local. */
export const JAIL_FILE = 'jail.d/portsentry.conf'
export const JAIL_PATH = `${FAIL2BAN_DIRECTORY}/${JAIL_FILE}`

/** Options by jail, as they should be in the jail file. */
export type Jails = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Whether config.env wants the portsentry jail. */
export const isJailWanted = ({ jails }: { readonly jails: Jails }): boolean =>
  jails.get('portsentry')?.get('enabled') === 'true'

/** fail2ban's own files by their paths below its directory, with `jailText`, if given, instead of the jail file. */
export const fail2banFiles = (facts: Pick<Facts, 'files'>, jailText?: string): ConfigFile[] => {
  const files = new Map<string, string>()
  for (const [path, { text }] of facts.files) {
    if (path.startsWith(`${FAIL2BAN_DIRECTORY}/`)) files.set(path.slice(FAIL2BAN_DIRECTORY.length + 1), text)
  }
  if (jailText !== undefined) files.set(JAIL_FILE, jailText)
  return [...files].map(([path, text]) => ({ path, text }))
}

/** fail2ban's jails, with `jailText`, if given, instead of the jail file. */
export const viewWith = (facts: Pick<Facts, 'files'>, jailText?: string): Fail2banView =>
  viewFail2ban(fail2banFiles(facts, jailText))

/** Patterns of the logs that the enabled jails read, or would read without the journal. */
export const namedLogs = (facts: Pick<Facts, 'files'>): string[] => {
  const view = viewWith(facts)
  return enabledJails(view).flatMap((jail) => logPatterns(effective(view, jail, 'logpath')?.value ?? ''))
}

/** What fail2ban bans with, on all ports; `protocol` in the form that this action accepts. */
const banAction = ({ banaction = BAN_ACTION }: Settings): BanAction => {
  const takesAll = banaction === BAN_ACTION || banaction.startsWith('iptables-allports')
  return { banaction, protocol: takesAll ? 'all' : 'tcp,udp' }
}

/** Written by portward: has the sshd jail read the journal if its log does not exist. */
export const SSHD_PATH = `${FAIL2BAN_DIRECTORY}/jail.d/portward-sshd.local`

interface SshdFix {
  /** Whether the file should exist. */
  readonly readJournal: boolean
  /** A log that has to be created. */
  readonly log?: string
}

/**
 * Debian 12 enables the sshd jail on /var/log/auth.log, which a fresh server does not have: fail2ban then does not start.
 * With a journal the jail reads that, also later, unless the release does so by default; without one the log is created, so
 * that a syslog daemon that is installed later is read.
 */
const fixSshd = (facts: Facts): SshdFix => {
  const others = new Map([...facts.files].filter(([path]) => path !== SSHD_PATH))
  const view = viewWith({ ...facts, files: others })
  const option = (name: string) => effective(view, 'sshd', name)?.value ?? ''
  if (!enabledJails(view).includes('sshd') || /^systemd(?:\[|$)/.test(option('backend')))
    return { readJournal: false }
  const logs = logPatterns(option('logpath'))
  const [log] = logs
  if (log === undefined || logs.some((pattern) => !facts.missingLogs.has(pattern))) {
    return { readJournal: facts.files.has(SSHD_PATH) }
  }
  return (facts.live?.init ?? 'systemd') === 'systemd' ? { readJournal: true } : { readJournal: false, log }
}

const longer = (one: string, other: string): string => (secondsOf(other) > secondsOf(one) ? other : one)

/**
 * The jail's `action` without messages. One that bans with portward's action and does more is the admin's: it stays, as it is
 * written. `%(known/action)s` means another one in the jail file.
 */
const actionBeside = (view: Fail2banView, ban: BanAction): string => {
  const origin = view.sections.get('portsentry')?.get('action') ?? view.defaults.get('action')
  const withoutNotices = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '' && !isNotice(line))
      .join('\n')
  const does = namesIn(withoutNotices(effective(view, 'portsentry', 'action')?.value ?? ''))
  const isOwn = does.length > 1 && does.includes(namesIn(ban.banaction)[0] ?? '')
  return isOwn && origin !== undefined && !origin.value.includes('%(known/')
    ? withoutNotices(origin.value)
    : actionFor(ban)
}

interface DesiredJails {
  /** What the jail file should contain. */
  readonly jails: Jails
  /** The text of `SSHD_PATH`; null: the file must not exist. */
  readonly sshdFile: string | null
  /** Logs that jails lack. */
  readonly logs: readonly string[]
  readonly problems: readonly Problem[]
}

/** fail2ban's desired jails, and problems with the settings for them. */
export const desiredJails = (
  settings: Settings,
  facts: Facts,
  release: Release,
  networks: readonly Network[],
  historyPath: string,
): DesiredJails => {
  const { banaction, protocol } = banAction(settings)
  const problems: Problem[] = []
  const action = banaction.split('[', 1)[0] ?? ''
  const forgotten = withoutDatabase(fail2banFiles(facts), FAIL2BAN_DIRECTORY, action)
  if (settings.banaction !== undefined && facts.actions.size > 0 && !facts.actions.has(action)) {
    problems.push({
      severity: 'error',
      code: 'unknown-banaction',
      message: `BANACTION is "${settings.banaction}", but fail2ban has no action ${action}`,
      hint: `name one of the actions in ${FAIL2BAN_DIRECTORY}/action.d`,
      at: settings.locations.get('BANACTION') ?? { path: settings.path },
    })
  }
  const bans = !settings.observeOnly && (settings.banBackend !== 'none' || settings.banaction !== undefined)
  const notices = bans ? noticeActions(settings) : []
  const present = viewWith(facts, fileText(facts, JAIL_PATH) || '[portsentry]\n')
  const hasNotices = effective(present, 'portsentry', 'action')?.value.includes(NOTIFY_ACTION) === true
  const portsentry = new Map([
    ['enabled', String(bans)],
    ['filter', release.filter],
    // The history is a file, whatever backend [DEFAULT] sets for other jails.
    ['backend', 'polling'],
    // Without a database fail2ban would read the history from its beginning at each start, and ban released hosts again.
    ['logpath', forgotten.length > 0 ? `${historyPath} tail` : historyPath],
    ['ignoreip', networks.map(formatNetwork).join(' ')],
    ['banaction', banaction],
    ['protocol', protocol],
    ['bantime', settings.bantime],
    // Longer for repeat offenders; a permanent ban cannot become longer.
    ['bantime.increment', String(settings.bantimeIncrement && settings.bantime !== '-1')],
    // A repeat offender's ban is never shorter than a first one.
    ['bantime.maxtime', longer(settings.bantimeMaxtime, settings.bantime)],
    ['findtime', settings.findtime],
    ['maxretry', settings.maxretry],
    // Else it follows from `banaction`, or is the admin's own.
    ...(notices.length > 0 || hasNotices
      ? [['action', [actionBeside(present, { banaction, protocol }), ...notices].join('\n')] as const]
      : []),
  ])
  const jailText = setValues(fileText(facts, JAIL_PATH) ?? '', 'portsentry', portsentry)
  const guards = guardJail(viewWith(facts, jailText), { banaction, protocol }, FAIL2BAN_DIRECTORY, JAIL_FILE)
  const { readJournal, log } = fixSshd(facts)
  return {
    jails: new Map([['portsentry', new Map([...portsentry, ...(bans ? guards.options : [])])]]),
    sshdFile: readJournal ? sshdText : null,
    logs: log === undefined ? [] : [log],
    problems: [...problems, ...(bans ? [...guards.problems, ...forgotten] : [])],
  }
}

/** Options of the portsentry jail that are overridden by a file that is read later. */
export const overriddenOptions = (facts: Facts, jails: Jails, jailText: string): Problem[] => {
  const view = viewWith(facts, jailText)
  const problems: Problem[] = []
  for (const [jail, options] of jails) {
    for (const [option, wanted] of options) {
      const decided = effective(view, jail, option)
      if (decided === undefined || decided.path === JAIL_FILE || decided.value === wanted) continue
      problems.push({
        severity: 'error',
        code: 'overridden',
        message: `sets ${option} = ${decided.value.replaceAll('\n', ' ')} for jail ${jail}, over ${JAIL_PATH}`,
        hint: `remove the line, or make it ${option} = ${wanted}`,
        at: { path: `${FAIL2BAN_DIRECTORY}/${decided.path}`, line: decided.line },
      })
    }
  }
  return problems
}
