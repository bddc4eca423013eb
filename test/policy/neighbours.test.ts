import { describe, expect, it } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import { type Neighbours, readUfw } from '../../src/policy/neighbours.ts'
import { renderProblem } from '../../src/problem.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

/** As Debian's package installs them. */
const ON = '# /etc/ufw/ufw.conf\nENABLED=yes\nLOGLEVEL=low\n'
const DEFAULTS = 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nMANAGE_BUILTINS=no\n'

describe('ufw', () => {
  it.each<[string, string, ReturnType<typeof readUfw>]>([
    ['', '', null],
    ['ENABLED=no\n', DEFAULTS, null],
    ['#ENABLED=yes\n', DEFAULTS, null],
    [ON, DEFAULTS, { drops: true, emptiesInput: false }],
    ['ENABLED="YES"\n', DEFAULTS, { drops: true, emptiesInput: false }],
    [ON, `${DEFAULTS}MANAGE_BUILTINS=yes\n`, { drops: true, emptiesInput: true }],
    [ON, `${DEFAULTS}DEFAULT_INPUT_POLICY=ACCEPT\n`, { drops: false, emptiesInput: false }],
    [ON, '', { drops: true, emptiesInput: false }],
  ])('%j, %j', (conf, defaults, expected) => expect(readUfw(conf, defaults)).toEqual(expected))
})

const NONE: Neighbours = { ufw: null, firewalld: false, docker: false }
const ufw = (emptiesInput = false, drops = false): Partial<Neighbours> => ({ ufw: { drops, emptiesInput } })
const NATIVE = { version: '2.0.7-1', files: ['/usr/lib/systemd/system/portsentry.service'] }
const STEALTH = 'TCP_MODE=stcp\nUDP_MODE=sudp\n'

const KEPT = /^\/etc\/ufw\/ufw\.conf: warning: ufw is on: bans go before its rules/
const TAKEN =
  /^\/etc\/default\/ufw: warning: ufw empties INPUT .* — set MANAGE_BUILTINS=no there, or BAN_BACKEND=nft/
const FLUSHED =
  /^\/etc\/firewalld: warning: firewalld empties the tables of iptables .* — set BAN_BACKEND=nft/
const BLIND = (path: string, how: RegExp) =>
  new RegExp(`^${path.replaceAll('.', '\\.')}: warning: ${how.source}.* scans stay unnoticed — `)

const CASES: [string, Partial<Neighbours>, string, RegExp[]][] = [
  ['nobody', {}, '', []],
  ['ufw', ufw(), '', [KEPT]],
  ['ufw that manages the chains', ufw(true), '', [TAKEN]],
  ['the same, bans elsewhere', ufw(true), 'BAN_BACKEND=nft\n', [KEPT]],
  ['the same, the jail in INPUT', ufw(true), 'BAN_BACKEND=nft\nBANACTION=iptables-allports\n', [TAKEN]],
  ['ufw that drops', ufw(false, true), '', [BLIND('/etc/ufw/ufw.conf', /ufw drops/), KEPT]],
  ['firewalld', { firewalld: true }, '', [BLIND('/etc/firewalld', /firewalld rejects/), FLUSHED]],
  [
    'firewalld, bans in a table of their own',
    { firewalld: true },
    'BAN_BACKEND=nft\n',
    [BLIND('/etc/firewalld', /firewalld rejects/)],
  ],
  ['docker, whose published ports are covered', { docker: true }, '', []],
  ['all of them, nobody banned', { ...ufw(true), docker: true }, 'OBSERVE_ONLY=1\n', []],
  ['all of them, no backend', { ...ufw(true), docker: true }, 'BAN_BACKEND=none\n', []],
]

const CODES = new Set(['blind-portsentry', 'ufw', 'firewalld'])

const warnings = (changes: Parameters<typeof factsOf>[0], config: string): string[] =>
  plan(settingsOf(LAN + config), factsOf(changes))
    .problems.filter(({ code }) => CODES.has(code))
    .map(renderProblem)

it.each(CASES)('tells what it means for bans: %s', (_, present, config, expected) => {
  const found = warnings({ live: { neighbours: { ...NONE, ...present } } }, config)
  expect(found).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
})

it.each([
  ['ACCEPT', {}, []],
  ['DROP', {}, [BLIND('iptables -S INPUT', /INPUT drops/)]],
  // Said once, and by its name.
  ['DROP', ufw(false, true), [BLIND('/etc/ufw/ufw.conf', /ufw drops/), KEPT]],
])('tells that 1.2 is blind behind INPUT %s', (inputPolicy, present, expected) => {
  const found = warnings({ live: { inputPolicy, neighbours: { ...NONE, ...present } } }, '')
  expect(found).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
})

it('says nothing of the kind of 2.x, which sees packets before netfilter does, nor of a tree', () => {
  const neighbours = { ...NONE, ...ufw(false, true), firewalld: true }
  const found = warnings({ portsentry: NATIVE, live: { inputPolicy: 'DROP', neighbours } }, STEALTH)
  expect(found).toEqual([KEPT, FLUSHED].map((pattern) => expect.stringMatching(pattern)))
  expect(warnings({ live: null }, '')).toEqual([])
})
