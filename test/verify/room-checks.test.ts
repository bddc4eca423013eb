import { expect, it } from 'vitest'
import type { Room } from '../../src/host/room.ts'
import { confinementOf } from '../../src/policy/confinement.ts'
import { parseMounts } from '../../src/policy/mounts.ts'
import type { WrittenPath } from '../../src/policy/written-paths.ts'
import { checkConfinement, checkRoom } from '../../src/verify/room-checks.ts'

const written = (path: string): WrittenPath => ({
  path,
  purpose: 'a purpose',
  by: ['fail2ban'],
  isReplaced: false,
})
const room = (path: string, changes: Partial<Room> = {}): Room => ({
  written: written(path),
  errno: null,
  bytes: 1e9,
  inodes: 1e6,
  ...changes,
})

it.each<[what: string, rooms: readonly Room[] | null, expected: RegExp]>([
  [
    'all is well',
    [room('/var/lib/portward'), room('/etc/hosts.deny')],
    /^pass .*portward, \/etc\/hosts\.deny$/,
  ],
  ['a file system that does not count', [room('/h', { bytes: null, inodes: null })], /^pass /],
  ['without root', null, /^skip only root can look/],
  [
    'a full disk',
    [room('/h', { bytes: 0 })],
    /^fail \/h \(a purpose\): no space is left on its file system \(0 bytes\)$/,
  ],
  ['no inodes', [room('/h', { inodes: 0 })], /^fail \/h .*: no inodes are left/],
  ['a read-only disk', [room('/h', { errno: 'EROFS' })], /^fail \/h .*: the file system is read-only$/],
  ['an error of another kind', [room('/h', { errno: 'EIO' })], /^fail \/h .*: EIO$/],
  ['a pipe without a reader', [room('/h', { errno: 'ENXIO' })], /^fail \/h .*pipe/],
  [
    'an immutable hosts.deny',
    [room('/h'), room('/etc/hosts.deny', { errno: 'EPERM' })],
    /^warn \/etc\/hosts\.deny .*: it is immutable, see lsattr; bans are in the firewall alone$/,
  ],
  [
    'both',
    [room('/h', { bytes: 9 }), room('/etc/hosts.deny', { errno: 'EPERM' })],
    /^fail \/h .*; \/etc\/hosts\.deny /,
  ],
])('%s', (_what, rooms, expected) => {
  const { result, message } = checkRoom(rooms)
  expect(`${result} ${message}`).toMatch(expected)
})

const MOUNTS = '22 1 0:30 / / rw - ext4 /dev/vda1 rw\n'
const confined = (mountinfo: string, filter = '~') => ({
  service: 'fail2ban' as const,
  unit: 'fail2ban',
  confinement: confinementOf(
    { mountinfo, status: 'Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n', isOnNetwork: true },
    new Map([['SystemCallFilter', filter]]),
  ),
})

it.each<
  [what: string, daemons: Parameters<typeof checkConfinement>[1], paths: readonly string[], expected: RegExp]
>([
  ['no sandbox', [confined(MOUNTS)], ['/h'], /^pass it can write \/h$/],
  ['nothing to write', [], [], /^pass it writes nothing/],
  ['no daemon', [], ['/h'], /^skip fail2ban does not run/],
  ['no root', [{ ...confined(MOUNTS), confinement: null }], ['/h'], /^skip only root/],
  ['a filter', [confined(MOUNTS, '@system-service')], ['/h'], /SystemCallFilter .* was not looked at$/],
  [
    'a read-only system',
    [confined(MOUNTS.replace(' rw -', ' ro -'))],
    ['/h'],
    /^fail in its sandbox fail2ban cannot write \/h \(a purpose\) systemctl edit fail2ban: \[Service\] ReadWritePaths=\/h; then/,
  ],
])('%s', (_what, daemons, paths, expected) => {
  const { result, message, hint } = checkConfinement(
    'fail2ban',
    daemons,
    parseMounts(MOUNTS),
    paths.map(written),
  )
  expect(`${result} ${message}${hint === '' ? '' : ` ${hint}`}`).toMatch(expected)
})
