import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Suite } from './harness/base-image.ts'
import { eventually } from './harness/eventually.ts'
import { DEFAULT_CONFIG, install } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import { startListener } from './harness/peer.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  addAttacker,
  expectBanned,
  expectBannedAgain,
  expectBannedEverywhere,
  expectBannedNowhere,
  expectCutOff,
  expectHeld,
  expectSpared,
  installSshd,
  LIST_BANS,
  OPEN_PORT,
  portward,
} from './scenario.ts'
import { applyUnproven, installFaults } from './sweep/faults.ts'

/** A port of the server that leads to a service behind it, as Docker publishes the ports of its containers. */
const PUBLISHED = 8081

interface Backend {
  readonly name: 'ipset' | 'nft'
  readonly attacker: string
  readonly other: string
  /** How portward names it. */
  readonly where: string
}

const BACKENDS: readonly Backend[] = [
  {
    name: 'ipset',
    attacker: '203.0.113.101',
    other: '203.0.113.111',
    where: 'ipset portward',
  },
  {
    name: 'nft',
    attacker: '203.0.113.102',
    other: '203.0.113.112',
    where: 'nft inet portward',
  },
]

/** Banned with the first backend, and not released: a change of the backend has to keep it out. */
const HELD = '203.0.113.110'

/** A server on which bans begin and end, and what tests of that share. */
export interface Lifetime {
  readonly server: () => Server
  /** Applies this config.env, without the proof at the end. */
  readonly configure: (config: string) => Promise<void>
}

/** The programs that portsentry and its children start while something happens. */
const tracedDuring = async (server: Server, work: () => Promise<void>): Promise<string[]> => {
  const { stdout } = await execa('ip', ['netns', 'pids', server.network.server])
  const { stdout: daemons } = await execa('ps', ['-o', 'pid=', '-C', 'portsentry'])
  const isDaemon = new Set(daemons.split(/\s+/))
  const pids = stdout.split('\n').filter((pid) => isDaemon.has(pid))
  const strace = spawn('strace', ['-f', '-e', 'trace=execve', ...pids.flatMap((pid) => ['-p', pid])], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(strace, 'exit')
  let text = ''
  strace.stderr.on('data', (chunk) => {
    text += chunk
  })
  await eventually('strace is attached', () => pids.every((pid) => text.includes(`Process ${pid} attached`)))
  await work()
  strace.kill('SIGINT')
  await ended
  return [...text.matchAll(/execve\("([^"]+)".*= 0$/gm)].map(([, path = '']) => basename(path))
}

/** Boots a server, and declares the life of a ban with each backend, in order. */
export const describeLifetime = (suite: Suite, units: readonly string[]): Lifetime => {
  let server: Server
  let stopListener: (() => Promise<void>) | undefined

  const configure = async (config: string): Promise<void> => {
    await server.write('/root/config.env', DEFAULT_CONFIG + config, 0o600)
    await applyUnproven(server)
  }
  const isCutOff = async (source: string): Promise<boolean> =>
    !(await server.attacker.reaches(OPEN_PORT, { source, timeoutMs: 1000 }))
  const assumeReleased = async (attacker: string): Promise<void> => {
    await expectBannedNowhere(server, attacker)
    expect(await server.attacker.reaches(OPEN_PORT, { source: attacker })).toBe(true)
  }
  /** What libwrap would do with the host. */
  const access = async (host: string) =>
    /^access: +(\w+)/m.exec((await server.run(`tcpdmatch sshd ${host}`)).stdout)?.[1]
  /** Rules of the admin that accept everybody, and a port of the LAN peer that Docker's rules publish. */
  const openUp = async (): Promise<void> => {
    await server.lan.exec('ip', 'route', 'replace', '203.0.113.0/24', 'via', addresses.server.lan)
    const inServer = ['netns', 'exec', server.network.server]
    await execa('ip', [...inServer, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1'])
    await server.run(`
      nft add table inet own '{ chain input { type filter hook input priority -150; accept; }; }'
      iptables -I INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT
      iptables -t nat -A PREROUTING -d 203.0.113.1 -p tcp --dport ${PUBLISHED} -j DNAT --to-destination ${addresses.lan.v4}:${PUBLISHED}
      iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -I FORWARD -j DOCKER-USER
      iptables -I FORWARD 2 -p tcp --dport ${PUBLISHED} -j ACCEPT`)
  }
  /** The members of portward's ban sets that are this host, a line each. */
  const inKernel = async (host: string): Promise<string> =>
    (
      await server.run(
        `${LIST_BANS} | grep -oE '${host.replaceAll('.', '\\.')}( timeout [0-9a-z]+)?' || true`,
      )
    ).stdout

  beforeAll(async () => {
    server = await startServer({ suite, floor: 'provisioned' })
    await server.listen(OPEN_PORT)
    stopListener = await startListener(server.lan.namespace, PUBLISHED)
    await installFaults(server)
    await server.run(
      `${install('nftables')} && systemctl enable --now nftables && systemctl reload portward-bans`,
    )
  })
  afterAll(async () => {
    await server?.stop()
    await stopListener?.()
  })

  for (const { name, attacker, other, where } of BACKENDS) {
    if (name === 'nft')
      it('nft: takes over what ipset has banned, and lets nobody in meanwhile', async () => {
        await installSshd(server)
        await server.run('systemctl disable --now portward-bans')
        expect(await isCutOff(HELD)).toBe(true)
        let isApplied = false
        const applied = configure('BAN_BACKEND=nft\nBANTIME=-1\n').finally(() => {
          isApplied = true
        })
        while (!isApplied) expect(await isCutOff(HELD)).toBe(true)
        await applied
        await expectBannedEverywhere(server, HELD)
        expect(await access(HELD)).toBe('denied')
        expect(
          (await server.run('ipset list -name; iptables-save -t raw; ip6tables-save -t raw')).stdout,
        ).not.toMatch(/portward/i)
        await server.run('systemctl is-enabled portward-bans && systemctl is-active portward-bans')
      })

    it(`${name}: bans at once by one command, ahead of the admin's rules and of Docker's, and never the LAN`, async () => {
      await addAttacker(server, attacker)
      await openUp()
      expect(await server.attacker.reaches(PUBLISHED, { source: attacker })).toBe(true)
      await expectSpared(server)
      const programs = await tracedDuring(server, () => expectBanned(server, attacker, [1]))
      expect(programs).toEqual(['sh', name])
      await expectSpared(server)
      expect(await server.attacker.reaches(PUBLISHED, { source: attacker, timeoutMs: 1000 })).toBe(false)
      await expectBannedEverywhere(server, attacker)
      expect(await inKernel(attacker)).toMatch(
        name === 'ipset' ? /^203\.0\.113\.101 timeout 86[34]\d\d$/ : /^203\.0\.113\.102$/,
      )
      await portward(server, 'plan', 0)
    })

    it(`${name}: refuses it by hosts.deny only where a daemon asks that`, async () => {
      const { stdout } = await server.run("sed '/^#/d; /^$/d' /etc/hosts.deny")
      expect(stdout).toBe(name === 'ipset' ? '' : 'ALL: /run/portward/denied')
      expect(await access(attacker)).toBe(name === 'ipset' ? 'granted' : 'denied')
      expect(await access(addresses.lan.v4)).toBe('granted')
    })

    it.each([
      `systemctl restart ${units.join(' ')} fail2ban`,
      'systemctl restart nftables',
      'systemctl reload nftables',
      'systemctl stop fail2ban',
      'systemctl start fail2ban',
    ])(`${name}: keeps it out through %s`, async (command) => {
      await server.run(command)
      await expectCutOff(server, attacker)
      expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
    })

    it(`${name}: has the same after all of that, and more scans`, async () => {
      await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: attacker })
      await expectBannedEverywhere(server, attacker)
      expect((await inKernel(attacker)).split('\n')).toHaveLength(1)
    })

    it(`${name}: notices each minute that somebody has flushed the rules, and loads them again`, async () => {
      const soon = '/run/systemd/system/portward-bans.service.d'
      await server.run(`mkdir -p ${soon}
        sed -n 's/^ExecStart=.*/[Service]\\nExecStart=\\n&/; s/sleep 60/sleep 1/p' /etc/systemd/system/portward-bans.service >${soon}/soon.conf
        systemctl daemon-reload; systemctl restart portward-bans`)
      expect(await server.readText(`${soon}/soon.conf`)).toContain('while sleep 1;')
      await server.run('nft flush ruleset; ! nft list ruleset | grep -iE "portward"')
      await expectCutOff(server, attacker)
      await server.run(`rm -r ${soon}; systemctl daemon-reload; systemctl restart portward-bans`)
      await expectSpared(server)
      await portward(server, 'plan', 0)
    })

    it(`${name}: has it everywhere after a reboot, before anybody scans`, async () => {
      await server.reboot()
      await addAttacker(server, attacker)
      expect(await isCutOff(attacker)).toBe(true)
      await expectBannedEverywhere(server, attacker)
      await portward(server, 'plan', 0)
    })

    it(`${name}: says what keeps it out, and releases it everywhere by unban`, async () => {
      expect(JSON.parse(await portward(server, `explain ${attacker} --json`, 0))).toMatchObject({
        verdict: 'banned',
        firewall: { state: 'banned', details: `${where}, which precedes all other rules` },
      })
      await portward(server, `unban ${attacker}`, 0)
      await assumeReleased(attacker)
      expect(await access(attacker)).toBe('granted')
      await expectBannedAgain(server, attacker)
    })

    it(`${name}: releases it everywhere by fail2ban's own commands, and bans its next scan`, async () => {
      await server.run(`fail2ban-client set portsentry unbanip ${attacker}`)
      await assumeReleased(attacker)
      await expectBannedAgain(server, attacker)
      await server.run('fail2ban-client unban --all')
      await assumeReleased(attacker)
    })

    it(`${name}: ends a ban when its time is over, bans the next scan for longer, and permanently with -1`, async () => {
      await configure(`BAN_BACKEND=${name}\nBANTIME=10\n`)
      await expectBanned(server, attacker, [1])
      await assumeReleased(attacker)
      await expectBanned(server, attacker, [1])
      await eventually('the second ban is longer in the kernel', async () => {
        return Number(/ timeout (\d+)/.exec(await inKernel(attacker))?.[1]) > 10
      })
      const { stdout } = await server.run('fail2ban-client get portsentry banip --with-time')
      expect(Number(new RegExp(`^${attacker}.* \\+ (\\d+) = `, 'm').exec(stdout)?.[1])).toBeGreaterThan(10)
      await server.run(
        `fail2ban-client set portsentry bantime -1 && fail2ban-client set portsentry banip ${HELD}`,
      )
      await expectBannedEverywhere(server, HELD)
      expect(await inKernel(HELD)).toBe(name === 'ipset' ? `${HELD} timeout 0` : HELD)
    })

    it(`${name}: ends a ban while fail2ban is stopped`, async () => {
      // A host of its own: until fail2ban releases it, portsentry does not ban the same one again.
      await addAttacker(server, HELD)
      await addAttacker(server, other)
      await server.run('systemctl stop fail2ban')
      await expectBanned(server, other, [1])
      await eventually('the kernel lets it in', () => server.attacker.reaches(OPEN_PORT, { source: other }))
      expect(await isCutOff(HELD)).toBe(true)
      await server.run('systemctl start fail2ban')
      await expectHeld(server, HELD)
    })
  }

  return { server: () => server, configure }
}
