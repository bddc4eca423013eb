import { expect, it } from 'vitest'
import { wrongDaemons } from '../../src/policy/daemons.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
import { native2 } from '../../src/policy/releases/native-2.ts'
import { daemon } from './live.ts'

const modes = { tcpMode: 'atcp', udpMode: 'audp' } as const

const TABLE = [
  [sysv12, ['-atcp', '-audp'], null],
  [sysv12, ['-audp', '-atcp'], null],
  [sysv12, ['-atcp'], 'runs as -atcp, should run as -atcp and -audp'],
  [sysv12, [], 'is not running, should run as -atcp and -audp'],
  [native2, [''], null],
  // 2.x runs without arguments: none at all must not be taken for it.
  [native2, [], 'is not running, should run as portsentry without arguments'],
  [native2, ['--connect'], 'runs as --connect, should run as portsentry without arguments'],
  [
    native2,
    ['', ''],
    'runs as portsentry without arguments and portsentry without arguments, should run as portsentry without arguments',
  ],
] as const

it.each(TABLE)('$0.name: daemons $1', (release, running, wrong) => {
  const daemons = running.map((args, pid) =>
    daemon('portsentry', pid, '/usr/sbin/portsentry', ...args.split(' ').filter(Boolean)),
  )
  expect(wrongDaemons({ release, modes }, daemons)).toBe(wrong)
})
