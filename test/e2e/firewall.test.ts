import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { addAttacker, expectBanned, expectHeld, expectSpared, OPEN_PORT, portward } from './scenario.ts'

const PROGRAM = 'sh /etc/portward/firewall'
const BANS = '/var/lib/portward/bans'
const MANY = 2000

describeServers('the program of the bans', () => {
  let server: Server

  const configure = async (config: string): Promise<void> => {
    await server.write('/root/config.env', DEFAULT_CONFIG + config, 0o600)
    await portward(server, 'apply --yes', 0)
  }
  const bans = async (): Promise<string[]> =>
    (await server.run(`cut -d ' ' -f 1 ${BANS}`)).stdout.split('\n').filter(Boolean)
  /** Its timer comes with it. */
  const startPlace = () => server.run('systemctl start portward-firewall; systemctl stop portward-sync.timer')
  const sync = () => server.run('systemctl start portward-sync')

  beforeAll(async () => {
    server = await startServer({ floor: 'provisioned' })
    await server.listen(OPEN_PORT)
  })
  afterAll(() => server?.stop())

  it('is whole again after an apply where somebody has switched a part of it off', async () => {
    await server.run('systemctl disable --now portward-sync.timer')
    expect(await portward(server, 'plan', 2)).toMatch(
      /enable +portward-sync\.timer at boot[\s\S]*make +the place of the bans/,
    )
    // Of iptables from here on, with a target that this kernel does not have: DROP takes its place.
    await configure('BAN_TARGET=TARPIT\n')
    await server.run('systemctl is-enabled portward-sync.timer && systemctl is-active portward-sync.timer')
    await server.run('systemctl stop portward-sync.timer')
    const { steps } = JSON.parse(await portward(server, 'plan --json', 2))
    expect(steps.map(({ kind }: { kind: string }) => kind)).toEqual(['make-place'])
  })

  /** What the program does alike with each backend, the one that is configured; the attacker is a fresh one for each. */
  const describeBackend = (backend: string, attacker: string): void => {
    it(`${backend}: bans no protected host, and nothing that is no host's address`, async () => {
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

    it(`${backend}: cuts off a scanner though the disk is full, and records that when there is room`, async () => {
      const source = attacker
      const directories = '/var/lib/portward /var/lib/portsentry'
      await addAttacker(server, source)
      await server.run(
        `for each in ${directories}; do
           cp -a $each /run/copy; mount -t tmpfs -o size=3m full $each; cp -a /run/copy/. $each; rm -r /run/copy
           dd if=/dev/zero bs=1k of=$each/all 2>/run/dd || true
         done`,
      )
      await expectBanned(server, source)
      await sync()
      expect(await server.attacker.reaches(OPEN_PORT, { source, timeoutMs: 1000 })).toBe(false)
      expect(await bans()).not.toContain(source)
      await server.run(`for each in ${directories}; do umount $each; done`)
      await sync()
      expect(await bans()).toContain(source)
      await server.run(`${PROGRAM} del ${source}`)
      expect(await bans()).not.toContain(source)
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

  describeBackend('iptables', '203.0.113.91')

  it('bans nobody again whom fail2ban has let go of, though it was restarted in that moment', async () => {
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
    await expectHeld(server, '203.0.113.65')
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
    await expectHeld(server, '203.0.113.65')
    await server.run(`${PROGRAM} sync`)
    expect((await server.run('iptables -S')).stdout).not.toContain('PORTWARD')
    await startPlace()
    expect((await server.run('iptables -S')).stdout).toContain('-s 203.0.113.65/32 -j DROP')
  })

  it('lets go also while it is stopped', async () => {
    await server.run(`systemctl stop portward-firewall; fail2ban-client set portsentry unbanip 203.0.113.65`)
    expect(await bans()).toEqual([])
    expect(await server.readText('/etc/hosts.deny')).not.toContain('203.0.113.65')
    await startPlace()
    expect((await server.run('iptables -S')).stdout).not.toContain('203.0.113.65')
  })

  it('finishes a release that one place did not take', async () => {
    await server.run(`${PROGRAM} add 203.0.113.67 3600; mount --bind /etc/hosts.deny /etc/hosts.deny`)
    const { exitCode } = await server.run(`${PROGRAM} del 203.0.113.67`, { allowFailure: true })
    await server.run('umount /etc/hosts.deny')
    expect(exitCode).toBe(1)
    expect(await server.readText('/etc/hosts.deny')).toContain('203.0.113.67')
    expect((await server.run('iptables -S')).stdout).not.toContain('203.0.113.67')
    await sync()
    expect(await server.readText('/etc/hosts.deny')).not.toContain('203.0.113.67')
  })

  it('bans in hosts.deny where the firewall takes nothing, and says that it failed', async () => {
    await server.run('mount --bind /bin/false "$(readlink -f /usr/sbin/iptables)"')
    const { exitCode } = await server.run(`${PROGRAM} add 203.0.113.68 3600`, { allowFailure: true })
    await server.run('umount "$(readlink -f /usr/sbin/iptables)"')
    expect(exitCode).toBe(1)
    expect(await server.readText('/etc/hosts.deny')).toContain('203.0.113.68')
    await sync()
    expect((await server.run('iptables -S')).stdout).toContain('-s 203.0.113.68/32 -j DROP')
    await server.run(`${PROGRAM} del 203.0.113.68`)
  })

  it('puts all who are missing in hosts.deny back into it, each once', async () => {
    await server.run(`
      awk 'BEGIN { for (i = 0; i < ${MANY}; i++) print "10." int(i / 200) "." i % 200 ".1 0"; print "1:: 0" }' >>${BANS}
      printf '# kept' >/etc/hosts.deny; ${PROGRAM} sync; ${PROGRAM} sync`)
    const lines = (await server.readText('/etc/hosts.deny')).trimEnd().split('\n')
    expect(lines[0]).toBe('# kept')
    expect(lines).toHaveLength(1 + MANY + 1)
    expect(new Set(lines).size).toBe(lines.length)
    await server.run(`cut -d ' ' -f 1 ${BANS} | while read -r host; do echo "$host 1"; done >/run/bans
      cat /run/bans >${BANS}; ${PROGRAM} sync`)
    expect(await server.readText('/etc/hosts.deny')).toBe('# kept\n')
  })

  it('mends its place while fail2ban does not answer', async () => {
    await server.run('pkill -STOP -x fail2ban-server; iptables -F')
    try {
      // It asks fail2ban for 30 seconds; a copy that gives up sooner does the rest alike.
      await server.run(
        "sed 's/timeout 30 /timeout 1 /' /etc/portward/firewall >/run/firewall && sh /run/firewall sync",
      )
      expect((await server.run('iptables -S INPUT')).stdout).toContain('-j PORTWARD')
    } finally {
      await server.run('pkill -CONT -x fail2ban-server')
    }
  })

  it('goes ahead of whatever may accept a banned host', async () => {
    await server.run(`iptables -F INPUT
      iptables -N TRUSTED; iptables -N LOG_ACCEPT; iptables -A LOG_ACCEPT -j ACCEPT
      iptables -A TRUSTED -p tcp --dport 22 -j LOG_ACCEPT
      iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT ! -i lo -p tcp --dport 22 -j ACCEPT; iptables -A INPUT -j TRUSTED
      ${PROGRAM} sync`)
    const first = async () =>
      (await server.run('iptables -S INPUT')).stdout.split('\n').map((rule) => rule.replace('-A INPUT ', ''))
    const expected = [
      '-i lo -j ACCEPT',
      '-j PORTWARD',
      '! -i lo -p tcp -m tcp --dport 22 -j ACCEPT',
      '-j TRUSTED',
    ]
    expect((await first()).slice(1)).toEqual(expected)
    // Moved, whether it stood behind or ahead of where it belongs; nothing else is.
    await server.run(`iptables -D INPUT -j PORTWARD; iptables -A INPUT -j PORTWARD; ${PROGRAM} sync`)
    expect((await first()).slice(1)).toEqual(expected)
    await server.run(
      'iptables -F INPUT; iptables -F TRUSTED; iptables -X TRUSTED; iptables -F LOG_ACCEPT; iptables -X LOG_ACCEPT',
    )
  })

  it('takes a chain for a whitelist only if it accepts by source alone', async () => {
    await server.run(`
      iptables -N ALLOW_SERVICES; iptables -A ALLOW_SERVICES -p tcp --dport 8080 -j ACCEPT; iptables -I INPUT -j ALLOW_SERVICES
      iptables -N WHITELIST; iptables -A WHITELIST -s 192.168.1.20 -j ACCEPT; iptables -I INPUT -j WHITELIST
      ${PROGRAM} sync`)
    const { stdout } = await server.run("iptables -S INPUT | sed -n 's/^-A INPUT -j //p'")
    expect(stdout).toBe('WHITELIST\nPORTWARD\nALLOW_SERVICES')
  })

  it('moves to the sets of nft', async () => {
    await configure('BAN_BACKEND=nft\n')
    await server.run('systemctl stop portward-sync.timer')
    expect((await server.run('iptables -S')).stdout).not.toContain('PORTWARD')
  })

  describeBackend('nft', '203.0.113.92')

  it('takes the longer time from fail2ban that it has missed', async () => {
    await server.run('fail2ban-client set portsentry banip 203.0.113.69')
    await eventually('it is banned', async () => (await bans()).length === 1)
    await server.run(`echo '203.0.113.69 1' >${BANS}; ${PROGRAM} sync`)
    expect((await server.run(`cat ${BANS}`)).stdout).toMatch(/^203\.0\.113\.69 \d{10}$/)
    expect((await server.run('nft list set inet portward banned')).stdout).toMatch(
      /203\.0\.113\.69 timeout (?:1d|23h)/,
    )
    await server.run('fail2ban-client set portsentry unbanip 203.0.113.69')
  })

  it('moves to routes', async () => {
    await configure('BAN_BACKEND=route\n')
    await server.run('systemctl stop portward-sync.timer')
    expect((await server.run('nft list ruleset')).stdout).not.toContain('portward')
  })

  describeBackend('route', '203.0.113.93')

  it('is not used where KILL_ROUTE is a command of the admin', async () => {
    const attacker = '203.0.113.94'
    await addAttacker(server, attacker)
    await configure(
      "KILL_ROUTE='/usr/sbin/iptables -I INPUT -s $TARGET$ -m comment --comment mine -j DROP'\n",
    )
    await expectBanned(server, attacker)
    expect((await server.run('iptables -S INPUT')).stdout).toMatch(
      /-s 203\.0\.113\.94\/32 -m comment --comment mine -j DROP/,
    )
    await expectSpared(server)
    await portward(server, 'plan', 0)
  })

  it('leaves the firewall alone with BAN_BACKEND=none, and writes hosts.deny', async () => {
    const attacker = '203.0.113.95'
    await addAttacker(server, attacker)
    await configure('BAN_BACKEND=none\n')
    await server.attacker.scan('203.0.113.1', [1], { source: attacker })
    await eventually('it is denied', async () =>
      (await server.readText('/etc/hosts.deny')).includes(`ALL: ${attacker} : DENY`),
    )
    expect(await server.attacker.reaches(OPEN_PORT, { source: attacker })).toBe(true)
  })
})
