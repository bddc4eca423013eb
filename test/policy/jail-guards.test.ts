import { expect, it } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import { BAN_ACTION } from '../../src/policy/ban-set.ts'
import { JAIL_OPTIONS } from '../../src/policy/fail2ban-faults.ts'
import { DECISIONS } from '../../src/policy/jail-guards.ts'
import { renderProblem } from '../../src/problem.ts'
import { JAIL } from '../paths.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const STOCK = [
  '[DEFAULT]',
  'ignorecommand =',
  'logencoding = auto',
  'port = 0:65535',
  'chain = <known/chain>',
  'action_ = %(banaction)s[port="%(port)s", protocol="%(protocol)s", chain="%(chain)s"]',
  'action_mw = %(action_)s',
  '            sendmail-whois[name=%(__name__)s]',
  'action = %(action_)s',
  '[portsentry]',
  'maxretry = 1',
  '',
].join('\n')

const planWith = (files: Readonly<Record<string, string>>, config = '') => {
  const texts = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [`/etc/fail2ban/${path}`, text]),
  )
  return plan(
    settingsOf(`${LAN}BAN_TARGET=DROP\n${config}`),
    factsOf({ texts: { '/etc/fail2ban/jail.conf': STOCK, ...texts } }),
  )
}

/** Lines that are added to the jail file, and all problems. */
const outcome = (files: Readonly<Record<string, string>>, config = '') => {
  const { plan: found, problems } = planWith(files, config)
  const step = found?.steps.find((each) => each.kind === 'write' && each.path === JAIL)
  const before = step?.kind === 'write' ? (step.before ?? '').split('\n') : []
  const added = step?.kind === 'write' ? step.after.split('\n').filter((line) => !before.includes(line)) : []
  return { added, problems: problems.map(renderProblem) }
}

const iptables = 'BANACTION=iptables-allports\n'

it.each<[string, Record<string, string>, string, string[]]>([
  [
    'an action for all jails',
    { 'jail.local': '[DEFAULT]\nbantime = 1h\naction = iptables-allports[name=%(__name__)s]\n' },
    '',
    [`action = ${BAN_ACTION}`],
  ],
  ['action_ for all jails', { 'jail.local': '[DEFAULT]\naction_ = mine\n' }, '', [`action = ${BAN_ACTION}`]],
  ['a mail beside the ban', { 'jail.local': '[DEFAULT]\naction = %(action_mw)s\n' }, '', []],
  [
    'an own ban action',
    { 'jail.local': '[DEFAULT]\naction = mine\n' },
    iptables,
    ['banaction = iptables-allports', 'action = iptables-allports[port="0:65535", protocol="all"]'],
  ],
  [
    'ports, to an action that asks',
    { 'jail.local': '[DEFAULT]\nport = ssh\n' },
    iptables,
    ['banaction = iptables-allports', 'port = 0:65535'],
  ],
  ['ports, to one that does not', { 'jail.local': '[DEFAULT]\nport = ssh\n' }, '', []],
  ['an encoding', { 'jail.local': '[DEFAULT]\nlogencoding = utf-16\n' }, '', ['logencoding = auto']],
  [
    'what decides nothing',
    { 'jail.local': '[DEFAULT]\nchain = DOCKER-USER\nusedns = no\nlogencoding = utf-8\n' },
    '',
    [],
  ],
  ['what is off', { 'jail.local': '[DEFAULT]\naction = mine\n' }, 'OBSERVE_ONLY=1\n', ['enabled = false']],
])('sets in the jail what others decide: %s', (_, files, config, expected) => {
  const { added } = outcome(files, config)
  expect(added.filter((line) => /^(?:action|port|logencoding|banaction|enabled) /.test(line))).toEqual(
    expected,
  )
})

it('names the line once, and is in sync afterwards', () => {
  const files = { 'jail.local': '[DEFAULT]\nbantime = 1h\naction = iptables-allports[name=%(__name__)s]\n' }
  const first = planWith(files)
  expect(first.problems.map(renderProblem)).toEqual([
    '/etc/fail2ban/jail.local:3: warning: sets action = iptables-allports[name=portsentry], which is not used for jail portsentry: that has action = /usr/local/lib/portward/action.py[actname=portward] — no action is needed',
  ])
  const step = first.plan?.steps.find((each) => each.kind === 'write' && each.path === JAIL)
  const after = planWith({ ...files, 'jail.d/portsentry.conf': step?.kind === 'write' ? step.after : '' })
  expect(after).toMatchObject({ problems: [], plan: { steps: [] } })
})

it.each([
  ['ignorecommand', '/usr/local/bin/exempt <ip>'],
  ['datepattern', '%%Y'],
  ['failregex', 'x'],
])('names what it cannot set: %s', (option, value) => {
  const { added, problems } = outcome({ 'jail.d/x.conf': `[DEFAULT]\n${option} = ${value}\n` })
  expect(added).toEqual([])
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(
    `/etc/fail2ban/jail.d/x.conf:2: warning: sets ${option} = ${value.replace('%%', '%')}: `,
  )
})

it.each([
  ['ignorecommand', 0],
  ['failregex', 1],
])('takes it for meant where it is written into [portsentry]: %s', (option, count) => {
  const { problems } = outcome({ 'jail.d/x.conf': `[portsentry]\n${option} = x\n` })
  expect(problems).toHaveLength(count)
})

it('refuses a later [portsentry] that bans by another action', () => {
  const { problems } = outcome({ 'jail.local': '[portsentry]\naction = mine\n' })
  expect(problems.join('\n')).toMatch(
    /^\/etc\/fail2ban\/jail\.local:2: sets action = mine for jail portsentry, over .* — remove the line, or make it action = \/usr\/local\/lib\/portward\/action\.py\[actname=portward\]$/m,
  )
})

it('has a decision for every option that fail2ban reads for a jail', () => {
  const jail = [...(planWith({}).plan?.desired.jails.get('portsentry')?.keys() ?? [])]
  const undecided = JAIL_OPTIONS.filter((option) => !jail.includes(option) && !DECISIONS.has(option))
  expect(undecided).toEqual([])
})
