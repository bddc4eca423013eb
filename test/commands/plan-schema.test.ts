import { expect, it } from 'vitest'
import { problemAsJson } from '../../src/commands/output.ts'
import type { Step } from '../../src/plan/plan.ts'
import { plan } from '../../src/plan/planner.ts'
import { planAsJson } from '../../src/plan/render.ts'
import { BANS_UNIT } from '../../src/policy/ban-set.ts'
import type { PendingConfirmation } from '../../src/policy/confirmation.ts'
import type { Problem } from '../../src/problem.ts'
import { PROBLEM_CODES } from '../../src/problem-codes.ts'
import { faults, schemaOf } from '../documents.ts'
import { JAIL } from '../paths.ts'
import { factsOf, jailed, LAN, settingsOf } from '../plan/live.ts'
import { document } from './plan-document.ts'

type FactsChanges = Parameters<typeof factsOf>[0]

const planned = (changes: FactsChanges, config = LAN, pending: PendingConfirmation | null = null) => {
  const result = plan(settingsOf(config), factsOf(changes))
  if (result.plan === null) throw new Error(JSON.stringify(result.problems))
  return document({ ...planAsJson(result.plan, pending), problems: result.problems.map(problemAsJson) })
}

const kindsOf = (printed: Record<string, unknown>) =>
  (printed['steps'] as readonly { kind: string }[]).map(({ kind }) => kind)

it.each<[string, FactsChanges, readonly string[]]>([
  ['in sync', {}, []],
  ['a missing history', { texts: { '/var/lib/portsentry/portsentry.history': null } }, ['touch']],
  ['other bytes', { texts: { '/etc/default/portsentry': 'TCP_MODE="tcp"\n' } }, ['write', 'restart']],
  [
    'a longer ban',
    { texts: { [JAIL]: (factsOf().files.get(JAIL)?.text ?? '').replace('bantime = 1d', 'bantime = 1h') } },
    ['write', 'reload'],
  ],
  ['bytes that are not UTF-8', { texts: { '/etc/hosts.allow': '# caf\xe9\n' } }, ['write']],
  [
    'a file of no use',
    { texts: { '/etc/fail2ban/jail.d/portward-sshd.local': 'x\n' } },
    ['remove', 'restart'],
  ],
  ['a unit that does not start at boot', { live: { enabled: new Set(['fail2ban']) } }, ['enable']],
  [
    'a unit of another release',
    { live: { enabled: new Set(['portsentry', 'portsentry@tcp', 'fail2ban', BANS_UNIT]) } },
    ['disable'],
  ],
  ['rules that are not in force', { live: { hasBanSet: false } }, ['load-bans']],
  ['daemons that do not run', { live: { daemons: [] } }, ['restart', 'restart']],
  ['a protected host that is banned', { live: { jailed: jailed('192.168.1.20') } }, ['release']],
  [
    'packages that are missing',
    {
      packages: new Map(),
      installs: [
        { name: 'portsentry', version: '1.2-14+b1', download: 70_976 },
        { name: 'fail2ban', version: '1.0.2-2', download: 451_040 },
      ],
    },
    ['preseed', 'install'],
  ],
  ['no root', { live: { asRoot: false, hasBanSet: null, bans: null }, notes: ['not root'] }, []],
])('a plan for %s is as the schema says', (_, changes, kinds) => {
  const printed = planned(changes)
  expect(kindsOf(printed)).toEqual(expect.arrayContaining([...kinds]))
  expect(faults(printed)).toBe('')
})

it.each([
  { generation: 3, leftMs: 251_001 },
  { generation: 3, leftMs: 0 },
  { generation: null, leftMs: null },
])('a plan in sync that is waiting for confirmation is as the schema says: %j', (pending) => {
  const printed = planned({}, LAN, pending)
  expect(printed).toMatchObject({ inSync: true, confirmation: { command: 'portward confirm' } })
  expect(faults(printed)).toBe('')
})

it('an inexact plan is as the schema says', () => {
  const printed = planned({ packages: new Map(), installs: null, unknown: ['E: Paket »x« fehlt'] })
  expect(printed).toMatchObject({ inSync: false, steps: [] })
  expect(faults(printed)).toBe('')
})

const problem = (changes: Partial<Problem> = {}): Problem => ({
  severity: 'error',
  code: 'bad-value',
  message: 'is wrong',
  hint: 'fix it',
  at: { path: '/root/config.env', line: 1 },
  ...changes,
})

const refusal = (...problems: readonly Problem[]) => document({ problems: problems.map(problemAsJson) })

const IN_SYNC = planned({})

it.each([
  ['a problem with a line', refusal(problem())],
  ['a problem without', refusal(problem({ at: { path: 'environment' } }))],
  ['a warning beside it', refusal(problem({ severity: 'warning' }), problem())],
  ['a failure', document({ error: { message: 'cannot read', hint: 'run as root' } })],
])('%s is as the schema says', (_, printed) => {
  expect(faults(printed)).toBe('')
})

const withStep = (step: object) => ({ ...IN_SYNC, inSync: false, steps: [step] })
const WRITE = { kind: 'write', path: '/etc/x', reasons: ['why'], created: true, mode: '644', diff: '+x' }

it('takes the step that the refused ones are made from', () => {
  expect(faults(withStep(WRITE))).toBe('')
})

it.each([
  ['an unknown kind of step', withStep({ kind: 'reboot' })],
  ['a step with a field too many', withStep({ ...WRITE, more: 1 })],
  ['a step without its diff', withStep({ ...WRITE, diff: undefined })],
  ['a new file without its mode', withStep({ ...WRITE, mode: undefined })],
  ['an old file with one', withStep({ ...WRITE, created: false })],
  ['a relative path', withStep({ ...WRITE, path: 'etc/x' })],
  ['another version', { ...IN_SYNC, version: 1 }],
  ['another command', { ...IN_SYNC, command: 'apply' }],
  ['another field', { ...IN_SYNC, more: 1 }],
  ['an unknown release', { ...IN_SYNC, release: 'native-3' }],
  ['a plan that has failed, too', { ...IN_SYNC, error: { message: 'x', hint: 'y' } }],
  ['no plan and nothing wrong', refusal()],
  ['no plan over a warning', refusal(problem({ severity: 'warning' }))],
  ['an unknown code', document({ problems: [{ ...problemAsJson(problem()), code: 'bad value' }] })],
  ['line 0', refusal(problem({ at: { path: '/x', line: 0 } }))],
])('refuses %s', (_, printed) => {
  expect(faults(printed)).not.toBe('')
})

it('has every code of a problem', () => {
  expect(schemaOf('common').$defs.problem.properties.code.enum).toEqual(Object.keys(PROBLEM_CODES))
})

// A new kind of step has to be in the schema, or this does not compile.
const KINDS = {
  preseed: true,
  install: true,
  write: true,
  touch: true,
  remove: true,
  enable: true,
  disable: true,
  'start-timer': true,
  'load-bans': true,
  'remove-bans': true,
  'hand-over-bans': true,
  'remove-ban-program': true,
  restart: true,
  reload: true,
  release: true,
} satisfies Record<Step['kind'], true>

const { $defs } = schemaOf('plan')

const kindsInSchema = ($defs.step.oneOf as { $ref: string }[]).flatMap(({ $ref }) => {
  const { kind } = $defs[$ref.replace('#/$defs/', '')].properties
  return kind.const === undefined ? kind.enum : [kind.const]
})

it('the schema knows every kind of step', () => {
  expect(kindsInSchema.sort()).toEqual(Object.keys(KINDS).sort())
})
