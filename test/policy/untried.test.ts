import { expect, it } from 'vitest'
import { KEYS_2 } from '../../src/documents/portsentry-conf.ts'
import type { Answer, Inquiry } from '../../src/facts/portsentry-inquiry.ts'
import { plan } from '../../src/plan/planner.ts'
import { findRelease } from '../../src/policy/find-release.ts'
import { native2 } from '../../src/policy/releases/native-2.ts'
import { questions } from '../../src/policy/untried.ts'
import { renderProblem } from '../../src/problem.ts'
import { checkConfiguration } from '../../src/verify/configuration-checks.ts'
import { CONF } from '../paths.ts'
import { factsOf, LAN, NATIVE, settingsOf } from '../plan/live.ts'
import { type Changes, examined } from '../verify/servers.ts'

/** A package laid out as 2.0.7's. */
const later = (version: string) => ({ ...NATIVE, version })

/** What a daemon said that knows all keys and options of 2.0 except `unknown`, and those that are new. */
const answered = (unknown: readonly string[] = [], news: readonly string[] = []): Inquiry => {
  const answer = (name: string): [string, Answer] => [name, unknown.includes(name) ? 'refused' : 'accepted']
  return {
    keys: new Map([...KEYS_2, ...news, ...unknown].map(answer)),
    options: new Map(['--connect'].map(answer)),
  }
}

it.each([
  ['2.0.7-1', 'native-2'],
  ['2.0.12-1', 'native-2'],
  ['2.1.0-1', 'native-2'],
  ['2.10~rc1-1', 'native-2'],
  ['3.0-1', 'native-2'],
  ['1.3-1', 'unsupported-release'],
  ['0.9-1', 'unsupported-release'],
])('portsentry %s: %s', (version, expected) => {
  const found = findRelease(factsOf({ portsentry: later(version) }))
  expect('code' in found ? found.code : found.name).toBe(expected)
})

it('is not supported if it is laid out in another way', () => {
  const found = findRelease(factsOf({ portsentry: { version: '2.1.0-1', files: ['/usr/sbin/portsentry'] } }))
  expect(found).toMatchObject({ code: 'unsupported-release' })
})

const TEXT = 'IGNORE_FILE="/etc/portsentry/portsentry.ignore"\n'
const conf = (text: string) => ({ '/etc/portsentry/portsentry.ignore': '', [CONF]: text })

it('asks about all keys of 2.0, and those of its file that 2.0 does not have', () => {
  const text = `${TEXT}NEW_KEY="5"\nNEW_KEY="6"\nKILL_R="x"\n# OLD="1"\nADVANCED_PORTS_TCP="1024"\nlower="1"\n`
  const { lines, options } = questions(factsOf({ texts: conf(text) }), native2)
  expect(lines).toHaveLength(KEYS_2.length + 1)
  expect(lines.filter((line) => line.includes('_FILE'))).toEqual([
    'BLOCKED_FILE="/dev/null"',
    'HISTORY_FILE="/dev/null"',
    'IGNORE_FILE="/dev/null"',
  ])
  expect(lines.at(-1)).toBe('NEW_KEY="1"')
  expect(options).toEqual(['--connect'])
})

/** Problems of a portsentry 2.1.0 that concern what it accepts. */
const told = (changes: Changes, config = '', text = TEXT): string[] => {
  const facts = factsOf({ portsentry: later('2.1.0-1'), texts: conf(text), ...changes })
  return plan(settingsOf(LAN + config), facts)
    .problems.filter(({ code }) =>
      ['not-in-this-release', 'untried-portsentry', 'refused-line'].includes(code),
    )
    .map(renderProblem)
}

const UNTRIED = `${CONF}: warning: portward was not tried with portsentry 2.1.0-1: `
const VERIFY = ' — portward verify shows whether scanners are banned'

it.each<[string, Changes, string, RegExp]>([
  ['all accepted', { inquiry: answered() }, '', /: it accepts all \d+ keys and options that portward needs/],
  ['not needed', { inquiry: answered(['PORT_BANNER', '--connect']) }, '', /: it accepts all \d+ keys/],
  [
    'one without an answer',
    { inquiry: { ...answered(), keys: withoutKey('KILL_ROUTE') } },
    '',
    /KILL_ROUTE was not checked: it gave no clear answer/,
  ],
  [
    'no answer',
    { inquiry: { keys: new Map(), options: new Map() } },
    '',
    /accepts its keys and options was not checked: it gave no/,
  ],
  ['not there yet', {}, '', /was not checked: it is not installed yet/],
  ['a tree', { inquiry: null, live: null }, '', /was not checked: only files were read/],
])('%s: a warning', (_, changes, config, expected) => {
  const [line = '', ...others] = told(changes, config)
  expect(others).toEqual([])
  expect(line.startsWith(UNTRIED)).toBe(true)
  expect(line.endsWith(VERIFY)).toBe(true)
  expect(line).toMatch(expected)
})

function withoutKey(key: string): ReadonlyMap<string, Answer> {
  return new Map([...answered().keys].filter(([name]) => name !== key))
}

it('says nothing about versions that it was tried with', () => {
  expect(told({ portsentry: NATIVE })).toEqual([])
})

const LACKS = 'portsentry 2.1.0-1 does not know the'

it('is refused where a key or an option is missing that portward needs, and only there', () => {
  const inquiry = answered(['KILL_ROUTE', 'PORT_BANNER', '--connect'])
  const earlier = 'nothing was changed; install an earlier portsentry, or a portward that knows this one'
  const route = `${CONF}: ${LACKS} key KILL_ROUTE, which portward needs — ${earlier}`
  expect(told({ inquiry })).toEqual([route])
  expect(told({ inquiry }, 'PORT_BANNER=hello\n')).toEqual([
    `config.env:3: ${LACKS} key PORT_BANNER, which portward needs — remove PORT_BANNER`,
    route,
  ])
  expect(told({ inquiry }, 'TCP_MODE=tcp\nUDP_MODE=udp\n')).toEqual([
    route,
    `config.env:3: ${LACKS} option --connect, which portward needs — use stealth modes (stcp, atcp, sudp, audp)`,
  ])
})

it.each<[what: string, inquiry: Inquiry | null, isLeft: boolean]>([
  ['that it accepts', answered([], ['NEW_KEY']), true],
  ['that it refuses', answered(['NEW_KEY']), false],
  ['that it was not asked about', null, true],
])('a new key %s', (_, inquiry, isLeft) => {
  const facts = factsOf({
    portsentry: later('2.1.0-1'),
    texts: conf(`${TEXT}NEW_KEY="5"\n`),
    inquiry,
    ...(inquiry === null ? { live: null } : {}),
  })
  const judged = plan(settingsOf(LAN), facts)
  const step = judged.plan?.steps.find((one) => one.kind === 'write' && one.path === CONF)
  const after = step?.kind === 'write' ? step.after : ''
  expect(after.includes('\nNEW_KEY="5"\n')).toBe(isLeft)
  expect(judged.problems.some(({ code }) => code === 'refused-line')).toBe(!isLeft)
})

it.each<[Inquiry | null, string]>([
  [answered(), 'pass accepts: asked, portsentry 2.1.0-1 accepts all'],
  [answered(['KILL_ROUTE']), 'fail accepts: portsentry 2.1.0-1 does not know KILL_ROUTE'],
  [null, 'skip accepts: portsentry 2.1.0-1: whether it accepts what portward needs was not checked'],
])('what verify says: %#', (inquiry, expected) => {
  const changes = { portsentry: later('2.1.0-1'), texts: conf(TEXT), inquiry }
  const {
    desired,
    facts,
    plan: planned,
    problems,
  } = examined(inquiry === null ? { ...changes, live: null } : changes)
  const lines = checkConfiguration(desired, facts, planned, problems).map(
    ({ result, code, message }) => `${result} ${code}: ${message}`,
  )
  expect(lines.filter((line) => line.includes(' accepts: '))).toEqual([expect.stringContaining(expected)])
})
