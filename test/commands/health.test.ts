import { expect, it } from 'vitest'
import { judgeHealth, type Looked, renderHealth } from '../../src/commands/health.ts'
import type { ServiceStatus } from '../../src/commands/service-status.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { paint } from '../../src/styled.ts'

const planOf = (steps: number, inexact: readonly string[] = []) =>
  ({ steps: Array.from({ length: steps }), inexact }) as unknown as Plan

const PORTSENTRY: ServiceStatus = {
  name: 'portsentry',
  installed: '1.2-14',
  running: true,
  watching: true,
  watchingDetail: null,
  atBoot: true,
  fault: null,
  detail: ['-atcp', '-audp'],
}
const FAIL2BAN: ServiceStatus = {
  ...PORTSENTRY,
  name: 'fail2ban',
  watching: null,
  detail: ['sshd', 'portsentry'],
}
const HEALTHY: Looked = {
  services: [PORTSENTRY, FAIL2BAN],
  plan: planOf(0),
  isJailWanted: true,
  isObserving: false,
  bans: { banned: 3, incomplete: 0, unread: [] },
  isTree: false,
  asRoot: true,
  caveats: [],
}
const portsentry = (more: Partial<ServiceStatus>): Partial<Looked> => ({
  services: [{ ...PORTSENTRY, ...more }, FAIL2BAN],
})
const fail2ban = (more: Partial<ServiceStatus>): Partial<Looked> => ({
  services: [PORTSENTRY, { ...FAIL2BAN, ...more }],
})
const DOWN = { running: false, watching: null, detail: [] } as const
const UNREAD = { running: null, watching: null, atBoot: null, detail: null } as const
const ABSENT = { ...DOWN, installed: null }
const TREE: Partial<Looked> = {
  services: [
    { ...PORTSENTRY, ...UNREAD },
    { ...FAIL2BAN, ...UNREAD },
  ],
  isTree: true,
  asRoot: false,
}
const NOT_PROTECTED = 'NOT protected as config.env asks'

it.each<[what: string, looked: Partial<Looked>, state: string, summary: string]>([
  ['all', {}, 'healthy', 'healthy: both daemons run and watch, 3 hosts banned, nothing has drifted'],
  [
    'a ban that is missing somewhere',
    { bans: { banned: 1, incomplete: 1, unread: [] } },
    'healthy',
    'healthy: both daemons run and watch, 1 host banned, 1 of them NOT EVERYWHERE, nothing has drifted',
  ],
  [
    'OBSERVE_ONLY, which has no jail',
    { ...fail2ban({ detail: [] }), isJailWanted: false, isObserving: true },
    'healthy',
    'healthy: both daemons run and watch, 3 hosts banned, scans are only logged (OBSERVE_ONLY), nothing has drifted',
  ],
  [
    'an apply that is not confirmed',
    { caveats: ['generation 3 is not confirmed'] },
    'healthy',
    'healthy: both daemons run and watch, 3 hosts banned, nothing has drifted, but generation 3 is not confirmed',
  ],
  [
    'an interface that came later',
    portsentry({ watchingDetail: 'it has no packet socket on wg0' }),
    'healthy',
    'healthy: both daemons run and watch, 3 hosts banned, nothing has drifted, but portsentry does not watch everywhere: it has no packet socket on wg0',
  ],
  ['drift', { plan: planOf(1) }, 'attention', 'needs attention: drift: 1 change'],
  [
    'a portsentry.conf that stops the next start',
    { ...portsentry({ fault: 'conf:1: odd' }), plan: null },
    'attention',
    'needs attention: portsentry would not start again: conf:1: odd; no plan can be made, so drift cannot be determined',
  ],
  [
    'a daemon that is down, and drift',
    { ...fail2ban(DOWN), plan: planOf(2) },
    'unprotected',
    `${NOT_PROTECTED}: fail2ban is not running; drift: 2 changes`,
  ],
  [
    'a daemon that is down and would not start',
    portsentry({ ...DOWN, fault: 'conf:1: odd' }),
    'unprotected',
    `${NOT_PROTECTED}: portsentry is not running, and would not start: conf:1: odd`,
  ],
  [
    'a server without either',
    {
      services: [
        { ...PORTSENTRY, ...ABSENT },
        { ...FAIL2BAN, ...ABSENT },
      ],
      plan: planOf(20),
    },
    'unprotected',
    `${NOT_PROTECTED}: portsentry is not installed; fail2ban is not installed; drift: 20 changes`,
  ],
  [
    'a daemon that hangs',
    portsentry({ watching: false, watchingDetail: '-atcp does not watch: it is stopped' }),
    'unprotected',
    `${NOT_PROTECTED}: portsentry is running, but -atcp does not watch: it is stopped`,
  ],
  [
    'a fail2ban that hangs',
    fail2ban({ detail: null }),
    'unprotected',
    `${NOT_PROTECTED}: fail2ban does not answer`,
  ],
  [
    'a jail that is not loaded',
    fail2ban({ detail: ['sshd'] }),
    'unprotected',
    `${NOT_PROTECTED}: fail2ban has not loaded the portsentry jail`,
  ],
  [
    'a daemon that is down, to others than root',
    { ...portsentry(DOWN), asRoot: false },
    'unprotected',
    `${NOT_PROTECTED}: portsentry is not running; not checked: whether portsentry watches, fail2ban's jails and the firewall, which only root can see`,
  ],
  [
    'what others than root see',
    { ...fail2ban({ detail: null }), asRoot: false },
    'unchecked',
    "nothing wrong found; not checked: whether portsentry watches, fail2ban's jails and the firewall, which only root can see",
  ],
  [
    'what apt could not tell',
    { plan: planOf(3, ['run apt-get update']) },
    'unchecked',
    'nothing wrong found; not checked: drift (run apt-get update)',
  ],
  [
    'a store of bans that could not be read',
    { bans: { banned: 0, incomplete: 0, unread: ['firewall'] } },
    'unchecked',
    'nothing wrong found; not checked: bans in firewall',
  ],
  [
    'a process that could not be inspected',
    portsentry({ watching: null, watchingDetail: 'its process could not be inspected' }),
    'unchecked',
    'nothing wrong found; not checked: whether portsentry watches (its process could not be inspected)',
  ],
  [
    'a tree in sync',
    TREE,
    'unchecked',
    'nothing wrong found; not checked: the daemons, since nothing runs in a tree',
  ],
  [
    'a tree with drift',
    { ...TREE, plan: planOf(16) },
    'attention',
    'needs attention: drift: 16 changes; not checked: the daemons, since nothing runs in a tree',
  ],
])('judges %s', (_what, looked, state, summary) => {
  expect(judgeHealth({ ...HEALTHY, ...looked })).toMatchObject({ state, summary })
})

it.each<[Partial<Looked>, RegExp]>([
  [{}, /^\u001b\[32mhealthy\u001b\[0m: both/],
  [{ plan: planOf(1) }, /^\u001b\[33mneeds attention\u001b\[0m: drift/],
  [fail2ban(DOWN), /^\u001b\[31mNOT protected as config.env asks\u001b\[0m: fail2ban/],
  [TREE, /^\u001b\[33mnothing wrong found\u001b\[0m; not checked/],
])('colours its first words: %#', (looked, expected) => {
  expect(paint(renderHealth(judgeHealth({ ...HEALTHY, ...looked })))).toMatch(expected)
})
