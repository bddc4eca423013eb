import { expect, it } from 'vitest'
import type { Step } from '../../src/plan/plan.ts'
import { summarize, summaryInWords } from '../../src/plan/summary.ts'

const write = (path: string, before: string | null): Step => ({
  ...{ kind: 'write', path, before, after: 'x\n', mode: 0o644, fromPackage: false, reasons: ['why'] },
})
const touch: Step = { kind: 'touch', path: '/var/log/x', mode: 0o600, reasons: [] }
const remove: Step = { kind: 'remove', path: '/etc/old', before: 'x\n', reasons: [] }
const restart = (service: 'portsentry' | 'fail2ban'): Step => ({
  ...{ kind: 'restart', service, units: [service], reasons: [] },
})
const install = (download: number): Step => ({
  kind: 'install',
  requested: ['portsentry'],
  packages: [
    { name: 'net-tools', version: '2.10', download },
    { name: 'portsentry', version: '1.2', download: 0 },
  ],
})
const enable = (unit: string): Step => ({ kind: 'enable', unit })
const release: Step = { kind: 'release', address: '192.168.1.20', undo: [], jailed: true }

it.each<[Step[], string]>([
  [
    [
      install(31_000_000),
      ...[write('/a', null), touch, write('/b', 'y\n'), write('/c', 'y\n')],
      ...[restart('portsentry'), restart('fail2ban')],
    ],
    '7 changes: 2 new files, 2 edited; 2 packages, 31 MB to download; restarts portsentry and fail2ban',
  ],
  [[install(0)], '1 change: 2 packages'],
  [[write('/b', 'y\n')], '1 change: 1 edited file'],
  [[write('/b', 'y\n'), remove], '2 changes: 1 edited file, 1 removed'],
  [[remove], '1 change: 1 removed file'],
  [[enable('portsentry')], '1 change: starts portsentry at boot'],
  [
    [enable('portsentry@atcp'), enable('portsentry@audp'), { kind: 'disable', unit: 'portsentry@tcp' }],
    '3 changes: starts 2 units at boot; stops portsentry@tcp',
  ],
  [[{ kind: 'load-bans', reasons: [] }], '1 change: loads the bans'],
  [
    [{ kind: 'remove-bans', backend: 'nft', target: 'DROP', isLast: true, reasons: [] }],
    '1 change: removes all bans',
  ],
  [[release], '1 change: releases 192.168.1.20'],
  [[release, { ...release, address: '192.168.1.21' }], '2 changes: releases 2 hosts'],
  [
    [{ kind: 'reload', service: 'fail2ban', paths: [], reasons: [] }, restart('portsentry')],
    '2 changes: restarts portsentry; reloads fail2ban',
  ],
])('a plan in a sentence: %#', (steps, expected) => {
  expect(summaryInWords({ steps })).toBe(expected)
})

it('a plan in numbers', () => {
  const steps = [install(10), touch, write('/a', null), write('/b', ''), remove, restart('portsentry')]
  expect(summarize({ steps })).toEqual({
    changes: 6,
    files: { created: 2, edited: 1, removed: 1 },
    packages: { count: 2, download: 10 },
    restarts: ['portsentry'],
    reloads: [],
  })
})
