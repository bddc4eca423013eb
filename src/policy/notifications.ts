import actionText from '../../templates/fail2ban-notify.py?raw'
import type { Problem } from '../problem.ts'
import type { ProblemCode } from '../problem-codes.ts'
import type { Settings } from '../settings/settings.ts'
import { LIBRARY } from './ban-set.ts'
import { secondsOf } from './duration.ts'
import type { Facts } from './facts.ts'

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

interface NoticeAction {
  /** As `fail2ban-client get portsentry actions` shows it. */
  readonly name: string
  readonly stock: 'sendmail' | 'apprise' | 'abuseipdb'
  readonly options: readonly (readonly [string, string | number])[]
}

/** The actions that tell others about bans. */
export const wantedNotices = ({ notify, notifyLimit, abuseipdbKeyFile }: Wanted): NoticeAction[] => {
  const [most = '', time = ''] = notifyLimit.split('/')
  const limit = [
    ['most', most],
    ['seconds', secondsOf(time)],
  ] as const
  return [
    ...notify.map((recipient): NoticeAction => {
      return {
        name: `notify:${recipient}`,
        ...(isMail(recipient)
          ? {
              stock: 'sendmail',
              // The sender as in Debian's jail.conf: stock sendmail's own has no domain.
              options: [...limit, ['dest', recipient], ['sender', 'root@<fq-hostname>']],
            }
          : { stock: 'apprise', options: [...limit, ['config', recipient]] }),
      }
    }),
    ...(abuseipdbKeyFile === undefined
      ? []
      : [
          {
            name: 'abuseipdb',
            stock: 'abuseipdb',
            options: [
              ['most', REPORTS_A_DAY],
              ['seconds', DAY_S],
              ['abuseipdb_category', PORT_SCAN],
              // The shell that runs the stock action reads the file: the key is in no configuration and in no log.
              ['abuseipdb_apikey', `$(cat ${abuseipdbKeyFile})`],
            ],
          } satisfies NoticeAction,
        ]),
  ]
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

/** What is wrong with a file that holds a secret, and what to do; null: nothing that could be seen. */
export const secretFault = (
  facts: Pick<Facts, 'live'>,
  path: string,
  isKey: boolean,
): { readonly message: string; readonly hint: string } | null => {
  const file = facts.live?.secretFiles.get(path)
  const holds = isKey ? 'one line, the key' : 'a URL a line, see docs/notifications.md'
  if (file === undefined) return null
  if (file === null) {
    const make = `make it as root: install -m 600 /dev/null ${path}, then write into it ${holds}`
    return { message: `${path} does not exist`, hint: make }
  }
  if (file.uid !== 0) return { message: `${path} does not belong to root`, hint: `chown root: ${path}` }
  if ((file.mode & 0o077) !== 0)
    return { message: `others than root can read or write ${path}`, hint: `chmod 600 ${path}` }
  if (file.content === 'empty') return { message: `${path} is empty`, hint: `write into it ${holds}` }
  if (isKey && file.content === 'other')
    return { message: `${path} does not contain a key`, hint: `write into it ${holds}, and nothing else` }
  return null
}

const MAIL_PACKAGES = 'msmtp-mta (sends through a mail server that you name in /etc/msmtprc) or postfix'

/** What keeps others from being told about bans. */
export const findNotificationProblems = (settings: Settings, facts: Facts): Problem[] => {
  const complain = (name: string, code: ProblemCode, message: string, hint: string): Problem => ({
    severity: 'error',
    code,
    message: `${name} ${message}`,
    hint,
    at: settings.locations.get(name) ?? { path: settings.path },
  })
  const { live } = facts
  if (live === null) return []
  const { notify, abuseipdbKeyFile } = settings
  const noMail = notify.some(isMail) && !live.sendsMail
  const files = [
    ...notify.filter((each) => !isMail(each)).map((path) => ['NOTIFY', path] as const),
    ...(abuseipdbKeyFile === undefined ? [] : [['ABUSEIPDB_KEY_FILE', abuseipdbKeyFile] as const]),
  ]
  return [
    ...(noMail
      ? [
          complain(
            'NOTIFY',
            'no-mail-program',
            'has a mail address, but this server has no /usr/sbin/sendmail to send mail with',
            `install ${MAIL_PACKAGES}; portward does not choose one`,
          ),
        ]
      : []),
    ...files.flatMap(([name, path]) => {
      const fault = secretFault(facts, path, name === 'ABUSEIPDB_KEY_FILE')
      return fault === null
        ? []
        : [complain(name, 'secret-file', `names a file: ${fault.message}`, fault.hint)]
    }),
  ]
}
