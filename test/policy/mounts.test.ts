import { expect, it } from 'vitest'
import { parseMounts } from '../../src/facts/confinement.ts'
import { isSameFile, mountOf } from '../../src/policy/mounts.ts'

const HOST = `22 1 0:30 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:31 / /run rw,nosuid shared:2 - tmpfs tmpfs rw,size=100k
24 22 0:32 / /srv/with\\040blank rw - ext4 /dev/vdb rw
25 22 0:33 / /mnt/stick rw - vfat /dev/sda1 ro
`
/** ProtectSystem=strict, ReadWritePaths=/run/portward, PrivateTmp=yes. */
const STRICT = `122 101 0:30 / / ro,relatime master:1 - ext4 /dev/vda1 rw
123 122 0:31 / /run ro,nosuid master:2 - tmpfs tmpfs rw,size=100k
124 123 0:31 /portward /run/portward rw,nosuid master:2 - tmpfs tmpfs rw,size=100k
125 122 0:30 /tmp/systemd-private-1-fail2ban/tmp /tmp rw master:1 - ext4 /dev/vda1 rw
`

it.each([
  [HOST, '/etc/hosts.deny', '/', true],
  [HOST, '/run/portward', '/run', true],
  [HOST, '/runner', '/', true],
  [HOST, '/srv/with blank/log', '/srv/with blank', true],
  [HOST, '/mnt/stick/log', '/mnt/stick', false],
  [STRICT, '/etc/hosts.deny', '/', false],
  [STRICT, '/run/portward/lock', '/run/portward', true],
  [STRICT, '/run/xtables.lock', '/run', false],
  [`${STRICT}130 122 0:99 / /run/portward ro - tmpfs tmpfs rw\n`, '/run/portward', '/run/portward', false],
])('of %j, %s is on %s, writable: %s', (text, path, top, isWritable) => {
  expect(mountOf(parseMounts(text), path)).toMatchObject({ path: top, isWritable })
})

it.each([
  ['/etc/hosts.deny', true],
  ['/run/portward/lock', true],
  ['/tmp/portsentry.blocked', false],
])('whether both see the same at %s: %s', (path, isSame) => {
  expect(isSameFile(parseMounts(HOST), parseMounts(STRICT), path)).toBe(isSame)
})

it('knows nothing of what is not mounted', () => {
  expect(mountOf(parseMounts('nonsense\n'), '/etc')).toBeUndefined()
  expect(isSameFile([], parseMounts(HOST), '/etc')).toBe(true)
})
