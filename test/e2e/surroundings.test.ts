import { afterAll, beforeAll, expect, it } from 'vitest'
import { JAIL } from '../paths.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { portward, provide } from './scenario.ts'
import { drift, settle } from './sweep/settled.ts'
import { differences, readState, type State } from './sweep/state.ts'

interface Surrounding {
  readonly name: string
  /** Shell that makes it so, and that ends it. */
  readonly make: string
  readonly end: string
  /** What the message must say. */
  readonly message: RegExp
}

const ALLOW = '/srv/managed/hosts.allow'
const DROP_IN = '/etc/systemd/system/fail2ban.service.d'

/** A small file system with a copy of what was there, and not a byte left. */
const fill = (directory: string, without = ''): string => `
  mkdir -p ${directory} /run/copy && cp -a ${directory}/. /run/copy/
  mount -t tmpfs -o size=2m tmpfs ${directory} && cp -a /run/copy/. ${directory}/ && (cd ${directory} && rm -f ${without})
  dd if=/dev/zero of=${directory}/full bs=4k 2>/dev/null || true; rm -rf /run/copy`

const SURROUNDINGS: readonly Surrounding[] = [
  {
    name: 'a directory is mounted read-only',
    make: 'mount --bind /etc/portsentry /etc/portsentry && mount -o remount,bind,ro /etc/portsentry',
    end: 'umount /etc/portsentry',
    message:
      /^\/etc\/portsentry\/portsentry\.conf: has to be changed, but cannot be: .*read-only .*read-write$/m,
  },
  {
    name: 'a file is immutable',
    make: `chattr +i ${ALLOW}`,
    end: `chattr -i ${ALLOW}`,
    message:
      /^\/etc\/hosts\.allow: has to be changed, but cannot be: \/srv\/managed\/hosts\.allow is immutable .*chattr -i/m,
  },
  {
    name: 'a file is a mount of its own',
    make: `mount --bind ${ALLOW} ${ALLOW}`,
    end: `umount ${ALLOW}`,
    message: /cannot write \/srv\/managed\/hosts\.allow: EBUSY/,
  },
  {
    name: 'there is no room for the record',
    make: fill('/var/lib/portward'),
    end: 'umount /var/lib/portward',
    message: /\/var\/lib\/portward.*(?:ENOSPC|No space left)/,
  },
  {
    name: 'there is no room for a configuration file',
    make: fill('/etc/fail2ban', 'jail.d/portward-sshd.local'),
    end: 'umount /etc/fail2ban',
    message: /cannot write \/etc\/fail2ban\/jail\.d\/portsentry\.conf: ENOSPC/,
  },
  {
    name: 'the unit of portsentry is masked',
    make: 'systemctl mask portsentry',
    end: 'systemctl unmask portsentry',
    message: /portsentry.*masked/s,
  },
  {
    name: 'systemd does not answer',
    make: 'for socket in /run/systemd/private /run/dbus/system_bus_socket; do mount --bind /dev/null $socket; done',
    end: 'umount /run/systemd/private /run/dbus/system_bus_socket',
    message: /systemctl.*(?:bus|connect)/s,
  },
  {
    name: 'a daemon dies a second after each start',
    make: `cp ${JAIL} /run/jail && mkdir ${DROP_IN} && cat >${DROP_IN}/dying.conf <<'EOF'
[Service]
ExecStartPost=/bin/sh -c 'cmp -s ${JAIL} /run/jail || (sleep 1; kill -KILL $MAINPID) &'
EOF
      systemctl daemon-reload`,
    end: `rm -r ${DROP_IN} && systemctl daemon-reload`,
    message: /^portward: .*fail2ban.* \(its changes have been rolled back\)/m,
  },
  {
    name: 'the sandbox of fail2ban leaves its action nothing to write to',
    make: `mkdir ${DROP_IN} && cat >${DROP_IN}/override.conf <<'EOF'
[Service]
ProtectSystem=strict
ReadWritePaths=-/run/fail2ban -/var/lib/fail2ban -/var/log/fail2ban.log -/run/xtables.lock
EOF
      touch /var/log/fail2ban.log; systemctl daemon-reload`,
    end: `rm -r ${DROP_IN} && systemctl daemon-reload`,
    // Said beforehand, and the end of it.
    message:
      /override\.conf: warning: in the sandbox of fail2ban\.service .*ReadWritePaths=\/var\/lib\/portsentry\/portsentry\.blocked.*in its sandbox fail2ban cannot write \/var\/lib\/portsentry\/portsentry\.blocked.*rolled back/s,
  },
]

describeServers('surroundings that an apply cannot work in', () => {
  let server: Server
  let original: State

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
    await settle(server)
    await drift(server)
    original = await readState(server)
  })
  afterAll(() => server?.stop())

  it.each(SURROUNDINGS)('fails in words, and leaves all as it was, where $name', async (surrounding) => {
    await server.run(surrounding.make)
    try {
      const before = await readState(server)
      const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
      expect(stderr).toMatch(surrounding.message)
      expect(exitCode).toBe(1)
      expect(differences(before, await readState(server))).toEqual([])
      expect(await server.exists('/var/lib/portward/journal.json')).toBe(false)
    } finally {
      await server.run(surrounding.end)
    }
  })

  it('has left nothing, below no mount either, and applies when all of that has passed', async () => {
    expect(differences(original, await readState(server))).toEqual([])
    await portward(server, 'apply --yes', 0)
  })
})
