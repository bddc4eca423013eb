import { expect, it, test } from 'vitest'
import type { Obstacle } from '../../src/facts/obstacles.ts'
import { plan } from '../../src/plan/planner.ts'
import { renderProblem } from '../../src/problem.ts'
import { factsOf, LAN, settingsOf } from './live.ts'

const IMMUTABLE: Obstacle = { append: 'it is immutable', replace: 'it is immutable', hint: 'chattr -i' }
const APPEND_ONLY: Obstacle = { append: null, replace: 'it is append-only', hint: 'chattr -a' }

type Changes = NonNullable<Parameters<typeof factsOf>[0]>

const planned = (path: string, obstacle: Obstacle, changes: Changes = {}, config = '') => {
  const facts = factsOf({ ...changes, obstacles: new Map([[path, obstacle]]) })
  const result = plan(settingsOf(LAN + config), facts)
  const problems = result.problems.filter(({ code }) => code === 'unwritable').map(renderProblem)
  return { isPlanned: result.plan !== null, problems }
}

test.each<[string, Obstacle, string]>([
  [
    '/etc/portsentry/portsentry.ignore',
    IMMUTABLE,
    '/etc/portsentry/portsentry.ignore: warning: portsentry cannot build its ignore list when it starts: it is immutable — chattr -i',
  ],
  [
    '/var/lib/portsentry/portsentry.history',
    IMMUTABLE,
    '/var/lib/portsentry/portsentry.history: warning: portsentry cannot write its history here, and so fail2ban sees no scan: it is immutable — chattr -i',
  ],
  [
    '/var/lib/portsentry/portsentry.blocked.audp',
    IMMUTABLE,
    '/var/lib/portsentry/portsentry.blocked.audp: warning: portsentry cannot keep its list of blocked hosts here: it is immutable — chattr -i',
  ],
])('warns of what bans have to write: %s', (path, obstacle, expected) => {
  expect(planned(path, obstacle)).toEqual({ isPlanned: true, problems: [expected] })
})

test.each([
  [IMMUTABLE, '/etc/hosts.deny: warning: bans cannot be written here: it is immutable — chattr -i'],
  [
    APPEND_ONLY,
    '/etc/hosts.deny: warning: bans can be written here, but not removed again: it is append-only — chattr -a',
  ],
])('warns of hosts.deny where portsentry is to write it: %j', (obstacle, expected) => {
  const config = "KILL_HOSTS_DENY='ALL: $TARGET$'\n"
  const conf = factsOf().files.get('/etc/portsentry/portsentry.conf')?.text
  const texts = { '/etc/portsentry/portsentry.conf': `${conf}KILL_HOSTS_DENY="ALL: $TARGET$"\n` }
  expect(planned('/etc/hosts.deny', obstacle, { texts }, config)).toEqual({
    isPlanned: true,
    problems: [expected],
  })
})

it('says nothing of a file that nobody has to write', () => {
  const nothing = { isPlanned: true, problems: [] }
  expect(planned('/etc/hosts.allow', IMMUTABLE)).toEqual(nothing)
  // A ban writes the file that hosts.deny names.
  expect(planned('/etc/hosts.deny', IMMUTABLE)).toEqual(nothing)
  expect(planned('/var/lib/portsentry/portsentry.history', APPEND_ONLY)).toEqual(nothing)
})

it('tells a firewall that cannot be changed', () => {
  const said = (changes: NonNullable<Changes['live']>, config = '') => {
    const facts = factsOf({ live: { firewallObstacle: 'Permission denied', ...changes } })
    const { problems } = plan(settingsOf(LAN + config), facts)
    return problems
      .filter(({ code }) => code === 'unwritable')
      .map(({ severity, at, message }) => `${severity} ${at.path}: ${message}`)
  }
  const warning = 'warning firewall: bans cannot be loaded into the kernel: Permission denied'
  expect(said({})).toEqual([warning])
  expect(said({ hasBanSet: false })).toEqual([
    'error firewall: the bans cannot be loaded into the kernel: Permission denied',
    warning,
  ])
  expect(said({}, 'OBSERVE_ONLY=1\n')).toEqual([])
})

it('refuses where a step has to write it', () => {
  const changes = { texts: { '/etc/hosts.allow': '' } }
  expect(planned('/etc/hosts.allow', APPEND_ONLY, changes)).toEqual({
    isPlanned: false,
    problems: ['/etc/hosts.allow: has to be changed, but cannot be: it is append-only — chattr -a'],
  })
  const released = { texts: { '/etc/hosts.deny': 'ALL: 192.168.1.7 : DENY\n' } }
  expect(planned('/etc/hosts.deny', IMMUTABLE, released).isPlanned).toBe(false)
  const observed = planned('/etc/hosts.deny', IMMUTABLE, {}, 'OBSERVE_ONLY=1\n')
  expect(observed).toEqual({ isPlanned: true, problems: [] })
})
