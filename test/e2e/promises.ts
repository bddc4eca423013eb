import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Suite } from './harness/base-image.ts'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  addAttacker,
  changedPaths,
  expectBanned,
  expectBannedEverywhere,
  expectCutOff,
  expectHeld,
  expectSpared,
  fingerprint,
  forge,
  installSshd,
  LIST_BANS,
  manifest,
  OPEN_PORT,
  portward,
  provide,
} from './scenario.ts'
import { differences, readState, type State, withoutTimes } from './sweep/state.ts'

/** The visible differences between the releases of Debian. */
export interface Expectations {
  readonly suite: Suite
  readonly release: string
  readonly portsentry: RegExp
  readonly node: RegExp
  /** Files that the first apply changes, against the stock packages. */
  readonly changed: readonly string[]
  /** The kinds of the first plan's steps, in order. */
  readonly steps: readonly string[]
  readonly units: readonly string[]
  readonly history: string
  readonly filter: string
  /** A line of the history that must lead to a ban. */
  readonly triggering: RegExp
  readonly seesIPv6: boolean
  /** A change by hand in each managed file: path, sed script, what the diff must bring back. */
  readonly drifts: readonly (readonly [path: string, script: string, restored: string])[]
}

/** Files that the first apply creates on every release. */
export const OWN_FILES = [
  '/etc/portward/addresses',
  '/etc/portward/bans.conf',
  '/etc/portward/rules.ip6tables',
  '/etc/portward/rules.ipset',
  '/etc/portward/rules.iptables',
  '/etc/systemd/system/portward-bans.service',
  '/usr/local/lib/portward/action.py',
  '/usr/local/lib/portward/bans.py',
  '/usr/local/lib/portward/by-hand.py',
] as const

/** A manual change in each file of portsentry 1.2. */
export const CLASSIC_DRIFTS: Expectations['drifts'] = [
  ['/etc/default/portsentry', 's/"atcp"/"stcp"/', 'TCP_MODE="atcp"'],
  ['/etc/portsentry/portsentry.conf', 's/^BLOCK_TCP="1"/BLOCK_TCP="0"/', 'BLOCK_TCP="1"'],
  ['/etc/hosts.allow', '/192.168.1.0/d', 'ALL: 192.168.1.0/255.255.255.0'],
  ['/etc/portsentry/portsentry.ignore.static', '/^192.168.1.0/d', '192.168.1.0/24'],
  ['/etc/fail2ban/jail.d/portsentry.conf', 's/^bantime =.*/bantime = 10/', 'bantime = 1d'],
]

const WATCHED = '/etc /var/lib/portsentry /root /usr/local/lib/portward/*.py'

/** Written by the daemons and by systemd when they run, not by portward. */
const isRuntime = (path: string): boolean =>
  path === '/etc/portsentry/portsentry.ignore' || path.includes('portsentry.blocked')

/** A name server without a route to it, so that nothing waits for its answer. */
const RESOLVER = '192.0.2.53'
/** Hosts that must not be banned because of packets with their forged source address. */
const FORGED = [RESOLVER, '169.254.169.254', '203.0.113.255', '224.0.0.1', '240.0.0.1', '0.1.2.3']

const UNPROTECTED = '203.0.113.99'

const CONFIG = 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\nWHITELIST=fd00:1::/64\n'

/** The table of promises, on one release: one server from untouched to provisioned, in order. */
export const describePromises = (release: Expectations): void => {
  const { suite, units, history, seesIPv6 } = release

  describeServers(`the promises on a fresh ${suite}`, () => {
    let server: Server
    let stock: Server
    let bare: State
    let diff: string

    beforeAll(async () => {
      ;[server, stock] = await Promise.all([
        startServer({ suite }),
        startServer({ suite, floor: 'installed', boot: false }),
      ])
      await provide(server, CONFIG)
      await stock.write('/root/config.env', CONFIG, 0o600)
      for (const each of [server, stock]) await each.write('/etc/resolv.conf', `nameserver ${RESOLVER}\n`)
      bare = await readState(server)
    })
    afterAll(async () => {
      await Promise.all([server?.stop(), stock?.stop()])
    })

    it('plans on the untouched server, and touches nothing', async () => {
      const before = await manifest(server, WATCHED)
      expect(await portward(server, 'plan --verbose', 2)).toMatch(release.portsentry)
      const { stdout, exitCode } = await server.run('COLUMNS=80 portward plan', { allowFailure: true })
      expect(exitCode).toBe(2)
      expect(stdout).toMatch(/^next: portward apply$/m)
      expect(stdout.split('\n').length).toBeLessThanOrEqual(100)
      diff = await portward(server, 'plan --format diff', 2)
      const plan = JSON.parse(await portward(server, 'plan --json', 2))
      expect(plan).toMatchObject({ version: 3, command: 'plan', release: release.release, inSync: false })
      const kinds: string[] = plan.steps.map(({ kind }: { kind: string }) => kind)
      expect(kinds.filter((kind, index) => kind !== kinds[index - 1])).toEqual(release.steps)
      expect(changedPaths(before, await manifest(server, WATCHED))).toEqual([])
    })

    it('applies, on the nodejs of the release', async () => {
      expect((await server.run('node --version')).stdout).toMatch(release.node)
      const said = await portward(server, 'apply --yes', 0)
      expect(said).toMatch(/^applied: \d+ steps?\b/m)
      expect(said).toMatch(/^verified: \d+ passed, 0 warnings, 0 failed: /m)
    })

    it('has changed what the plan said, byte for byte: patch gives the same from the stock files', async () => {
      const before = await manifest(stock, WATCHED)
      const after = await manifest(server, WATCHED)
      const isManaged = (path: string) => release.changed.includes(path) || !isRuntime(path)
      expect(changedPaths(before, after).filter(isManaged)).toEqual(release.changed)
      await stock.run('dpkg -i /var/cache/apt/archives/patch_*.deb && patch -p1 -d /', { stdin: `${diff}\n` })
      const patched = await manifest(stock, WATCHED)
      for (const path of release.changed) expect(patched.get(path)).toBe(after.get(path))
    })

    it('is in sync afterwards, and every daemon runs and starts at boot', async () => {
      const status = await portward(server, 'status', 0)
      expect(status).toMatch(/^healthy: both daemons run and watch, \d+ hosts? banned, nothing has drifted\n/)
      expect(status).toMatch(/^drift +none$/m)
      expect(await portward(server, 'status --check --quiet', 0)).toBe('')
      expect(status).not.toMatch(/NOT/)
      expect(status).toMatch(/^hosts\.allow +no daemon here is known/m)
    })

    it('bans a scanner at once, but not a LAN peer that scans the same ports', async () => {
      expect(await server.lan.reaches(OPEN_PORT)).toBe(true)
      await expectSpared(server)
      // Without a default route the kernel would drop packets of sources to which it has no route back.
      await server.run(`ip route add ${RESOLVER} dev wan0 && ip route add 169.254.0.0/16 dev wan0`)
      await forge(server, FORGED)
      await expectBanned(server)
      await expectSpared(server)
    })

    it('has the ban in every place, and the attacker only', async () => {
      await eventually('fail2ban has the ban', async () => {
        const status = await server.run('fail2ban-client status portsentry')
        return /Banned IP list:\s*203\.0\.113\.9$/m.test(status.stdout)
      })
      await expectBannedEverywhere(server, addresses.attacker.v4)
      const { stdout: members } = await server.run(`${LIST_BANS} | grep '^add '`)
      expect(members).toMatch(/^add portward-hosts4 203\.0\.113\.9 timeout \d+$/)
      expect(await portward(server, 'bans', 0)).toMatch(
        /^203\.0\.113\.9 .* 1\/tcp +portsentry.* fail2ban, (?:blocked file, )?firewall$/m,
      )
    })

    it('bans for UDP', async () => {
      await server.attacker.sendUdp('203.0.113.1', 7, { source: addresses.attacker.other })
      await expectCutOff(server, addresses.attacker.other)
    })

    it('bans the source of a forged packet, unless the server depends on that host or no host has the address', async () => {
      await forge(server, [...FORGED, UNPROTECTED])
      await eventually('the unprotected host is banned', async () =>
        (await server.run(LIST_BANS)).stdout.includes(` ${UNPROTECTED} timeout`),
      )
      const { stdout } = await server.run(LIST_BANS)
      for (const address of FORGED) expect(stdout).not.toContain(` ${address} timeout`)
      // 1.2 does not log hosts that it ignores.
      if (seesIPv6)
        expect(await server.readText(history)).toMatch(/from: \[192\.0\.2\.53\] .* ignored: \[true\]/)
    })

    if (seesIPv6)
      it('bans an IPv6 attacker, but not an IPv6 LAN peer', async () => {
        const { wan6, lan6 } = addresses.server
        const reaches = (timeoutMs: number) =>
          server.attacker.reaches(OPEN_PORT, { address: wan6, timeoutMs })
        expect(await reaches(10_000)).toBe(true)
        await server.lan.scan(lan6, [1, 7, 111])
        await server.attacker.scan(wan6, [1, 7, 111])
        await eventually('the IPv6 attacker is cut off', async () => !(await reaches(1000)))
        expect(await server.lan.reaches(OPEN_PORT, { address: lan6 })).toBe(true)
        expect((await server.run(LIST_BANS)).stdout).toMatch(/^add portward-hosts6 2001:db8::9 timeout/m)
      })

    it('has a filter that matches every triggering line of the real daemon and no other', async () => {
      // The daemon may still be writing.
      await server.run(`cp ${history} /run/history`)
      const lines = (await server.readText('/run/history')).split('\n').filter(Boolean)
      const triggering = lines.filter((line) => release.triggering.test(line))
      expect(triggering.length).toBeGreaterThan(0)
      const { stdout } = await server.run(`fail2ban-regex /run/history ${release.filter}`)
      expect(stdout).toMatch(
        new RegExp(`^Lines: ${lines.length} lines, 0 ignored, ${triggering.length} matched`, 'm'),
      )
    })

    it('has the jail that was asked for, as fail2ban reads it', async () => {
      const { stdout } = await server.run('fail2ban-client -d')
      for (const command of [
        "['add', 'portsentry', 'polling']",
        `['set', 'portsentry', 'addlogpath', '${history}', 'head']`,
        "['set', 'portsentry', 'bantime', '1d']",
        "['set', 'portsentry', 'maxretry', 1]",
        "['start', 'portsentry']",
      ]) {
        expect(stdout).toContain(command)
      }
      expect(stdout).toMatch(/'portsentry', 'addignoreip', .*'192\.168\.1\.0\/24'/)
    })

    it('is in sync, and changes nothing the second time: no write, no restart', async () => {
      await expectHeld(server, UNPROTECTED)
      await eventually('its action has emptied the blocked files', async () => {
        const { stdout } = await server.run('cat /var/lib/portsentry/portsentry.blocked.* || :')
        return !stdout.includes(UNPROTECTED)
      })
      const before = await fingerprint(server, units)
      expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
      expect(await fingerprint(server, units)).toBe(before)
    })

    it('shows a drift in each of its files, and in no other, and fixes them', async () => {
      const { drifts } = release
      const readAll = () => Promise.all(drifts.map(([path]) => server.read(path)))
      const wanted = await readAll()
      for (const [path, script] of drifts) await server.run(`sed -i '${script}' ${path}`)
      const plan = JSON.parse(await portward(server, 'plan --json', 2))
      const writes: { path: string; diff: string }[] = plan.steps.filter(
        ({ kind }: { kind: string }) => kind === 'write',
      )
      expect(writes.map(({ path }) => path).sort()).toEqual(drifts.map(([path]) => path).sort())
      for (const [path, , restored] of drifts)
        expect(writes.find((step) => step.path === path)?.diff).toContain(restored)
      await portward(server, 'apply --yes', 0)
      expect(await readAll()).toEqual(wanted)
      expect(await portward(server, 'status', 0)).toMatch(/^drift +none$/m)
    })

    it('has hosts.deny name the banned hosts once sshd is there, which asks it', async () => {
      await installSshd(server)
      expect(await portward(server, 'plan --format diff', 2)).toMatch(/^\+ALL: \/run\/portward\/denied$/m)
      const { stdout } = await server.run('portward status', { allowFailure: true })
      expect(stdout).toMatch(/^hosts\.allow .* used here by sshd$/m)
    })

    it('logs scans and does not ban with OBSERVE_ONLY=1', async () => {
      const observer = '203.0.113.78'
      await addAttacker(server, observer)
      await server.write('/root/config.env', `${CONFIG}OBSERVE_ONLY=1\n`, 0o600)
      // One of its checks is that there is nothing left to do.
      expect(await portward(server, 'apply --yes', 0)).toMatch(/^verified: \d+ passed, 0 warnings, 0 failed/m)
      await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: observer })
      await eventually('the scan is logged', async () => (await server.readText(history)).includes(observer))
      expect(await server.attacker.reaches(OPEN_PORT, { source: observer })).toBe(true)
      expect((await server.run(`${LIST_BANS}; cat /etc/hosts.deny`)).stdout).not.toContain(observer)
      expect((await server.run('fail2ban-client status')).stdout).not.toContain('portsentry')
    })

    it('restores the bare server: no package, no file, no unit, no rule is left', async () => {
      await server.write('/root/config.env', CONFIG, 0o600)
      const { generations } = JSON.parse(await portward(server, 'generations --json', 0))
      expect(generations.at(-1)).toMatchObject({ number: 1, state: 'applied' })
      expect(generations.at(-1).packages).toContain('portsentry')
      await portward(server, 'rollback 1 --yes', 0)
      // What systemd does only at the first boot was done before.
      const isLasting = (line: string) => !/^active (?!.*(portsentry|fail2ban|portward))/.test(line)
      const changes = differences(withoutTimes(bare), withoutTimes(await readState(server)))
      expect(changes.filter(isLasting)).toEqual([])
      expect(await portward(server, 'generations', 0)).toMatch(/^ +1 {2}\S+ \S+ \S+ {2}rolled back$/m)
      // The programs that could show a rule were removed with the packages.
      const { stdout } = await execa('ip', ['netns', 'exec', server.network.server, 'nft', 'list', 'ruleset'])
      expect(stdout).not.toMatch(/drop|reject|f2b|portward/)
    })
  })
}
