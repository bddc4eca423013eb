import { describe, expect, it } from 'vitest'
import { parseNetwork } from '../../src/network.ts'
import { plan } from '../../src/plan/planner.ts'
import type { LiveFacts } from '../../src/policy/facts.ts'
import { factsOf, LAN, NATIVE, settingsOf } from '../plan/live.ts'

const STEALTH = 'TCP_MODE=stcp\nUDP_MODE=sudp\n'

const planned = (config: string, live: Partial<LiveFacts>, is2x = false) =>
  plan(
    settingsOf(LAN + (is2x ? STEALTH : '') + config),
    factsOf({ live, ...(is2x ? { portsentry: NATIVE } : {}) }),
  )

describe('who could be locked out', () => {
  const [office, train, six] = ['198.51.100.7', '203.0.113.77', '2001:db8::7']
  it.each<[string, string[], string, boolean, string[]]>([
    ['nobody', [], '', false, []],
    ['a client in the LAN', ['192.168.1.20'], '', false, []],
    ['two clients, in their order', [train, office], '', false, [train, office]],
    ['one of them protected', [train, office], `WHITELIST=${train}\n`, false, [office]],
    ['both, by a network', [train, office], 'WHITELIST=203.0.113.0/24,198.51.100.0/24\n', false, []],
    ['an IPv6 client, which 1.2 does not see', [six], '', false, []],
    ['and 2.x does', [six], '', true, [six]],
    ['a link-local one', ['fe80::7'], '', true, []],
    ['nobody, where nobody is banned', [office], 'OBSERVE_ONLY=1\n', false, []],
  ])('%s', (_, sshClients, config, is2x, expected) => {
    const { problems } = planned(config, { sshClients }, is2x)
    const found = problems.filter(({ code }) => code === 'ssh-client')
    expect(found.map(({ hint }) => hint)).toEqual(expected.map((address) => `add ${address} to WHITELIST`))
    expect(found.every(({ severity }) => severity === 'warning')).toBe(true)
  })
})

const hosts = (...texts: string[]) => texts.flatMap((text) => parseNetwork(text) ?? [])

it('protects gateways where a tree is all there is, too: they are in their own file', () => {
  const first = planned('', { gateways: hosts('203.0.113.254') }).plan
  const texts = Object.fromEntries(
    (first?.steps ?? []).flatMap((step) => (step.kind === 'write' ? [[step.path, step.after]] : [])),
  )
  expect(Object.keys(texts)).toHaveLength(6)
  expect(plan(settingsOf(LAN), factsOf({ texts, live: null })).plan?.steps).toEqual([])
})

describe('IPv6 networks that nobody has said anything about', () => {
  it.each<[what: string, addresses: string[], warned: string[]]>([
    ['beside a private IPv4 network', ['192.168.1.10/24', '2001:db8:1::7/64'], ['2001:db8:1::/64']],
    ['beside a public one', ['203.0.113.1/24', '2001:db8:1::7/64'], []],
    ['beside a public address without a network', ['203.0.113.1/32', '2001:db8:1::7/64'], []],
    ['beside both', ['203.0.113.1/24', '10.0.0.7/8', '2001:db8:1::7/64'], ['2001:db8:1::/64']],
    ['beside none', ['2001:db8:1::7/64'], ['2001:db8:1::/64']],
    ['a unique local one', ['203.0.113.1/24', 'fd00:1::7/64'], ['fd00:1::/64']],
  ])('%s', (_what, addresses, warned) => {
    const topology = {
      interfaces: [{ name: 'eth0', addresses: hosts(...addresses), isVirtual: false }],
      routes: [],
    }
    const { problems } = planned('', { topology }, true)
    const found = problems
      .filter(({ code }) => code === 'ipv6-lan')
      .map(({ message }) => message.split(',')[0])
    expect(found).toEqual(warned.map((network) => `this server is on ${network}`))
  })
})
