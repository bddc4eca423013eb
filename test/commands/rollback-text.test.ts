import { describe, expect, it } from 'vitest'
import { renderAfterwards, renderForeign, renderRollback } from '../../src/commands/rollback-text.ts'
import { type Consequences, judgeConsequences } from '../../src/generations/consequences.ts'
import type { RestoredFile } from '../../src/generations/merge.ts'
import type { Generation, ServiceRecord } from '../../src/generations/record.ts'
import { withoutStyles, wrap } from '../../src/styled.ts'
import { setTimeZone } from '../time-zone.ts'

const ALLOW = { path: '/etc/hosts.allow', real: '/srv/managed/hosts.allow', copy: '0' } as RestoredFile
const CONF = { path: '/etc/portward/bans.conf', real: '/etc/portward/bans.conf', copy: null } as RestoredFile

const generation = (number: number, confirmBy: string | null = null): Generation =>
  ({ number, state: 'applied', started: '2026-10-25T00:30:00.000Z', confirmBy }) as Generation

const services = (active: ServiceRecord['active'], enabled: string[]): ServiceRecord => ({
  ...{ active, enabled, daemons: [] },
})
const BOTH = services(
  [
    ['portsentry', ['portsentry']],
    ['fail2ban', ['fail2ban']],
  ],
  ['portsentry', 'fail2ban', 'portward-bans'],
)
const NONE = services(
  [
    ['portsentry', []],
    ['fail2ban', []],
  ],
  [],
)

const NOTHING: Consequences = {
  ...{ stopped: [], started: [], disabled: [], enabled: [] },
  released: 0,
  isUnprotected: false,
}

describe('a rollback', () => {
  const files = [ALLOW, CONF]
  const bare = { files, packages: ['portsentry', 'fail2ban'], releases: [] }
  const all = judgeConsequences({ files, services: NONE }, BOTH, 3)

  it.each<[string, number, () => string, string[]]>([
    [
      'of all',
      80,
      () => renderRollback([generation(2, '2026-10-25T00:40:00.000Z'), generation(1)], bare, all, true),
      [
        'this would roll back generation 2 (applied 2026-10-25 02:30:00 +0200, not',
        '  confirmed), 1 (applied 2026-10-25 02:30:00 +0200):',
        '  files restored:',
        '    /etc/hosts.allow',
        '  files removed, which did not exist before:',
        '    /etc/portward/bans.conf',
        '  packages removed: portsentry, fail2ban',
        '  daemons stopped: portsentry, fail2ban',
        '  no longer started at boot: portsentry, fail2ban, portward-bans',
        '  bans released: 3 hosts',
        '  afterwards portward does not protect this server',
      ],
    ],
    [
      'of a change, by the timer',
      200,
      () =>
        renderRollback(
          [generation(2, '2026-10-25T00:40:00.000Z')],
          {
            files: [ALLOW],
            packages: [],
            releases: [{ address: '192.0.2.7', jailed: true, undo: [] }] as never,
          },
          { ...NOTHING, released: 1 },
          false,
        ),
      [
        'rolling back generation 2 (applied 2026-10-25 02:30:00 +0200, not confirmed):',
        '  files restored:',
        '    /etc/hosts.allow',
        '  bans released: 1 host',
        '  banned again, as before: 192.0.2.7',
      ],
    ],
    [
      'of which nothing else is known',
      200,
      () => renderRollback([generation(2)], { files: [ALLOW], packages: [], releases: [] }, null, true),
      [
        'this would roll back generation 2 (applied 2026-10-25 02:30:00 +0200):',
        '  files restored:',
        '    /etc/hosts.allow',
      ],
    ],
  ])('%s, at %d columns', (_, columns, render, expected) => {
    setTimeZone('Europe/Berlin')
    expect(wrap(withoutStyles(render()), columns, 2).trimEnd().split('\n')).toEqual(expected)
  })

  it.each<[string, ServiceRecord, ServiceRecord, string | null, Partial<Consequences>]>([
    ['to the same', BOTH, BOTH, '0', {}],
    [
      'to what an earlier version recorded with suffixes',
      BOTH,
      services(BOTH.active, ['portsentry.service', 'fail2ban.service', 'portward-bans.service']),
      '0',
      {},
    ],
    [
      'to what was stopped by hand',
      NONE,
      BOTH,
      '0',
      { started: ['portsentry', 'fail2ban'], enabled: ['portsentry', 'fail2ban', 'portward-bans'] },
    ],
    [
      'to before the first apply',
      BOTH,
      services([['fail2ban', ['fail2ban']]], ['fail2ban']),
      null,
      { stopped: ['portsentry'], disabled: ['portsentry', 'portward-bans'], isUnprotected: true },
    ],
  ])('%s', (_, now, then, copy, expected) => {
    const files = [{ ...CONF, copy } as RestoredFile]
    expect(judgeConsequences({ files, services: then }, now, 0)).toEqual({ ...NOTHING, ...expected })
  })

  it('says how to look at what others changed', () => {
    expect(renderForeign(ALLOW, '/var/lib/portward/generations/1/0')).toBe(
      '/etc/hosts.allow: see diff -u /var/lib/portward/generations/1/0 /srv/managed/hosts.allow',
    )
    expect(renderForeign(CONF, null)).toMatch(/bans\.conf: it did not exist before, and would be removed$/)
  })

  it.each<[ServiceRecord, boolean, string]>([
    [NONE, true, 'portsentry is not running, fail2ban is not running; portward does not protect this server'],
    [
      services(
        [
          ['portsentry', ['portsentry@atcp', 'portsentry@audp']],
          ['fail2ban', ['fail2ban']],
        ],
        [],
      ),
      false,
      'portsentry is running (portsentry@atcp, portsentry@audp), fail2ban is running',
    ],
  ])('says in which state it left the server, and what comes next', (now, isUnprotected, state) => {
    expect(withoutStyles(renderAfterwards(3, now, isUnprotected))).toBe(
      `the files are as before generation 3; ${state}\nnext: portward plan shows what an apply would change\n`,
    )
  })
})
