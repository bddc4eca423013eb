import { expect, it } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import { describeStep } from '../../src/plan/words.ts'
import { ACTION, BAN_ACTION, BANS_CONF, LOADER } from '../../src/policy/ban-set.ts'
import { JAIL } from '../paths.ts'
import { factsOf, LAN, settingsOf } from './live.ts'

const LOCAL = '/etc/fail2ban/jail.local'

const jail = factsOf().files.get(JAIL)?.text ?? ''

type Changes = Parameters<typeof factsOf>[0]

/** What is done with fail2ban. */
const fail2banSteps = (changes: Changes): string[] =>
  (plan(settingsOf(`${LAN}BAN_TARGET=DROP\n`), factsOf(changes)).plan?.steps ?? [])
    .filter((step) => (step.kind === 'restart' || step.kind === 'reload') && step.service === 'fail2ban')
    .map(describeStep)

const written = (from: string, to: string) => ({ texts: { [JAIL]: jail.replace(from, to) } })
const newer = { modifiedMs: { [LOCAL]: 12_000 } }

const TABLE: [string, Changes, string[]][] = [
  ['another ban time', written('bantime = 1d', 'bantime = 1h'), [`reload   fail2ban: ${JAIL} changes`]],
  [
    'everything that a reload sets',
    {
      texts: {
        [JAIL]: jail
          .replace(/^ignoreip = .*/m, 'ignoreip = 127.0.0.1')
          .replace('findtime = 10m', '')
          .replace('maxretry = 1', 'maxretry = 5')
          .replace('bantime.increment = true', 'bantime.increment = false')
          .replace('portsentry.history', 'x'),
      },
    },
    [`reload   fail2ban: ${JAIL} changes`],
  ],
  ...[BANS_CONF, LOADER].map((path): [string, Changes, string[]] => [
    `what portward's action loads: ${path}`,
    { texts: { [path]: '# of before\n' } },
    [`reload   fail2ban: ${path} changes`],
  ]),
  [
    "portward's action, whose class the server has loaded",
    { texts: { [ACTION]: '# of before\n' } },
    [`restart  fail2ban: ${ACTION} changes`],
  ],
  [
    'another action',
    written(`banaction = ${BAN_ACTION}`, 'banaction = x'),
    [`restart  fail2ban: ${JAIL} changes`],
  ],
  [
    'an action that the jail has beside',
    written('banaction', 'action = x\nbanaction'),
    [`restart  fail2ban: ${JAIL} changes`],
  ],
  ['another filter', written('filter = portsentry', 'filter = x'), [`restart  fail2ban: ${JAIL} changes`]],
  ['another backend', written('backend = polling', 'backend = auto'), [`restart  fail2ban: ${JAIL} changes`]],
  [
    'a jail that was off',
    written('enabled = true', 'enabled = false'),
    [`restart  fail2ban: ${JAIL} changes`],
  ],
  ['a file that nobody could read', written('[portsentry]', ''), [`restart  fail2ban: ${JAIL} changes`]],
  ['no file before', { texts: { [JAIL]: null } }, [`restart  fail2ban: ${JAIL} changes`]],
  [
    'a jail that is not loaded',
    { ...written('bantime = 1d', 'bantime = 1h'), live: { jails: ['sshd'] } },
    [`restart  fail2ban: ${JAIL} changes`],
  ],
  [
    'somebody else than root, who may not ask',
    { ...written('bantime = 1d', 'bantime = 1h'), live: { jails: null, asRoot: false } },
    [`reload   fail2ban: ${JAIL} changes`],
  ],
  [
    'a server that does not answer',
    { ...written('bantime = 1d', 'bantime = 1h'), live: { jails: null } },
    [`restart  fail2ban: ${JAIL} changes`],
  ],
  [
    "somebody's file that was not read yet",
    { ...newer, texts: { [JAIL]: jail.replace('bantime = 1d', 'bantime = 1h'), [LOCAL]: '' } },
    [`restart  fail2ban: ${JAIL} changes`],
  ],
  [
    'a file that was read again since the start',
    { modifiedMs: { [JAIL]: 12_000 }, live: { reloadedMs: 12_500 } },
    [],
  ],
  [
    'one that was changed after that',
    { modifiedMs: { [JAIL]: 13_000 }, live: { reloadedMs: 12_500 } },
    [`restart  fail2ban: started before ${JAIL} was changed`],
  ],
]

it.each(TABLE)('%s', (_, changes, expected) => {
  expect(fail2banSteps(changes)).toEqual(expected)
})
