import { describe, expect, it } from 'vitest'
import { type FirewallManagers, parseUfw } from '../../src/facts/firewall-managers.ts'
import { plan } from '../../src/plan/planner.ts'
import { ADDRESSES_PATH } from '../../src/policy/server-addresses.ts'
import { renderProblem } from '../../src/problem.ts'
import { factsOf, LAN, NATIVE, settingsOf } from '../plan/live.ts'

/** As Debian's package installs them. */
const ON = '# /etc/ufw/ufw.conf\nENABLED=yes\nLOGLEVEL=low\n'
const DEFAULTS = 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nMANAGE_BUILTINS=no\n'

describe('ufw', () => {
  it.each<[string, string, ReturnType<typeof parseUfw>]>([
    ['', '', null],
    ['ENABLED=no\n', DEFAULTS, null],
    ['#ENABLED=yes\n', DEFAULTS, null],
    [ON, DEFAULTS, { drops: true, emptiesInput: false }],
    ['ENABLED="YES"\n', DEFAULTS, { drops: true, emptiesInput: false }],
    [ON, `${DEFAULTS}MANAGE_BUILTINS=yes\n`, { drops: true, emptiesInput: true }],
    [ON, `${DEFAULTS}DEFAULT_INPUT_POLICY=ACCEPT\n`, { drops: false, emptiesInput: false }],
    [ON, '', { drops: true, emptiesInput: false }],
  ])('%j, %j', (conf, defaults, expected) => expect(parseUfw(conf, defaults)).toEqual(expected))
})

const NONE: FirewallManagers = { ufw: null, firewalld: false, docker: false }
const ufw = (emptiesInput = false, drops = false): Partial<FirewallManagers> => ({
  ufw: { drops, emptiesInput },
})
const STEALTH = 'TCP_MODE=stcp\nUDP_MODE=sudp\n'

const KEPT = /^\/etc\/ufw\/ufw\.conf: warning: ufw is active: bans come before its rules/
const TAKEN =
  /^\/etc\/default\/ufw: warning: ufw empties INPUT .*: bans are restored within a minute — set MANAGE_BUILTINS=no there, or BAN_BACKEND=nft/
const JAIL_TAKEN =
  /^\/etc\/default\/ufw: warning: ufw empties INPUT .*: the bans of iptables-allports are lost until fail2ban is restarted — set MANAGE_BUILTINS=no there, or BANACTION=nftables-allports/
const FLUSHED =
  /^\/etc\/firewalld: warning: firewalld empties the tables of iptables .*: bans are restored within a minute — set BAN_BACKEND=nft/
const RULES_FLUSHED =
  /^\/etc\/firewalld: .*: the rules of KILL_ROUTE are lost — set a KILL_ROUTE that uses nft/
const BLIND = (path: string, how: RegExp) =>
  new RegExp(
    `^${path.replaceAll('.', '\\.')}: warning: ${how.source}.* scans of such ports are not noticed — `,
  )

const CASES: [string, Partial<FirewallManagers>, string, RegExp[]][] = [
  ['nobody', {}, '', []],
  ['ufw', ufw(), '', [KEPT]],
  ['ufw that manages the chains, which leaves the table raw alone', ufw(true), '', [KEPT]],
  ['the same, a target that needs the table filter', ufw(true), 'BAN_TARGET=REJECT\n', [TAKEN]],
  ['the same, bans elsewhere', ufw(true), 'BAN_BACKEND=nft\n', [KEPT]],
  ['the same, the jail in INPUT', ufw(true), 'BAN_BACKEND=nft\nBANACTION=iptables-allports\n', [JAIL_TAKEN]],
  ['ufw that drops', ufw(false, true), '', [BLIND('/etc/ufw/ufw.conf', /ufw drops/), KEPT]],
  ['firewalld', { firewalld: true }, '', [BLIND('/etc/firewalld', /firewalld rejects/), FLUSHED]],
  [
    'firewalld, bans in a table of their own',
    { firewalld: true },
    'BAN_BACKEND=nft\n',
    [BLIND('/etc/firewalld', /firewalld rejects/)],
  ],
  [
    'firewalld, a command of their own besides',
    { firewalld: true },
    `BAN_BACKEND=nft\nKILL_ROUTE='iptables -I INPUT -s $TARGET$ -j DROP'\n`,
    [BLIND('/etc/firewalld', /firewalld rejects/), RULES_FLUSHED],
  ],
  [
    'firewalld, a command that does not use iptables',
    { firewalld: true },
    `BAN_BACKEND=nft\nKILL_ROUTE='ip route add blackhole $TARGET$'\n`,
    [BLIND('/etc/firewalld', /firewalld rejects/)],
  ],
  ['docker, whose published ports are covered', { docker: true }, '', []],
  ['all of them, nobody banned', { ...ufw(true), docker: true }, 'OBSERVE_ONLY=1\n', []],
  ['all of them, no backend', { ...ufw(true), docker: true }, 'BAN_BACKEND=none\n', []],
]

const CODES = new Set(['blind-portsentry', 'ufw', 'firewalld'])

/** As before the first apply: what lasts is said then. */
const FIRST = { [ADDRESSES_PATH]: null }

const warnings = (changes: NonNullable<Parameters<typeof factsOf>[0]>, config: string): string[] =>
  plan(settingsOf(LAN + config), factsOf({ texts: FIRST, ...changes }))
    .problems.filter(({ code }) => CODES.has(code))
    .map(renderProblem)

it.each(CASES)('tells what it means for bans: %s', (_, present, config, expected) => {
  const found = warnings({ live: { firewallManagers: { ...NONE, ...present } } }, config)
  expect(found).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
})

it.each([
  ['ACCEPT', {}, []],
  ['DROP', {}, [BLIND('iptables -S INPUT', /INPUT drops/)]],
  // Said once, and by its name.
  ['DROP', ufw(false, true), [BLIND('/etc/ufw/ufw.conf', /ufw drops/), KEPT]],
])('tells that 1.2 is blind behind INPUT %s', (inputPolicy, present, expected) => {
  const found = warnings({ live: { inputPolicy, firewallManagers: { ...NONE, ...present } } }, '')
  expect(found).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
})

it('says nothing of the kind of 2.x, which sees packets before netfilter does, nor of a tree', () => {
  const firewallManagers = { ...NONE, ...ufw(false, true), firewalld: true }
  const found = warnings({ portsentry: NATIVE, live: { inputPolicy: 'DROP', firewallManagers } }, STEALTH)
  expect(found).toEqual([KEPT, FLUSHED].map((pattern) => expect.stringMatching(pattern)))
  expect(warnings({ live: null }, '')).toEqual([])
})

it('says on every run only what a line of config.env changes', () => {
  const firewallManagers = { ...NONE, ...ufw(true, true), firewalld: true }
  const applied = { texts: {}, live: { inputPolicy: 'DROP', firewallManagers } }
  expect(warnings(applied, 'BAN_TARGET=REJECT\n')).toEqual(
    [TAKEN, FLUSHED].map((pattern) => expect.stringMatching(pattern)),
  )
  expect(warnings(applied, 'BAN_BACKEND=nft\n')).toEqual([])
})
