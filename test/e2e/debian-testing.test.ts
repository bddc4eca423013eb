import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { describePromises, OWN_FILES } from './promises.ts'
import { expectBanned, expectSpared, portward, provide } from './scenario.ts'

describePromises({
  suite: 'testing',
  release: 'native-2',
  portsentry: /versions: .*portsentry 2\.0\./,
  node: /^v2\d\./,
  changed: [
    '/etc/fail2ban/filter.d/portsentry-2.conf',
    '/etc/fail2ban/jail.d/portsentry.conf',
    '/etc/hosts.allow',
    '/etc/portsentry/portsentry.conf',
    '/etc/portsentry/portsentry.ignore',
    ...OWN_FILES,
  ],
  steps: ['preseed', 'install', 'write', 'enable', 'load-bans', 'restart'],
  units: ['portsentry'],
  history: '/var/log/portsentry.log',
  filter: '/etc/fail2ban/filter.d/portsentry-2.conf',
  triggering: /ignored: \[false\] triggered: \[true\]/,
  seesIPv6: true,
  drifts: [
    ['/etc/portsentry/portsentry.conf', 's/^BLOCK_TCP="1"/BLOCK_TCP="0"/', 'BLOCK_TCP="1"'],
    ['/etc/hosts.allow', '/192.168.1.0/d', 'ALL: 192.168.1.0/255.255.255.0'],
    ['/etc/portsentry/portsentry.ignore', '/^192.168.1.0/d', '192.168.1.0/24'],
    ['/etc/fail2ban/filter.d/portsentry-2.conf', 's/triggered: .*/triggered:/', 'triggered: '],
    ['/etc/fail2ban/jail.d/portsentry.conf', 's/^bantime =.*/bantime = 10/', 'bantime = 1d'],
  ],
})

describeServers('sockets that accept connections, on testing', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ suite: 'testing', floor: 'provisioned' })
    await provide(server)
  })
  afterAll(() => server?.stop())

  const daemons = async () => (await server.run('ps -o args= -C portsentry')).stdout

  it('means --connect by tcp and udp, and bans by it', async () => {
    const config = await server.readText('/root/config.env')
    await server.write('/root/config.env', `${config}TCP_MODE=tcp\nUDP_MODE=udp\nTCP_PORTS=1,7,111\n`)
    expect(await portward(server, 'apply --yes', 0)).toMatch(/^verified: \d+ passed, 0 warnings, 0 failed/m)
    expect(await daemons()).toBe('/usr/sbin/portsentry --connect')
    await expectSpared(server)
    await expectBanned(server)
    await server.reboot()
    expect(await daemons()).toBe('/usr/sbin/portsentry --connect')
    expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
  })

  it('goes back to watching the wire, and leaves no drop-in', async () => {
    await server.write('/root/config.env', 'LAN_IP=192.168.1.10\nLAN_NM=24\n')
    expect(await portward(server, 'apply --yes', 0)).toMatch(
      /^- \/etc\/systemd\/system\/portsentry\.service\.d\/portward\.conf +removed, \d+ lines$/m,
    )
    await server.run('! find /etc/systemd/system/portsentry.service.d -type f | grep .')
    expect(await daemons()).toBe('/usr/sbin/portsentry')
  })
})
