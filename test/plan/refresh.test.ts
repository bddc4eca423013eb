import { describe, expect, it, test } from 'vitest'
import type { Plan } from '../../src/plan/plan.ts'
import { plan } from '../../src/plan/planner.ts'
import { planRefresh } from '../../src/plan/refresh.ts'
import type { Facts, LiveFacts } from '../../src/policy/facts.ts'
import { NAMES_PATH } from '../../src/policy/host-names.ts'
import type { Settings } from '../../src/settings/settings.ts'
import { hostsOf } from '../networks.ts'
import { factsOf, jailed, LAN, settingsOf } from './live.ts'

const NAME = 'home.example.net'
const OLD = '198.51.100.7'
const NEW = '203.0.113.9'
const SYSLOG = '/etc/rsyslog.d/remote.conf'
const HOSTS_ALLOW = '/etc/hosts.allow'
const IGNORE_LIST = '/etc/portsentry/portsentry.ignore.static'
const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'
const BANS = '/etc/portward/bans.conf'

const NAMED = settingsOf(`${LAN}WHITELIST=${NAME}\n`)
const SERVICES = settingsOf(`${LAN}WHITELIST_SERVICES=1\n`)

const planned = (settings: Settings, facts: Facts): Plan => {
  const result = plan(settings, facts)
  if (result.plan === null) throw new Error(JSON.stringify(result.problems))
  return result.plan
}

const withFile = (facts: Facts, path: string, change: (text: string) => string): Facts => {
  const file = facts.files.get(path) ?? { text: '', mode: 0o644, uid: 0, gid: 0, modifiedMs: 1000 }
  return { ...facts, files: new Map(facts.files).set(path, { ...file, text: change(file.text) }) }
}

const withLive = (facts: Facts, changes: Partial<LiveFacts>): Facts =>
  facts.live === null ? facts : { ...facts, live: { ...facts.live, ...changes } }

/** The server from now on says this about the name. */
const saying = (facts: Facts, ...addresses: string[]): Facts =>
  withLive(facts, { names: { byName: new Map([[NAME, hostsOf(...addresses)]]), ofNobody: [] } })

/** The server after an apply. */
const applied = (settings: Settings, facts: Facts): Facts => {
  const after = planned(settings, facts).steps.reduce(
    (now, step) => (step.kind === 'write' ? withFile(now, step.path, () => step.after) : now),
    facts,
  )
  const timer = 'portward-names.timer'
  const built = after.files.get(IGNORE_LIST)?.text ?? ''
  return withLive(
    withFile(after, '/etc/portsentry/portsentry.ignore', () => built),
    {
      enabled: new Set([...(facts.live?.enabled ?? []), timer]),
      timers: { active: new Set([timer]), failed: new Set() },
    },
  )
}

const BEFORE = applied(NAMED, saying(factsOf(), OLD))

const refreshed = (facts: Facts, settings = NAMED) => {
  const refresh = planRefresh(settings, facts, planned(settings, facts))
  const { plan: part, refused = [], isRunning } = refresh ?? {}
  const steps = part?.steps.map((step) =>
    [step.kind, 'path' in step ? step.path : 'service' in step ? step.service : 'address' in step ? step.address : ''].join(' ').trim(),
  )
  return refresh === null ? null : { steps, refused, isRunning }
} // biome-ignore format: long lines

const writes = (...paths: string[]) => paths.map((path) => `write ${path}`)
const SERVICE_STEPS = ['load-bans', 'restart portsentry', 'reload fail2ban']

test('the server of these tests is in sync', () => {
  expect(planned(NAMED, BEFORE).steps).toEqual([])
  expect(refreshed(BEFORE)).toBe(null)
})

describe('a new address', () => {
  const ALL = ['/etc/hosts.allow', IGNORE_LIST, JAIL]
  const sorted = (steps: readonly string[] = []) => [...steps].sort()

  it.each<[what: string, facts: Facts, steps: string[], refused: string[], isRunning: boolean]>([
    ['everywhere', BEFORE, [...writes(...ALL, BANS, NAMES_PATH), ...SERVICE_STEPS], [], true],
    [
      'except where somebody has changed a file',
      withFile(BEFORE, HOSTS_ALLOW, (text) => text.replace(OLD, '192.0.2.99')),
      [...writes(IGNORE_LIST, JAIL, BANS, NAMES_PATH), ...SERVICE_STEPS],
      [HOSTS_ALLOW],
      true,
    ],
    [
      'and nothing else that differs from config.env',
      withFile(BEFORE, '/etc/default/portsentry', () => 'TCP_MODE="tcp"\n'),
      [...writes(...ALL, BANS, NAMES_PATH), ...SERVICE_STEPS],
      [],
      false,
    ],
    [
      'without starting a daemon that an admin has stopped',
      withLive(BEFORE, { daemons: BEFORE.live?.daemons.filter(({ service }) => service !== 'portsentry') ?? [] }),
      [...writes(...ALL, BANS, NAMES_PATH), 'load-bans', 'reload fail2ban'],
      [],
      false,
    ],
    [
      'which is banned',
      withLive(BEFORE, { jailed: jailed(NEW) }),
      [...writes(...ALL, BANS, NAMES_PATH), ...SERVICE_STEPS, `release ${NEW}`],
      [],
      true,
    ],
  ])('%s', (_, facts, steps, refused, isRunning) => {
    const found = refreshed(saying(facts, NEW))
    expect({ ...found, steps: sorted(found?.steps) }).toEqual({ steps: sorted(withRules(steps, found?.steps)), refused, isRunning })
  }) // biome-ignore format: a table
})

/** The rules of the ban set name the protected networks, too. */
const withRules = (steps: readonly string[], found: readonly string[] = []): string[] => [
  ...steps,
  ...found.filter((step) => step.startsWith('write /etc/portward/') && !steps.includes(step)),
]

test('nothing where config.env names other hosts than the last apply', () => {
  const settings = settingsOf(`${LAN}WHITELIST="${NAME} office.example.net"\n`)
  const names = {
    byName: new Map([NAME, 'office.example.net'].map((name) => [name, hostsOf(NEW)])),
    ofNobody: [],
  }
  const found = refreshed(withLive(BEFORE, { names }), settings)
  expect(found?.steps).toEqual([])
  expect(found?.refused).toContain(NAMES_PATH)
})

test('nothing where an answer is refused', () => {
  expect(refreshed(saying(BEFORE, '127.0.0.1'))).toBe(null)
})

describe('a service', () => {
  const before = applied(SERVICES, withFile(factsOf(), SYSLOG, () => '*.* @192.0.2.7\n'))

  it('is followed when its file changes', () => {
    const found = refreshed(withFile(before, SYSLOG, () => '*.* @192.0.2.8\n'), SERVICES)
    expect(found?.refused).toEqual([])
    expect(found?.steps).toEqual(expect.arrayContaining([...writes(IGNORE_LIST, JAIL, BANS), ...SERVICE_STEPS]))
    expect(found?.steps).not.toContain(`write ${HOSTS_ALLOW}`)
  })

  it('is not protected before an apply', () => {
    const plain = withFile(applied(settingsOf(LAN), factsOf()), SYSLOG, () => '*.* @192.0.2.8\n')
    expect(refreshed(plain, SERVICES)).toMatchObject({ steps: [], refused: expect.arrayContaining([NAMES_PATH]) })
  })
}) // biome-ignore format: long lines
