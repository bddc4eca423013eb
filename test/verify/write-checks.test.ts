import { expect, it } from 'vitest'
import { parseMounts, parseRights } from '../../src/facts/confinement.ts'
import type { Service } from '../../src/facts/daemons.ts'
import { confinementOf } from '../../src/policy/confinement.ts'
import type { WrittenPath } from '../../src/policy/written-paths.ts'
import type { Problem } from '../../src/problem.ts'
import type { WriteAccess } from '../../src/verify/write-access.ts'
import { checkConfinement, checkWritable, foreignCommand } from '../../src/verify/write-checks.ts'
import { examined } from './servers.ts'

const written = (path: string): WrittenPath => ({
  path,
  purpose: 'a purpose',
  by: ['fail2ban'],
  isReplaced: false,
})
const file = (path: string, changes: Partial<WriteAccess> = {}): WriteAccess => ({
  written: written(path),
  errno: null,
  bytes: 1e9,
  inodes: 1e6,
  ...changes,
})

const unwritable = (path: string, hint: string): Problem => ({
  severity: 'warning',
  code: 'unwritable',
  message: 'bans cannot be written here: why',
  hint,
  at: { path },
})

it.each<
  [what: string, files: readonly WriteAccess[] | null, expected: RegExp, unwritable?: readonly Problem[]]
>([
  [
    'all is well',
    [file('/var/lib/portward'), file('/etc/hosts.deny')],
    /^pass .*portward, \/etc\/hosts\.deny$/,
  ],
  ['a file system that does not count', [file('/h', { bytes: null, inodes: null })], /^pass /],
  ['without root', null, /^skip only root can check this → run portward verify as root$/],
  [
    'a full disk',
    [file('/h', { bytes: 0 })],
    /^fail \/h \(a purpose\): no space is left on its file system \(0 bytes\) → free space, or make it writable$/,
  ],
  ['no inodes', [file('/h', { inodes: 0 })], /^fail \/h .*: no inodes are left/],
  ['a read-only disk', [file('/h', { errno: 'EROFS' })], /^fail \/h .*: the file system is read-only → /],
  ['an error of another kind', [file('/h', { errno: 'EIO' })], /^fail \/h .*: EIO → /],
  ['a pipe without a reader', [file('/h', { errno: 'ENXIO' })], /^fail \/h .*pipe/],
  [
    'an immutable hosts.deny',
    [file('/h'), file('/etc/hosts.deny', { errno: 'EPERM' })],
    /^warn \/etc\/hosts\.deny .*: it is immutable, see lsattr → free space, or make it writable$/,
  ],
  [
    'an immutable hosts.deny, and the attribute is known',
    [file('/h'), file('/etc/hosts.deny', { errno: 'EPERM' })],
    /^warn \/etc\/hosts\.deny \(a purpose\): it is immutable, see lsattr → chattr -i$/,
    [unwritable('/etc/hosts.deny', 'chattr -i')],
  ],
  [
    'a directory and a file in it',
    [file('/var/lib/portward', { errno: 'EROFS' })],
    /^fail \/var\/lib\/portward \(a purpose\): the file system is read-only → mount it$/,
    [unwritable('/var/lib/portward/bans', 'mount it')],
  ],
  [
    'what opening files does not show',
    [file('/h')],
    /^warn firewall: bans cannot be written here: why → set BAN_BACKEND$/,
    [unwritable('firewall', 'set BAN_BACKEND')],
  ],
  [
    'that, and a full disk',
    [file('/h', { bytes: 0 })],
    /^fail \/h .*; firewall: bans cannot be written here: why → /,
    [unwritable('firewall', 'set BAN_BACKEND')],
  ],
  [
    'both',
    [file('/h', { bytes: 9 }), file('/etc/hosts.deny', { errno: 'EPERM' })],
    /^fail \/h .*; \/etc\/hosts\.deny /,
  ],
])('%s', (_what, files, expected, known = []) => {
  const { result, message, hint } = checkWritable(files, known)
  expect(`${result} ${message}${hint === '' ? '' : ` → ${hint}`}`).toMatch(expected)
})

const MOUNTS = '22 1 0:30 / / rw - ext4 /dev/vda1 rw\n'
const confined = (mountinfo: string, filter = '~') => ({
  service: 'fail2ban' as const,
  unit: 'fail2ban',
  confinement: confinementOf(
    {
      mounts: parseMounts(mountinfo),
      ...parseRights('Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n'),
      isOnNetwork: true,
    },
    new Map([['SystemCallFilter', filter]]),
  ),
})

it.each<
  [
    what: string,
    daemons: Parameters<typeof checkConfinement>[1],
    paths: readonly string[],
    expected: RegExp,
    foreign?: string | undefined,
    own?: string,
  ]
>([
  ['no sandbox', [confined(MOUNTS)], ['/h'], /^pass its unit lets it change the firewall and write \/h$/],
  ['nothing to write', [confined(MOUNTS)], [], /^pass its unit lets it change the firewall$/],
  [
    'an action of its own that writes somewhere',
    [confined(MOUNTS)],
    [],
    /^skip not checked: portward does not know what its banaction needs$/,
    'its banaction',
  ],
  [
    'a command of its own',
    [confined(MOUNTS)],
    ['/h'],
    /^pass its unit lets it write \/h; what KILL_ROUTE needs was not checked$/,
    'KILL_ROUTE',
  ],
  [
    'what nobody can write, as the other check says',
    [confined(MOUNTS.replace(' rw -', ' ro -'))],
    ['/h'],
    /^pass its unit lets/,
    undefined,
    MOUNTS.replace(' rw -', ' ro -'),
  ],
  ['no daemon', [], ['/h'], /^skip not checked: fail2ban is not running/],
  ['no root', [{ ...confined(MOUNTS), confinement: null }], ['/h'], /^skip only root/],
  ['a filter', [confined(MOUNTS, '@system-service')], ['/h'], /SystemCallFilter .* was not checked$/],
  [
    'a read-only system',
    [confined(MOUNTS.replace(' rw -', ' ro -'))],
    ['/h'],
    /^fail in its sandbox fail2ban cannot write \/h \(a purpose\) systemctl edit fail2ban: \[Service\] ReadWritePaths=\/h; then/,
  ],
])('%s', (_what, daemons, paths, expected, foreign, own = MOUNTS) => {
  const { result, message, hint } = checkConfinement(
    'fail2ban',
    daemons,
    parseMounts(own),
    { writes: paths.map(written), changesFirewall: foreign === undefined ? ['fail2ban'] : [] },
    foreign,
  )
  expect(`${result} ${message}${hint === '' ? '' : ` ${hint}`}`).toMatch(expected)
})

it.each<[service: Service, config: string, expected: string | null]>([
  ['portsentry', '', null],
  ['portsentry', 'OBSERVE_ONLY=1\n', null],
  ['portsentry', 'BAN_BACKEND=none\n', null],
  ['portsentry', "KILL_ROUTE='/usr/local/bin/ban $TARGET$'\n", 'KILL_ROUTE'],
  ['fail2ban', '', null],
  ['fail2ban', 'OBSERVE_ONLY=1\n', null],
  ['fail2ban', 'BAN_BACKEND=none\n', null],
  ['fail2ban', 'BANACTION=nftables-allports\n', 'its banaction'],
])("commands of %s that are not portward's: %j", (service, config, expected) => {
  expect(foreignCommand(service, examined({}, config).desired)).toBe(expected)
})
