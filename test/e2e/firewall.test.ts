import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { portward, provide } from './scenario.ts'

const CONFIG = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'
const PROGRAM = 'sh /etc/portward/firewall'
const BANS = '/var/lib/portward/bans'
const MANY = 2000

describeServers('the program of the bans', () => {
  let server: Server

  const configure = async (config: string): Promise<void> => {
    await server.write('/root/config.env', CONFIG + config, 0o600)
    await portward(server, 'apply --yes', 0)
  }
  const bans = async (): Promise<string[]> =>
    (await server.run(`cut -d ' ' -f 1 ${BANS}`)).stdout.split('\n').filter(Boolean)
  const sync = () => server.run('systemctl start portward-sync')

  beforeAll(async () => {
    server = await startServer()
    await provide(server)
    await server.run(
      'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends iptables nftables',
    )
  })
  afterAll(() => server?.stop())

  for (const backend of ['iptables', 'nft', 'route']) {
    it(`${backend}: bans no protected host, and nothing that is no host's address`, async () => {
      await configure(`BAN_BACKEND=${backend}\n`)
      await server.run('systemctl stop portward-sync.timer')
      await server.run(`${PROGRAM} add ${addresses.lan.v4} && ${PROGRAM} add 127.0.0.1`)
      for (const wrong of ['203.0.113.999', '203.0.113', '2001:db8::1::2', '203.0.113.0/24']) {
        const { exitCode, stderr } = await server.run(`${PROGRAM} add ${wrong}`, { allowFailure: true })
        expect(exitCode, wrong).toBe(1)
        expect(stderr).toContain(wrong)
      }
      expect(await bans()).toEqual([])
      // Also one that somebody wrote into the record does not keep the others out.
      await server.run(`printf '%s\\n' '203.0.113.999 0' '203.0.113.60 0' torn >>${BANS}; ${PROGRAM} start`)
      expect(await bans()).toEqual(['203.0.113.60'])
      await server.run(`${PROGRAM} del 203.0.113.60`)
    })

    it(`${backend}: lets go of thousands whose time is over, and of nobody else`, async () => {
      await server.run(`
        awk 'BEGIN { for (i = 0; i < ${MANY}; i++) print "10." int(i / 200) "." i % 200 ".1 1" }' >>${BANS}
        awk '{ print "ALL: " $1 " : DENY" }' ${BANS} >>/etc/hosts.deny
        echo 'ALL: 198.51.100.1' >>/etc/hosts.deny
        ${PROGRAM} start; ${PROGRAM} add 203.0.113.61 3600; ${PROGRAM} sync`)
      expect(await bans()).toEqual(['203.0.113.61'])
      const { stdout } = await server.run('cat /etc/hosts.deny; iptables -S; nft list ruleset; ip route')
      expect(stdout).not.toMatch(/\b10\.\d/)
      expect(stdout).toMatch(/^ALL: 198\.51\.100\.1$/m)
      await server.run(`${PROGRAM} del 203.0.113.61; sed -i /198.51.100.1/d /etc/hosts.deny`)
    })
  }

  it('bans nobody again whom fail2ban has let go of, though it was restarted in that moment', async () => {
    await configure('')
    await server.run('systemctl stop portward-sync.timer')
    const hosts = ['203.0.113.62', '203.0.113.63', '203.0.113.64']
    await server.run(`fail2ban-client set portsentry banip ${hosts.join(' ')}`)
    await eventually('they are banned', async () => (await bans()).length === hosts.length)
    await server.run('fail2ban-client unban --all; systemctl restart fail2ban')
    await eventually('fail2ban answers', () => server.run('fail2ban-client ping'))
    await eventually('they are released', async () => {
      await sync()
      return (await bans()).length === 0
    })
    expect((await server.run('fail2ban-client get portsentry banip')).stdout).toBe('')
  })

  it('keeps the bans through a restart of fail2ban', async () => {
    await server.run('fail2ban-client set portsentry banip 203.0.113.65')
    await eventually('it is banned', async () => (await bans()).length === 1)
    const end = async () => Number((await server.run(`grep '^203.0.113.65 ' ${BANS}`)).stdout.split(' ')[1])
    const before = await end()
    await server.run('systemctl restart fail2ban')
    await eventually('fail2ban has it', async () =>
      (await server.run('fail2ban-client get portsentry banip')).stdout.includes('203.0.113.65'),
    )
    await sync()
    await sync()
    expect(await bans()).toEqual(['203.0.113.65'])
    // fail2ban keeps whole seconds.
    expect(Math.abs((await end()) - before)).toBeLessThanOrEqual(1)
  })

  it('stays stopped until it is started', async () => {
    await server.run(
      `systemctl stop portward-firewall; ${PROGRAM} add 203.0.113.66; systemctl restart fail2ban`,
    )
    await eventually('fail2ban answers', () => server.run('fail2ban-client ping'))
    await server.run(`${PROGRAM} sync`)
    expect((await server.run('iptables -S')).stdout).not.toContain('PORTWARD')
    await server.run('systemctl start portward-firewall')
    expect((await server.run('iptables -S')).stdout).toContain('-s 203.0.113.65/32 -j DROP')
  })

  it('takes a chain for a whitelist only if it accepts by source alone', async () => {
    await server.run(`
      iptables -N ALLOW_SERVICES; iptables -A ALLOW_SERVICES -p tcp --dport 8080 -j ACCEPT; iptables -I INPUT -j ALLOW_SERVICES
      iptables -N WHITELIST; iptables -A WHITELIST -s 192.168.1.20 -j ACCEPT; iptables -I INPUT -j WHITELIST
      ${PROGRAM} sync`)
    const { stdout } = await server.run("iptables -S INPUT | sed -n 's/^-A INPUT -j //p'")
    expect(stdout).toBe('WHITELIST\nPORTWARD\nALLOW_SERVICES')
  })
})
