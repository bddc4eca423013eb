import { expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { describeLifetime } from './lifetime.ts'
import { addAttacker, expectBanned, OPEN_PORT } from './scenario.ts'

const UNITS = ['portsentry@atcp', 'portsentry@audp']

/** What the daemons and a ban write to, or might. The root itself can be neither filled nor remounted in a container. */
const STORES = '/etc /var/lib/portsentry /var/lib/fail2ban /var/log'

/**
 * Copies the stores to file systems of their own. The daemons are stopped meanwhile: a file of theirs that vanishes, such as a
 * journal of SQLite, would make cp fail. systemd's journal grows by 8 MB at a time, and starts a new file after a crash.
 */
const MAKE_SMALL = `set -e
  systemctl stop ${UNITS.join(' ')} fail2ban
  mkdir -p /run/small
  for each in ${STORES}; do
    mount -t tmpfs -o size=$(($(du -sk $each | cut -f 1) + 16384))k small /run/small
    cp -a $each/. /run/small; mount --bind /run/small $each; umount /run/small
  done
  systemctl start ${UNITS.join(' ')} fail2ban`

const OBSTACLES: readonly (readonly [name: string, make: string, unmake: string])[] = [
  [
    '/etc and /var are full',
    `for each in ${STORES}; do dd if=/dev/zero bs=1k of=$each/filling 2>/dev/null || ! echo more >$each/more; done`,
    `for each in ${STORES}; do rm $each/filling $each/more; done`,
  ],
  [
    '/run is full',
    `mount -o remount,size=$(($(df --output=used /run | tail -n 1) + 512))k /run
    dd if=/dev/zero bs=1k of=/run/filling 2>/dev/null || ! echo more >/run/more`,
    'rm /run/filling /run/more; mount -o remount,size=50% /run',
  ],
  [
    '/etc, /var and /run are read-only',
    `for each in ${STORES} /run; do mount --bind $each $each; mount -o remount,bind,ro $each; ! echo >$each/more; done`,
    `umount ${STORES} /run`,
  ],
]

describeServers('one ban, one life, on Debian 13', () => {
  const { server, configure } = describeLifetime('trixie', UNITS)
  let last = 120

  it.each(['nft', 'ipset'])(
    '%s: cuts off a scanner while a file system is full or read-only',
    async (backend) => {
      await configure(`BAN_BACKEND=${backend}\n`)
      await server().run(MAKE_SMALL)
      for (const [name, make, unmake] of OBSTACLES) {
        last += 1
        const source = `203.0.113.${last}`
        await addAttacker(server(), source)
        await server().run(`set -e; ${make}`)
        try {
          await expectBanned(server(), source, [1])
        } finally {
          await server().run(unmake)
        }
        expect(await server().attacker.reaches(OPEN_PORT, { source, timeoutMs: 1000 }), name).toBe(false)
        expect(await server().lan.reaches(OPEN_PORT)).toBe(true)
      }
      await server().run(`systemctl stop fail2ban; umount --lazy ${STORES}`)
    },
  )
})
