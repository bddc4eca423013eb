import actionText from '../../templates/fail2ban-notify.py?raw'
import type { SecretFile } from '../facts/secret-files.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings/settings.ts'
import { LIBRARY } from './ban-set.ts'
import { secondsOf } from './duration.ts'
import type { Facts, LiveFacts } from './facts.ts'

/** fail2ban's action that tells others about bans: it runs a stock action, in its own thread and not too often. */
export const NOTIFY_ACTION = `${LIBRARY}/notify.py`

/** How many reports a day AbuseIPDB accepts from a free account. */
const REPORTS_A_DAY = 1000
const DAY_S = 86_400
/** AbuseIPDB's number for port scans. */
const PORT_SCAN = 14

type Wanted = Pick<Settings, 'notify' | 'notifyLimit' | 'abuseipdbKeyFile'>

/** Whether a recipient is a mail address; else it is a file with URLs for apprise. */
export const isMail = (recipient: string): boolean => !recipient.startsWith('/')

/** The files with secrets that config.env names. */
export const secretPaths = ({ notify, abuseipdbKeyFile }: Wanted): string[] => [
  ...notify.filter((each) => !isMail(each)),
  ...(abuseipdbKeyFile === undefined ? [] : [abuseipdbKeyFile]),
]

/** An action that tells others about bans. */
export interface NoticeAction {
  /** As `fail2ban-client get portsentry actions` shows it. */
  readonly name: string
  /** The variable of config.env that asks for it. */
  readonly variable: 'NOTIFY' | 'ABUSEIPDB_KEY_FILE'
  readonly stock: 'sendmail' | 'apprise' | 'abuseipdb'
  readonly options: readonly (readonly [string, string | number])[]
  /** The file with a secret that it needs. */
  readonly secretFile: string | null
}

/** Those that config.env asks for. */
export const wantedNotices = ({ notify, notifyLimit, abuseipdbKeyFile }: Wanted): NoticeAction[] => {
  const [most = '', time = ''] = notifyLimit.split('/')
  const limited = (...options: NoticeAction['options']) =>
    [['most', most], ['seconds', secondsOf(time)], ...options] as const
  const messages = notify.map((recipient): NoticeAction => {
    const common = { name: `notify:${recipient}`, variable: 'NOTIFY' } as const
    if (!isMail(recipient)) {
      const options = limited(['config', recipient])
      return { ...common, stock: 'apprise', options, secretFile: recipient }
    }
    // The sender as in Debian's jail.conf: stock sendmail's own has no domain.
    const options = limited(['dest', recipient], ['sender', 'root@<fq-hostname>'])
    return { ...common, stock: 'sendmail', options, secretFile: null }
  })
  if (abuseipdbKeyFile === undefined) return messages
  const reports: NoticeAction = {
    name: 'abuseipdb',
    variable: 'ABUSEIPDB_KEY_FILE',
    stock: 'abuseipdb',
    options: [
      ['most', REPORTS_A_DAY],
      ['seconds', DAY_S],
      ['abuseipdb_category', PORT_SCAN],
      // The shell that runs the stock action reads the file: the key is in no configuration and in no log.
      ['abuseipdb_apikey', `$(cat ${abuseipdbKeyFile})`],
    ],
    secretFile: abuseipdbKeyFile,
  }
  return [...messages, reports]
}

/** The lines of the jail's `action` for them. */
export const noticeActions = (wanted: Wanted): string[] =>
  wantedNotices(wanted).map(({ name, stock, options }) => {
    const all = [['actname', name], ['stock', stock], ...options]
    return `${NOTIFY_ACTION}[${all.map(([option, value]) => `${option}="${value}"`).join(', ')}]`
  })

/** Whether a line of a jail's `action` tells others about bans. */
export const isNotice = (line: string): boolean => line.startsWith(NOTIFY_ACTION)

/** portward's action, if the jail names it; else it must not exist. */
export const notificationFiles = (
  jails: ReadonlyMap<string, ReadonlyMap<string, string>>,
): (readonly [string, string | null])[] => {
  const isNamed = jails.get('portsentry')?.get('action')?.includes(NOTIFY_ACTION) === true
  return [[NOTIFY_ACTION, isNamed ? actionText : null]]
}

type Fault = Pick<Problem, 'code' | 'message' | 'hint'>

/** What is wrong with a file that holds a secret; null: nothing that could be seen. */
const secretFault = ({ stock }: NoticeAction, path: string, file: SecretFile | null): Fault | null => {
  const isKey = stock === 'abuseipdb'
  const holds = isKey ? 'one line, the key' : 'a URL a line, see docs/notifications.md'
  const fault = (message: string, hint: string): Fault => ({ code: 'secret-file', message, hint })
  if (file === null) {
    const make = `make it as root: install -D -m 600 /dev/null ${path}, then write into it ${holds}`
    return fault(`the file ${path} does not exist`, make)
  }
  if (file.uid !== 0) return fault(`the file ${path} does not belong to root`, `chown root: ${path}`)
  if ((file.mode & 0o077) !== 0)
    return fault(`others than root can read or change the file ${path}`, `chmod 600 ${path}`)
  if (file.content === 'empty') return fault(`the file ${path} is empty`, `write into it ${holds}`)
  return isKey && file.content === 'other'
    ? fault(`the file ${path} does not contain a key`, `write into it ${holds}, and nothing else`)
    : null
}

const MAIL_PROGRAMS = 'msmtp-mta (which sends through a mail server that you name in /etc/msmtprc) or postfix'

/** What keeps an action from telling others about bans; null: nothing that could be seen. */
export const noticeFault = (notice: NoticeAction, live: LiveFacts): Fault | null => {
  const { stock, secretFile } = notice
  if (stock === 'sendmail' && !live.sendsMail) {
    const message = 'this server has no /usr/sbin/sendmail to send mail with'
    const hint = `install ${MAIL_PROGRAMS}; portward does not choose one`
    return { code: 'no-mail-program', message, hint }
  }
  const file = secretFile === null ? undefined : live.secretFiles.get(secretFile)
  return secretFile === null || file === undefined ? null : secretFault(notice, secretFile, file)
}

/** What keeps others from being told about bans. */
export const findNotificationProblems = (settings: Settings, { live }: Pick<Facts, 'live'>): Problem[] => {
  if (live === null) return []
  const found = wantedNotices(settings).flatMap((notice): Problem[] => {
    const fault = noticeFault(notice, live)
    const at = settings.locations.get(notice.variable) ?? { path: settings.path }
    const message = `${notice.variable}: ${fault?.message}`
    return fault === null ? [] : [{ ...fault, severity: 'error', message, at }]
  })
  // Several mail addresses lack the same program.
  return found.filter(({ message }, index) => found.findIndex((other) => other.message === message) === index)
}
