import { expect, it } from 'vitest'
import { plan } from '../../src/plan/planner.ts'
import { describeStep } from '../../src/plan/render.ts'
import { JAIL } from '../paths.ts'
import { factsOf, LAN, settingsOf } from './live.ts'

const ACTION = '/etc/fail2ban/action.d/portward.conf'
const LOCAL = '/etc/fail2ban/jail.local'

const jail = factsOf().files.get(JAIL)?.text ?? ''
const action = factsOf().files.get(ACTION)?.text ?? ''

type Changes = Parameters<typeof factsOf>[0]

/** What is done with fail2ban. */
const fail2banSteps = (changes: Changes): string[] =>
  (plan(settingsOf(`${LAN}BAN_TARGET=DROP\n`), factsOf(changes)).plan?.steps ?? [])
    .filter((step) => (step.kind === 'restart' || step.kind === 'reload') && step.service === 'fail2ban')
    .map(describeStep)

const written = (from: string, to: string) => ({ texts: { [JAIL]: jail.replace(from, to) } })
const newer = { modifiedMs: { [LOCAL]: 12_000 } }
const held = Array.from({ length: 20_000 }, (_, index) => `198.18.${index >> 8}.${index & 255}`)

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
  [
    "the commands of portward's action",
    { texts: { [ACTION]: action.replace('actionflush', 'actionflushed') } },
    [`reload   fail2ban: ${ACTION} changes`],
  ],
  [
    'another action',
    written('banaction = portward', 'banaction = x'),
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
    { modifiedMs: { [JAIL]: 12_000 }, live: { reread: new Map([[JAIL, 12_000]]) } },
    [],
  ],
  [
    'one that was changed after that',
    { modifiedMs: { [JAIL]: 13_000 }, live: { reread: new Map([[JAIL, 12_000]]) } },
    [`restart  fail2ban: started before ${JAIL} was changed`],
  ],
  [
    'one that was put back to what it was before',
    { live: { reread: new Map([[JAIL, 12_000]]) } },
    [`restart  fail2ban: started before ${JAIL} was changed`],
  ],
  [
    'a restart with few bans',
    { ...newer, texts: { [LOCAL]: '' }, live: { banned: ['198.51.100.9'] } },
    [`restart  fail2ban: started before ${LOCAL} was changed`],
  ],
  [
    'a restart with many bans',
    { ...newer, texts: { [LOCAL]: '' }, live: { banned: held } },
    [
      `restart  fail2ban: started before ${LOCAL} was changed; it then bans the 20000 hosts that it holds again, which takes 7 to 84 min`,
    ],
  ],
]

it.each(TABLE)('%s', (_, changes, expected) => {
  expect(fail2banSteps(changes)).toEqual(expected)
})
