import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { checkout } from '../checkout.ts'
import { type Controller, type Play, startController } from './ansible/controller.ts'
import { buildPackage } from './deb.ts'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  changedPaths,
  expectBanned,
  expectHeld,
  expectSpared,
  fingerprint,
  manifest,
  OPEN_PORT,
  portward,
} from './scenario.ts'
import { differences, readState } from './sweep/state.ts'

// A play on three servers at once is slow if two cores are shared.
vi.setConfig({ testTimeout: 900_000 })

const SUITES = ['bookworm', 'trixie', 'testing'] as const
type Name = (typeof SUITES)[number]

const UNITS: Readonly<Record<Name, readonly string[]>> = {
  bookworm: ['portsentry'],
  trixie: ['portsentry@atcp', 'portsentry@audp'],
  testing: ['portsentry'],
}

/** What a play must not change if there is nothing to do. */
const WATCHED = '/etc /usr/local /var/lib/dpkg /var/lib/portsentry /var/lib/portward /root/config.env'

const CONF = '/etc/portsentry/portsentry.conf'

/** In a checkout, as docs/fleet.md has it. */
const PLAYBOOK = '/root/portward/site.json'

describeServers('a fleet of all three releases, driven by Ansible', () => {
  const servers = new Map<Name, Server>()
  const addresses = new Map<Name, { here: string; there: string }>()
  let controller: Controller
  /** What the servers were like before the play in check mode. */
  let provisioned: { configuration: string; files: string[] }[]

  const server = (name: Name): Server => {
    const found = servers.get(name)
    if (found === undefined) throw new Error(`${name} did not start`)
    return found
  }
  const onEach = <T>(look: (server: Server, name: Name) => Promise<T>): Promise<T[]> =>
    Promise.all(SUITES.map((name) => look(server(name), name)))
  const fingerprints = () =>
    onEach(async (each, name) => ({
      configuration: await fingerprint(each, UNITS[name]),
      files: [...(await manifest(each, WATCHED)).values()].sort(),
    }))

  /** Every server with another way to install; config.env is the same for all, except for `variables`. */
  const writeInventory = (more: Partial<Record<Name, object>> = {}, forAll: object = {}) => {
    const host = (name: Name) => {
      const { here, there } = addresses.get(name) ?? {}
      const source =
        name === 'bookworm' ? { portward_bundle: 'dist/portward' } : { portward_deb: 'dist/portward.deb' }
      const config = { LAN_IP: '192.168.1.10', LAN_NM: 24, WHITELIST: here, ...forAll, ...more[name] }
      return { ansible_host: there, ...source, portward_config: config }
    }
    const hosts = Object.fromEntries(SUITES.map((name) => [name, host(name)]))
    return controller.write('/root/inventory.json', { servers: { hosts } })
  }

  /** What a play changed and where it failed, as `{ host: '2 changed' }`. */
  const summary = ({ hosts }: Play) =>
    Object.fromEntries(
      Object.entries(hosts).map(([name, { changed, failed, unreachable }]) => [
        name,
        unreachable > 0 ? 'unreachable' : failed > 0 ? 'failed' : changed > 0 ? 'changed' : 'as before',
      ]),
    )
  const expectPlay = (play: Play, outcomes: Partial<Record<Name, string>>): void => {
    expect(summary(play), play.stdout).toEqual(outcomes)
  }
  /** The lines that a play's `--diff` takes away and adds on a host: each diff stands before the line of its outcome. */
  const diffLines = ({ stdout }: Play, name: Name): string[] => {
    const parts = stdout.split(/^(?:ok|changed|skipping): \[(\w+)\].*$/m)
    return parts
      .filter((_, index) => parts[index + 1] === name)
      .flatMap((text) => text.match(/^[-+](?![-+]).*/gm) ?? [])
  }
  const all = (outcome: string) => ({ bookworm: outcome, trixie: outcome, testing: outcome })

  beforeAll(async () => {
    const { bytes } = buildPackage()
    controller = await startController()
    await controller.server.write('/root/portward/dist/portward.deb', bytes)
    await Promise.all(
      SUITES.map(async (suite) => {
        servers.set(suite, await startServer({ suite, floor: 'ssh-installed' }))
        await server(suite).listen(OPEN_PORT)
      }),
    )
    for (const name of SUITES) addresses.set(name, await controller.connect(server(name)))
    await controller.write(PLAYBOOK, [
      { hosts: 'servers', gather_facts: false, become: true, roles: ['portward.portward.server'] },
    ])
    await writeInventory()
  })
  afterAll(() =>
    Promise.all([controller?.server.stop(), ...[...servers.values()].map((each) => each.stop())]),
  )

  it('says where portward is missing that everything is to be done, and touches nothing', async () => {
    const before = await onEach((each) => manifest(each, WATCHED))
    expectPlay(await controller.play(PLAYBOOK, '--check --diff'), all('changed'))
    const after = await onEach((each) => manifest(each, WATCHED))
    expect(before.map((files, index) => changedPaths(files, after[index] ?? new Map()))).toEqual([[], [], []])
  })

  it('goes on for the others where one fails and one is out of reach; the one that fails is as before', async () => {
    // The command is there and does nothing: the proof at the end of the apply finds that out.
    await writeInventory({ bookworm: { KILL_ROUTE: '/bin/true $TARGET$' } })
    await server('trixie').run('systemctl stop ssh; pkill -x sshd; pkill -x sshd-session; true')
    const before = await readState(server('bookworm'))
    const play = await controller.play(PLAYBOOK)
    expectPlay(play, { bookworm: 'failed', trixie: 'unreachable', testing: 'changed' })
    expect(play.stdout).toContain('the server would not be protected')
    expect(differences(before, await readState(server('bookworm')))).toEqual([])
  })

  it('provisions those two as soon as they are fixed, and keeps it if a later task confirms it', async () => {
    const path = '/root/portward/confirmed.json'
    const role = { role: 'portward.portward.server', vars: { portward_confirm_within: '1h' } }
    await controller.write(path, [
      {
        ...{ hosts: 'servers', gather_facts: false, become: true, roles: [role] },
        tasks: [
          { 'ansible.builtin.meta': 'reset_connection' },
          { 'ansible.builtin.command': 'portward confirm', changed_when: false },
        ],
      },
    ])
    await writeInventory()
    await server('trixie').run('systemctl start ssh')
    const play = await controller.play(path, '--limit bookworm,trixie')
    expectPlay(play, { bookworm: 'changed', trixie: 'changed' })
    for (const name of ['bookworm', 'trixie'] as const) {
      await server(name).run('! test -e /etc/systemd/system/portward-unconfirmed.timer')
    }
    const configs = await onEach(async (each) => (await each.run('stat -c "%a %U" /root/config.env')).stdout)
    expect(configs).toEqual(['600 root', '600 root', '600 root'])
  })

  it('has each of them ban its attacker, but not its LAN', async () => {
    await onEach(async (each) => {
      await expectBanned(each)
      await expectSpared(each)
      // What it writes then is written before anything is compared.
      await expectHeld(each, '203.0.113.9')
      await eventually('portsentry 1.2 may ban the host again', () =>
        each.run('! cat /var/lib/portsentry/portsentry.blocked.* 2>/dev/null | grep -q .'),
      )
    })
  })

  it('shares bans: whoever one has banned is banned by the others, until the same time', async () => {
    const host = '203.0.113.44'
    const path = '/root/portward/share-bans.yml'
    await controller.server.write(path, readFileSync(join(checkout, 'examples/ansible/share-bans.yml')))
    await portward(server('bookworm'), `ban ${host} --for 2h --reason abuse`, 0)
    const rows = () =>
      onEach(async (each) => {
        const { bans } = JSON.parse(await portward(each, 'bans --json', 0))
        return bans.find(({ address }: { address: string }) => address === host)
      })
    // The attacker has the same address for all three, and each has banned it itself.
    const expected = { bookworm: 'as before', trixie: 'changed', testing: 'changed' }
    const planned = await controller.play(path, '--check --diff')
    expectPlay(planned, expected)
    expect(planned.stdout).toMatch(/^banned 203\.0\.113\.44, until /m)
    expect((await rows()).slice(1)).toEqual([undefined, undefined])
    expectPlay(await controller.play(path), expected)
    const [origin, ...others] = await rows()
    expect(origin).toMatchObject({ source: 'by hand', from: null, reason: 'abuse', missing: [] })
    for (const row of others) {
      expect(row).toMatchObject({ source: 'another server', from: 'server', reason: 'abuse', missing: [] })
      expect(Math.abs(Date.parse(row.until) - Date.parse(origin.until))).toBeLessThanOrEqual(2000)
    }
    expectPlay(await controller.play(path), all('as before'))
  })

  it('shows in check mode what has drifted and what a new variable would change, where that is so', async () => {
    await server('trixie').run(`sed -i 's/^BLOCK_TCP="1"/BLOCK_TCP="0"/' ${CONF}`)
    await writeInventory({ bookworm: { BANTIME: '2d' } })
    provisioned = await fingerprints()
    const play = await controller.play(PLAYBOOK, '--check --diff')
    expectPlay(play, { bookworm: 'changed', trixie: 'changed', testing: 'as before' })
    expect(diffLines(play, 'trixie')).toEqual(['-BLOCK_TCP="0"', '+BLOCK_TCP="1"'])
    expect(play.stdout).toContain(`--- a${CONF}\n+++ b${CONF}\n`)
    const added = diffLines(play, 'bookworm').filter((line) => line.startsWith('+'))
    expect(added).toEqual(expect.arrayContaining(['+bantime = 2d', "+BANTIME='2d'"]))
    expect(await fingerprints()).toEqual(provisioned)
  })

  it('fixes the drift, and changes nothing on the others: no write, no restart', async () => {
    await writeInventory()
    expectPlay(await controller.play(PLAYBOOK), { ...all('as before'), trixie: 'changed' })
    const after = await fingerprints()
    expect([after[0], after[2]]).toEqual([provisioned[0], provisioned[2]])
    await portward(server('trixie'), 'plan', 0)
  })

  it('runs the portward that it has brought: not another one on the path, nor an older build of the same version', async () => {
    const path = '/root/portward/dist/portward.deb'
    await server('trixie').write('/usr/local/bin/portward', '#!/bin/sh\nexit 1\n', 0o755)
    await controller.server.run(`
      cd /root && dpkg-deb --raw-extract ${path} rebuilt
      echo '// rebuilt' >>rebuilt/usr/lib/portward/cli.cjs
      dpkg-deb --root-owner-group --build rebuilt ${path}`)
    expectPlay(await controller.play(PLAYBOOK, '--limit trixie'), { trixie: 'changed' })
    await server('trixie').run('tail -n 1 /usr/lib/portward/cli.cjs | grep -x "// rebuilt"')
  })
})
