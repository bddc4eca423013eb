import { expect, it } from 'vitest'
import { nextStep } from '../../src/commands/next-step.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { plan } from '../../src/plan/planner.ts'
import type { Problem } from '../../src/problem.ts'
import { withoutStyles } from '../../src/styled.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const PLAN = plan(settingsOf(LAN), factsOf({ live: { daemons: [] } })).plan as Plan
const INEXACT = { ...PLAN, inexact: ['apt has no package lists'] }
const problem = (code: Problem['code']): Problem => ({
  ...{ severity: 'warning', code, message: '', hint: '', at: { path: '' } },
})
const SSH = [problem('ssh-client')]
const PENDING = { generation: 3, leftMs: 9000 }
const ROOT = { root: '/', isRoot: true }
const TREE = { root: '/srv/my image', config: 'a/config.env', isRoot: false }

it.each<[string, Parameters<typeof nextStep>, string]>([
  ['on the server', [PLAN, [], null, ROOT], 'next: portward apply'],
  ['as another user', [PLAN, [], null, { ...ROOT, isRoot: false }], 'next, as root: portward apply'],
  [
    'with options',
    [PLAN, [problem('not-looked-at')], null, { ...ROOT, config: '/srv/config.env' }],
    'next: portward apply --config /srv/config.env',
  ],
  [
    'for a tree, whose name a shell would split',
    [PLAN, SSH, PENDING, { ...TREE, release: 'native-2' }],
    "next: portward apply --config a/config.env --root '/srv/my image' --release native-2",
  ],
  [
    'for a plan that is not exact',
    [INEXACT, [], null, ROOT],
    'next: fix what keeps the plan from being exact, then portward plan; apply refuses it until then',
  ],
  [
    'before the last apply is confirmed',
    [PLAN, [], PENDING, ROOT],
    'next: portward confirm or portward rollback; apply refuses to begin before the last apply is confirmed',
  ],
  [
    'while the last apply is rolled back',
    [PLAN, [], { ...PENDING, leftMs: 0 }, ROOT],
    'next: wait until the last apply has been rolled back',
  ],
  [
    'in an SSH session that is not protected',
    [PLAN, SSH, null, ROOT],
    'next: protect the SSH client that the warning names; portward apply refuses until then, unless with --allow-lockout',
  ],
])('the next step %s', (_, given, expected) => {
  expect(withoutStyles(nextStep(...given))).toBe(expected)
})
