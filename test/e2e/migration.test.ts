import { once } from 'node:events'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { applyFirstVersion } from './first-version.ts'
import type { Suite } from './harness/base-image.ts'
import { DEFAULT_CONFIG, install, OPEN_PORT } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { addAttacker, expectBanned, expectCutOff, expectHeld, portward, provide } from './scenario.ts'
import { differences, readState, type State, withoutTimes } from './sweep/state.ts'

const DENY = '/etc/hosts.deny'
const HELD = addresses.attacker.v4
/** Banned only by the old program. */
const RECORDED = addresses.attacker.other
const FREE = '203.0.113.50'
const NEW = '203.0.113.60'

/** Lines of an admin, of which the last one looks like one of the old program. */
const ADMINS = 'sshd: 192.0.2.7\nALL: 198.51.100.77 : DENY\n'

/** Tries to connect from each source every 50 ms until its input ends. A line a connection. */
const PROBE = `
import select, socket, sys, time
host, port, sources = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
waiting = {}
while not select.select([sys.stdin], [], [], 0)[0]:
    for source in sources:
        each = socket.socket()
        each.setblocking(False)
        each.bind((source, 0))
        each.connect_ex((host, port))
        waiting[each] = source, time.time()
    until = time.time() + 0.05
    while (rest := until - time.time()) > 0:
        for each in select.select([], list(waiting), [], rest)[1]:
            source, _ = waiting.pop(each)
            if each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0: print(source, f'{time.time():.2f}', flush=True)
            each.close()
    for each in [each for each, (_, since) in waiting.items() if since < time.time() - 2]:
        del waiting[each]
        each.close()
`

/** Does something while both attackers and another host try to connect. Returns when the attackers got in. */
const answersDuring = async (server: Server, work: () => Promise<unknown>): Promise<string[]> => {
  const sources = [HELD, RECORDED, FREE]
  const command = ['netns', 'exec', server.attacker.namespace, 'python3', '-c', PROBE]
  const probe = execa('ip', [...command, addresses.server.wan, String(OPEN_PORT), ...sources])
  try {
    // The host that is not banned gets an answer.
    await once(probe.stdout, 'data')
    await work()
  } finally {
    probe.stdin.end()
  }
  const { stdout } = await probe
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith(`${FREE} `))
}

interface Case {
  readonly suite: Suite
  /** What the first version changed there, in fixtures/first-version. */
  readonly patch: string
  readonly config: string
  /** What is different there from the floor `installed`. */
  readonly prepare: string
  /** What prints the elements of the new ban set. */
  readonly members: string
  /** What prints rules of the first version. */
  readonly oldRules: string
  readonly asksWrappers: boolean
}

const CASES: readonly Case[] = [
  {
    suite: 'bookworm',
    patch: 'debian-12.patch',
    config: 'BAN_BACKEND=iptables\n',
    // sshd's program alone: it is linked with libwrap, which is what counts.
    prepare: `apt-get purge -y -q --autoremove ipset
      dpkg-deb --fsys-tarfile /var/cache/apt/archives/openssh-server_*.deb | tar -x -C / ./usr/sbin/sshd`,
    members: 'ipset save | grep ^add',
    oldRules: 'iptables-save -t filter; ip6tables-save -t filter',
    asksWrappers: true,
  },
  {
    suite: 'testing',
    patch: 'debian-testing.patch',
    config: 'BAN_BACKEND=nft\n',
    prepare: install('nftables'),
    members: 'nft list table inet portward',
    oldRules: 'nft list chain inet portward input; nft list set inet portward banned',
    asksWrappers: false,
  },
]

/** The remaining time of a ban, what portsentry has logged since, and what the old program has written again. */
const isMoving = (line: string): boolean =>
  line.startsWith('rule elements =') ||
  line.includes('/portsentry.history') ||
  / \/run\/portward(?:\/(?!denied)|: )/.test(line) ||
  line.startsWith(`file ${DENY}`)

for (const { suite, patch, config, prepare, members, oldRules, asksWrappers } of CASES) {
  describeServers(`a server of the first version on ${suite}`, () => {
    let server: Server
    let original: State
    let old: State
    let oldDeny: string

    const output = async (command: string): Promise<string> =>
      (await server.run(`{ ${command}\n} 2>/dev/null || true`)).stdout
    const changedSince = async (wanted: State, view = (state: State) => state): Promise<string[]> =>
      differences(view(wanted), view(await readState(server))).filter((line) => !isMoving(line))
    /** Has the old program ban a host that fail2ban has not banned. */
    const recordOnly = async (): Promise<void> => {
      await server.run(`fail2ban-client set portsentry unbanip ${RECORDED}
        sh /etc/portward/firewall add ${RECORDED}`)
      await expectCutOff(server, RECORDED)
      expect(await output('fail2ban-client get portsentry banip')).not.toContain(RECORDED)
    }
    const failedUnits = () => output('systemctl list-units --failed --plain --no-legend')

    beforeAll(async () => {
      server = await startServer({ suite, floor: 'installed' })
      await server.run(prepare)
      await provide(server, DEFAULT_CONFIG + config)
      await addAttacker(server, FREE)
      await addAttacker(server, NEW)
      await server.run(`cat >>${DENY}`, { stdin: ADMINS })
      original = await readState(server)
      await applyFirstVersion(server, patch)
      await expectBanned(server, HELD)
      await expectHeld(server, HELD)
      await recordOnly()
      oldDeny = await server.readText(DENY)
      expect(oldDeny).toContain(`ALL: ${RECORDED} : DENY\n`)
      old = await readState(server)
    })
    afterAll(() => server?.stop())

    it('is as before where the apply fails at its end', async () => {
      await server.write(
        '/run/sabotage.env',
        `${DEFAULT_CONFIG}${config}KILL_ROUTE='/bin/true $TARGET$'\n`,
        0o600,
      )
      const answers = await answersDuring(server, () =>
        portward(server, '--config /run/sabotage.env apply --yes', 1),
      )
      expect(answers).toEqual([])
      expect(await changedSince(old)).toEqual([])
      expect(await server.readText(DENY)).toBe(oldDeny)
      expect(await failedUnits()).toBe('')
    })

    it('moves to the ban set with one apply, and releases no host on the way', async () => {
      // The failed apply has passed the bans to fail2ban, which restores them a moment after its start.
      for (const host of [HELD, RECORDED]) await expectHeld(server, host)
      await recordOnly()
      const answers = await answersDuring(server, () => portward(server, 'apply --yes', 0))
      expect(answers).toEqual([])
      await portward(server, 'plan', 0)
      for (const host of [HELD, RECORDED]) {
        expect(await output(members)).toContain(host)
        await expectHeld(server, host)
        await expectCutOff(server, host)
      }
    })

    it('has nothing old left, and the admin’s lines', async () => {
      expect(await output(oldRules)).not.toMatch(/PORTWARD|banned|input/)
      expect(
        await output(
          "find /etc /run/portward /var/lib/portward -path '*generations*' -prune -o -regex '.*\\(portward-\\(firewall\\|sync\\).*\\|portward/\\(firewall.*\\|lock\\|going\\)\\|lib/portward/bans\\|action.d/portward.*\\)' -print",
        ),
      ).toBe('')
      expect(await output("systemctl list-units --all --plain --no-legend 'portward-[fs]*'")).toBe('')
      expect(await failedUnits()).toBe('')
      const named = asksWrappers ? 'ALL: /run/portward/denied\n' : ''
      expect((await server.readText(DENY)).replace(/^#.*\n/gm, '').trimStart()).toBe(ADMINS + named)
      if (asksWrappers) {
        expect(await output(`tcpdmatch sshd ${RECORDED}`)).toMatch(/^access: +denied$/m)
        // Daemons that do not run as root read it, too.
        expect(await output('stat -c %a /run/portward /run/portward/denied')).toBe('755\n644')
      }
    })

    it('bans who scans, and frees by unban', async () => {
      await expectBanned(server, NEW, [1])
      await expectHeld(server, NEW)
      for (const host of [NEW, RECORDED]) {
        await portward(server, `unban ${host}`, 0)
        expect(await server.attacker.reaches(OPEN_PORT, { source: host })).toBe(true)
      }
      await server.run(`fail2ban-client set portsentry banip ${RECORDED}`)
      await expectCutOff(server, RECORDED)
    })

    it('is as before after a rollback, and nothing new is left', async () => {
      const answers = await answersDuring(server, () => portward(server, 'rollback --yes', 0))
      expect(answers).toEqual([])
      await expectHeld(server, HELD)
      expect(await changedSince(old)).toEqual([])
      expect(await server.readText(DENY)).toBe(oldDeny)
      expect(await output('ls /usr/local/lib/portward')).toBe('bin\ndist')
      expect(await output(`${members}; iptables-save -t raw; ls /run/portward/denied`)).not.toMatch(
        /portward-hosts|PORTWARD|hosts4|denied/,
      )
      expect(await failedUnits()).toBe('')
      for (const host of [HELD, RECORDED]) await expectCutOff(server, host)
      await expectBanned(server, NEW, [1])
      expect(await output('cat /var/lib/portward/bans')).toContain(`${NEW} `)
    })

    if (suite === 'bookworm')
      it('comes to another target, whose rules are in the old chain, and back', async () => {
        await server.write('/run/reject.env', `${DEFAULT_CONFIG}${config}BAN_TARGET=REJECT\n`, 0o600)
        const answers = await answersDuring(server, async () => {
          await portward(server, '--config /run/reject.env apply --yes', 0)
          expect(await output('iptables -S PORTWARD | grep -v RETURN')).toBe(
            '-N PORTWARD\n-A PORTWARD -m set --match-set portward-hosts4 src -j REJECT --reject-with icmp-port-unreachable',
          )
          expect(await output('iptables -S INPUT; iptables -S FORWARD')).toMatch(
            /-j PORTWARD\n[\s\S]*-j PORTWARD$/,
          )
          await portward(server, 'rollback --yes', 0)
        })
        expect(answers).toEqual([])
        expect(await output('iptables -S PORTWARD')).toMatch(/-s 203\.0\.113\.77\/32 -j DROP$/m)
        expect(await output('ipset save')).toBe('')
      })

    it('is without portward after a rollback of what the first version did', async () => {
      // With the program in force, or both at once after it was replaced.
      if (suite === 'testing') await portward(server, 'apply --yes', 0)
      await portward(server, 'rollback 1 --yes', 0)
      expect(await changedSince(original, withoutTimes)).toEqual([])
      expect(await failedUnits()).toBe('')
      for (const host of [HELD, RECORDED, NEW])
        expect(await server.attacker.reaches(OPEN_PORT, { source: host })).toBe(true)
    })
  })
}
