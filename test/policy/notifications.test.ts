import { describe, expect, it } from 'vitest'
import type { SecretFile } from '../../src/facts/secret-files.ts'
import { plan } from '../../src/plan/planner.ts'
import { BAN_ACTION } from '../../src/policy/ban-set.ts'
import type { LiveFacts } from '../../src/policy/facts.ts'
import { NOTIFY_ACTION } from '../../src/policy/notifications.ts'
import { renderProblem } from '../../src/problem.ts'
import { checkRunning } from '../../src/verify/running-checks.ts'
import { JAIL } from '../paths.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'
import { examined, expectLine } from '../verify/servers.ts'

const KEY_FILE = '/etc/portward/abuseipdb.key'
const URLS = '/etc/portward/apprise.conf'
const MAIL = 'NOTIFY=a@example.org\n'
const KEY = `ABUSEIPDB_KEY_FILE=${KEY_FILE}\n`
const secret = (changes: Partial<SecretFile> = {}): SecretFile => ({
  ...{ mode: 0o600, uid: 0, content: 'word' },
  ...changes,
})

const able: Partial<LiveFacts> = {
  sendsMail: true,
  secretFiles: new Map([
    [KEY_FILE, secret()],
    [URLS, secret({ content: 'other' })],
  ]),
}

const planWith = (config: string, live: Partial<LiveFacts> = able, jailText?: string) =>
  plan(
    settingsOf(`${LAN}BAN_TARGET=DROP\n${config}`),
    factsOf({ live, ...(jailText === undefined ? {} : { texts: { [JAIL]: jailText } }) }),
  )

/** The jail's actions, as the jail file will have them; null: it has no `action`. */
const actionsOf = (config: string): readonly string[] | null =>
  planWith(config).desired?.jails.get('portsentry')?.get('action')?.split('\n') ?? null

describe('the actions of the jail', () => {
  it("are one for each recipient, after the one that bans, with the stock action's own options", () => {
    expect(actionsOf('')).toBeNull()
    expect(actionsOf(`NOTIFY="a@example.org ${URLS}"\nNOTIFY_LIMIT=3/2m\n${KEY}`)).toEqual([
      BAN_ACTION,
      `${NOTIFY_ACTION}[actname="notify:a@example.org", stock="sendmail", most="3", seconds="120", dest="a@example.org", sender="root@<fq-hostname>"]`,
      `${NOTIFY_ACTION}[actname="notify:${URLS}", stock="apprise", most="3", seconds="120", config="${URLS}"]`,
      `${NOTIFY_ACTION}[actname="abuseipdb", stock="abuseipdb", most="1000", seconds="86400", abuseipdb_category="14", abuseipdb_apikey="$(cat ${KEY_FILE})"]`,
    ])
    expect(actionsOf(`${MAIL}BANACTION=iptables-allports\n`)?.[0]).toBe(
      'iptables-allports[port="0:65535", protocol="all"]',
    )
  })

  it('are none where nobody is banned', () => {
    expect(actionsOf(`${MAIL}OBSERVE_ONLY=1\n`)).toBeNull()
    expect(planWith(`${MAIL}OBSERVE_ONLY=1\n`).desired?.ownedFiles.get(NOTIFY_ACTION)).toBeNull()
  })

  it('are taken out of the jail file when the variables are gone', () => {
    const step = planWith(MAIL).plan?.steps.find((each) => each.kind === 'write' && each.path === JAIL)
    const text = step?.kind === 'write' ? step.after : ''
    expect(text).toContain(NOTIFY_ACTION)
    const after = planWith('', able, text).plan?.steps.find(
      (each) => each.kind === 'write' && each.path === JAIL,
    )
    expect(after?.kind === 'write' && after.after).toMatch(
      new RegExp(`^action = ${BAN_ACTION.replace(/[[\]]/g, '\\$&')}$`, 'm'),
    )
    expect(after?.kind === 'write' && after.after).not.toContain(NOTIFY_ACTION)
  })

  const MINE = `${BAN_ACTION}\n          sendmail-whois[name=mine]`
  it.each<[what: string, jailText: string, conf: string, before: string]>([
    ['in the jail file', `[portsentry]\naction = ${MINE}\n`, '', MINE],
    ['for all jails', '', `mw = ${MINE}\naction = %(mw)s\n`, '%(mw)s'],
  ])("leave the admin's own, %s, as it is written", (_, jailText, conf, before) => {
    const jailAfter = (config: string, text: string): string => {
      const texts = { [JAIL]: text, '/etc/fail2ban/jail.conf': `[DEFAULT]\n${conf}` }
      const settings = settingsOf(`${LAN}BAN_TARGET=DROP\n${config}`)
      const found = plan(settings, factsOf({ live: able, texts })).plan?.steps
      const step = found?.find((each) => each.kind === 'write' && each.path === JAIL)
      return step?.kind === 'write' ? step.after : text
    }
    const told = jailAfter(MAIL, jailText)
    expect(told).toContain(`action = ${before}\n          ${NOTIFY_ACTION}[`)
    expect(jailAfter(MAIL, told)).toBe(told)
    const after = jailAfter('', told)
    expect(after).toContain(`action = ${before}\n`)
    expect(after).not.toContain(NOTIFY_ACTION)
  })

  it('have fail2ban restarted', () => {
    expect(planWith(MAIL).plan?.steps.at(-1)).toMatchObject({ kind: 'restart', service: 'fail2ban' })
  })
})

describe('what is missing', () => {
  const withFile = (path: string, file: SecretFile | null) => ({ secretFiles: new Map([[path, file]]) })
  it.each<[string, string, Partial<LiveFacts>, string | null]>([
    ['nothing', `NOTIFY="root ${URLS}"\n${KEY}`, able, null],
    ['a mail program', 'NOTIFY="a@b c@d"\n', { sendsMail: false }, 'NOTIFY: this server has no /usr/sbin/sendmail to send mail with'],
    ['a file', `NOTIFY=${URLS}\n`, withFile(URLS, null), `NOTIFY: the file ${URLS} does not exist`],
    ['a key', KEY, withFile(KEY_FILE, null), `ABUSEIPDB_KEY_FILE: the file ${KEY_FILE} does not exist`],
    ['its owner', KEY, withFile(KEY_FILE, secret({ uid: 1000 })), `ABUSEIPDB_KEY_FILE: the file ${KEY_FILE} does not belong to root`],
    ['its mode', KEY, withFile(KEY_FILE, secret({ mode: 0o640 })), `ABUSEIPDB_KEY_FILE: others than root can read or change the file ${KEY_FILE}`],
    ['its content', KEY, withFile(KEY_FILE, secret({ content: 'other' })), `ABUSEIPDB_KEY_FILE: the file ${KEY_FILE} does not contain a key`],
    ['any content', KEY, withFile(KEY_FILE, secret({ content: 'empty' })), `ABUSEIPDB_KEY_FILE: the file ${KEY_FILE} is empty`],
    ['what cannot be read', KEY, withFile(KEY_FILE, secret({ content: null, mode: 0o400 })), null],
    ['what cannot be looked at', KEY, { secretFiles: new Map() }, null],
  ])('%s', (_, config, live, expected) => {
    const errors = planWith(config, live).problems.filter(({ severity }) => severity === 'error')
    expect(errors.map(({ message }) => message)).toEqual(expected === null ? [] : [expected])
    expect(errors.map(renderProblem).join()).toMatch(expected === null ? /^$/ : /^config\.env:4: /)
  }) // biome-ignore format: a table

  it('are packages, which are installed', () => {
    expect(planWith(`NOTIFY=${URLS}\n`).desired?.packages).toContain('apprise')
    expect(planWith(KEY).desired?.packages).toEqual(expect.arrayContaining(['curl', 'ca-certificates']))
    expect(planWith(MAIL).desired?.packages).not.toContain('apprise')
  })
})

describe('verify', () => {
  const check = (live: Partial<LiveFacts>, actions: string | null, config = MAIL) => {
    const { desired, facts } = examined({ live: { ...able, ...live } }, config)
    if (facts.live === null) throw new Error('a tree is not running')
    const answers = { logpath: '', actions, dump: { lines: [] }, filter: null }
    return checkRunning(desired, facts, facts.live, answers, 0)
  }
  const LOADED = 'portward\nnotify:a@example.org'

  it.each<[Partial<LiveFacts>, string | null, string]>([
    [{}, LOADED, 'pass notices: fail2ban has loaded notify:a@example.org; whether messages arrive was not checked'],
    [{}, 'portward', 'warn notices: the running fail2ban does not have notify:a@example.org'],
    [{}, null, 'skip notices: not checked: fail2ban does not answer'],
    [{ asRoot: false }, null, 'skip notices: only root can ask fail2ban'],
    [{ sendsMail: false }, LOADED, 'warn notices: this server has no /usr/sbin/sendmail to send mail with'],
  ])('%j with %j', (live, actions, line) => expectLine(check(live, actions), line)) // biome-ignore format: a table

  it('is silent where nobody is to be told', () => {
    expect(check({}, 'portward', '').filter(({ code }) => code === 'notices')).toEqual([])
  })
})
