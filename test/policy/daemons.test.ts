import { expect, test } from 'vitest'
import { withoutForks } from '../../src/facts/daemons.ts'
import { isNewer, namedConf } from '../../src/policy/daemons.ts'

type RunningProcess = Parameters<typeof withoutForks>[0][number]

const running = (pid: number, parent: number, ...args: string[]): RunningProcess => ({
  ...{ pid, parent, args: ['/usr/sbin/portsentry', ...args] },
})

test.each<[what: string, processes: RunningProcess[], pids: number[]]>([
  ['none', [], []],
  ['one', [running(7, 1)], [7]],
  ['two modes', [running(7, 1, '-atcp'), running(8, 1, '-audp')], [7, 8]],
  ['one that was started twice', [running(7, 1, '-atcp'), running(8, 1, '-atcp')], [7, 8]],
  ['one that has forked', [running(8, 7, '-atcp'), running(7, 1, '-atcp')], [7]],
  ['one that has started another', [running(7, 1, '-atcp'), running(8, 7, '-audp')], [7, 8]],
])('daemons: %s', (_what, processes, pids) => {
  expect(withoutForks(processes).map(({ pid }) => pid)).toEqual(pids)
})

test.each<[args: string[], expected: string | null]>([
  [[], null],
  [['--connect'], null],
  [['-c', '/srv/conf'], '/srv/conf'],
  [['-c/srv/conf', '-v'], '/srv/conf'],
  [['--stealth', '--configfile', '/srv/conf'], '/srv/conf'],
  [['--configfile=/srv/conf'], '/srv/conf'],
  [['-c'], null],
])('portsentry %j reads %s', (args, expected) => expect(namedConf(running(1, 0, ...args))).toBe(expected))

test.each([
  [5000, [], false],
  [5000, [{ startedMs: 4500 }], false],
  [5000, [{ startedMs: 6000 }, { startedMs: 3000 }], true],
])('a file of %d is newer than one of %j: %s', (modifiedMs, daemons, expected) =>
  expect(isNewer(modifiedMs, daemons)).toBe(expected),
)
