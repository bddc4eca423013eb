import { describe, expect, it, test } from 'vitest'
import { formatCidr } from '../../src/network.ts'
import { plan } from '../../src/plan/planner.ts'
import { describeStep } from '../../src/plan/words.ts'
import { BANS_CONF } from '../../src/policy/ban-set.ts'
import { JAIL_PATH } from '../../src/policy/jail.ts'
import { decideProtectedNetworks } from '../../src/policy/protected-networks.ts'
import type { Release } from '../../src/policy/release.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
import { native2 } from '../../src/policy/releases/native-2.ts'
import {
  ADDRESSES_PATH,
  parseServerAddresses,
  renderServerAddresses,
} from '../../src/policy/server-addresses.ts'
import { renderProblem } from '../../src/problem.ts'
import { hostsOf } from '../networks.ts'
import { factsOf, ignoreList, LAN, settingsOf } from '../plan/live.ts'

type Changes = NonNullable<Parameters<typeof factsOf>[0]>

const STATIC = '/etc/portsentry/portsentry.ignore.static'
const ALWAYS = ['169.254.0.0/16', '0.0.0.0/8', '224.0.0.0/3']

const SERVER = {
  addresses: hostsOf('203.0.113.1', '2001:db8::1'),
  gateways: hostsOf('203.0.113.254', '2001:db8::fe'),
  resolvers: hostsOf('127.0.0.1', '192.0.2.53', '192.168.1.1'),
  broadcasts: hostsOf('192.168.1.255', '203.0.113.255'),
}

const protection = (release: Release, changes: Changes = { live: SERVER }, config = '') => {
  const { networks, hostsAllowNetworks, problems } = decideProtectedNetworks(
    settingsOf(LAN + config),
    factsOf(changes),
    release,
  )
  return {
    networks: networks.map(formatCidr),
    hostsAllowNetworks: hostsAllowNetworks.map(formatCidr),
    problems: problems.map(renderProblem),
  }
}

test('what a server is and depends on is protected, and what no host has; 1.2 sees IPv4 only', () => {
  const { networks, hostsAllowNetworks } = protection(sysv12)
  expect(networks).toEqual([
    ...['127.0.0.0/8', '::1/128', '192.168.1.0/24', '203.0.113.1/32', '203.0.113.254/32', '192.0.2.53/32'],
    ...['203.0.113.255/32', 'fe80::/10', ...ALWAYS],
  ])
  expect(hostsAllowNetworks).toEqual([
    ...['127.0.0.0/8', '::1/128', '192.168.1.0/24', '203.0.113.1/32', '203.0.113.254/32'],
  ])
})

test('2.x sees IPv6, too', () => {
  const { networks, hostsAllowNetworks } = protection(native2)
  expect(networks).toEqual(
    expect.arrayContaining(['2001:db8::1/128', '2001:db8::fe/128', 'fe80::/10', '::/128', 'ff00::/8']),
  )
  expect(hostsAllowNetworks).toEqual(
    expect.arrayContaining(['2001:db8::1/128', '2001:db8::fe/128', 'fe80::/10']),
  )
  expect(hostsAllowNetworks).not.toEqual(expect.arrayContaining(['ff00::/8']))
})

it('reaches every file that decides about bans', () => {
  const { plan: made } = plan(settingsOf(LAN), factsOf({ live: SERVER }))
  const after = (path: string) =>
    made?.steps.flatMap((step) => (step.kind === 'write' && step.path === path ? [step.after] : [])).join()
  for (const [path, resolver] of [
    [STATIC, /^192\.0\.2\.53\/32$/m],
    [JAIL_PATH, /^ignoreip = .* 192\.0\.2\.53 /m],
    [BANS_CONF, /^protected = .* 192\.0\.2\.53\/32 /m],
    ['/etc/portward/rules.iptables', /^-A PORTWARD -s 192\.0\.2\.53\/32 -j RETURN$/m],
    [ADDRESSES_PATH, /^resolver 192\.0\.2\.53$/m],
  ] as const) {
    expect(after(path), path).toMatch(resolver)
  }
  expect(after('/etc/hosts.allow')).not.toContain('192.0.2.53')
})

describe('name servers', () => {
  const planned = (resolvers: string[], texts: Changes['texts'] = {}) =>
    plan(settingsOf(LAN), factsOf({ live: { resolvers: hostsOf(...resolvers) }, texts })).plan

  const written = Object.fromEntries(
    (planned(['192.0.2.53'])?.steps ?? []).flatMap((step) =>
      step.kind === 'write' ? [[step.path, step.after]] : [],
    ),
  )
  // 1.2 reads the list that it builds from ours.
  const texts = { ...written, [STATIC.replace('.static', '')]: written[STATIC] ?? '' }

  it.each<[string, string[], string[]]>([
    ['the same', ['192.0.2.53'], []],
    ['none, as long as the network is down', [], []],
    [
      'another one',
      ['192.0.2.54'],
      [
        `edit     ${STATIC}: ignores your LAN 192.168.1.0/24 and 5 more networks`,
        `edit     ${JAIL_PATH}: sets ignoreip of the jail portsentry`,
        `edit     ${BANS_CONF}: settings of the ban set`,
        'edit     /etc/portward/rules.iptables: rules of the ban set',
        `edit     ${ADDRESSES_PATH}: records this server's addresses, gateways and name servers`,
      ],
    ],
  ])('%s', (_, resolvers, expected) => {
    const steps = planned(resolvers, texts)?.steps ?? []
    expect(steps.filter(({ kind }) => kind === 'write').map(describeStep)).toEqual(expected)
  })
})

describe('a tree', () => {
  const block = (...entries: string[]) =>
    `${ignoreList()}# portward: begin (from config.env, rewritten by portward apply)\n${entries.join('\n')}\n# portward: end\n`
  const planned = (texts: NonNullable<Changes['texts']>, config = '') => {
    const { plan: made, problems } = plan(settingsOf(LAN + config), factsOf({ live: null, texts }))
    const after = made?.steps.flatMap((step) =>
      step.kind === 'write' && step.path === STATIC ? [step.after] : [],
    )
    return { steps: made?.steps ?? [], after: after?.join(), problems: problems.map(renderProblem) }
  }
  const record = renderServerAddresses({
    ...SERVER,
    resolvers: hostsOf('192.0.2.53'),
    broadcasts: [],
  })

  it('lets go of hosts that WHITELIST names no more, and keeps what an apply on the server has found', () => {
    const texts = {
      [ADDRESSES_PATH]: record,
      [STATIC]: block('198.51.100.7/32', '203.0.113.1/32', '203.0.113.254/32', '192.0.2.53/32'),
    }
    const { after, problems } = planned(texts)
    expect(after).toContain('203.0.113.1/32\n203.0.113.254/32\n192.0.2.53/32\n# portward: end')
    expect(after).not.toContain('198.51.100.7')
    expect(problems).toEqual([])
    expect(planned(texts, 'WHITELIST=198.51.100.7\n').after).toBe('')
  })

  it('keeps hosts that an earlier version left unmarked, and says so', () => {
    const { steps, after, problems } = planned({
      [ADDRESSES_PATH]: null,
      [STATIC]: block('198.51.100.7/32', '203.0.113.254/32'),
    })
    expect(after).toBe('')
    expect(steps.map((step) => 'path' in step && step.path)).not.toContain(ADDRESSES_PATH)
    expect(problems).toEqual([
      `${STATIC}:7: warning: 198.51.100.7 203.0.113.254 remain protected: an earlier version did not record whether they come from WHITELIST or are this server's own addresses and gateways — run portward apply on the server itself, which knows its addresses; or delete those from this file that you removed from WHITELIST`,
    ])
  })

  it('that only config.env has filled is known from then on', () => {
    const texts = { [ADDRESSES_PATH]: null, [STATIC]: block('198.51.100.7/32') }
    const first = planned(texts, 'WHITELIST=198.51.100.7\n')
    const known = first.steps.flatMap((step) =>
      step.kind === 'write' && step.path === ADDRESSES_PATH ? [step.after] : [],
    )
    expect(known).toHaveLength(1)
    const second = planned({ ...texts, [ADDRESSES_PATH]: known[0] ?? '' })
    expect(second.after).not.toContain('198.51.100.7')
    expect(second.problems).toEqual([])
  })
})

test('the addresses that are written down are read again; loopback says nothing', () => {
  expect(parseServerAddresses(renderServerAddresses(SERVER))).toEqual({
    ...SERVER,
    resolvers: hostsOf('192.0.2.53', '192.168.1.1'),
  })
})
