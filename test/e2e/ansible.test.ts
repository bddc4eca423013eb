import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Controller, type Play, startController } from './ansible/controller.ts'
import { eventually } from './harness/eventually.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import {
  changedPaths,
  expectBanned,
  expectSpared,
  fingerprint,
  manifest,
  OPEN_PORT,
  portward,
} from './scenario.ts'
import { differences, readState } from './sweep/state.ts'

// A play on three servers at once is slow where two cores are shared.
vi.setConfig({ testTimeout: 900_000 })

const checkout = join(import.meta.dirname, '../..')

const SUITES = ['bookworm', 'trixie', 'testing'] as const
type Name = (typeof SUITES)[number]

const UNITS: Readonly<Record<Name, readonly string[]>> = {
  bookworm: ['portsentry'],
  trixie: ['portsentry@atcp', 'portsentry@audp'],
  testing: ['portsentry'],
}

/** What a play must leave alone where it has nothing to do. */
const WATCHED = '/etc /usr/local /var/lib/dpkg /var/lib/portsentry /var/lib/portward /root/config.env'

/** In a checkout, as the README has it. */
const PLAYBOOK = '/root/portward/site.json'

/** Builds the bundle and the package; returns the package's path. */
const build = async (): Promise<string> => {
  await execa('node', ['scripts/package.mjs'], { cwd: checkout })
  const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8'))
  return join(checkout, `dist/portward_${version}_all.deb`)
}

describeServers('a fleet of all three releases, driven by Ansible', () => {
  const servers = new Map<Name, Server>()
  const addresses = new Map<Name, { here: string; there: string }>()
  let controller: Controller

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

  /** Every server by its own way to install; config.env the same for all but for what is given. */
  const writeInventory = (more: Partial<Record<Name, object>> = {}, forAll: object = {}) => {
    const host = (name: Name) => {
      const { here, there } = addresses.get(name) ?? {}
      const source =
        name === 'bookworm' ? { portward_bundle: 'dist/portward.mjs' } : { portward_deb: 'dist/portward.deb' }
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
  const expectPlay = (play: Play, outcomes: Record<Name, string>): void => {
    expect(summary(play), play.stdout).toEqual(outcomes)
  }
  const all = (outcome: string) => ({ bookworm: outcome, trixie: outcome, testing: outcome })

  beforeAll(async () => {
    const deb = await build()
    controller = await startController()
    await controller.server.write('/root/portward/dist/portward.deb', await readFile(deb))
    await Promise.all(
      SUITES.map(async (suite) => {
        servers.set(suite, await startServer({ suite }))
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

  it('says on bare servers that everything is to be done, and touches nothing', async () => {
    const before = await onEach((each) => manifest(each, WATCHED))
    expectPlay(await controller.play(PLAYBOOK, '--check --diff'), all('changed'))
    const after = await onEach((each) => manifest(each, WATCHED))
    expect(before.map((files, index) => changedPaths(files, after[index] ?? new Map()))).toEqual([[], [], []])
  })

  it('provisions all of them', async () => {
    expectPlay(await controller.play(PLAYBOOK), all('changed'))
    await onEach((each) => portward(each, 'plan', 0))
    const configs = await onEach(async (each) => (await each.run('stat -c "%a %U" /root/config.env')).stdout)
    expect(configs).toEqual(['600 root', '600 root', '600 root'])
  })

  it('has each of them ban its attacker and spare its LAN', async () => {
    await onEach(async (each) => {
      await expectBanned(each)
      await expectSpared(each)
      // Its own word on when the ban ends comes a little later.
      await eventually('fail2ban has it', async () =>
        (await each.run('fail2ban-client get portsentry banip')).stdout.includes('203.0.113.9'),
      )
    })
  })

  it('changes nothing the second time: no write, no restart', async () => {
    const before = await fingerprints()
    expectPlay(await controller.play(PLAYBOOK), all('as before'))
    expectPlay(await controller.play(PLAYBOOK, '--check'), all('as before'))
    expect(await fingerprints()).toEqual(before)
  })

  it('shows a drift on the server that has it alone, changes nothing in check mode, and mends it', async () => {
    const conf = '/etc/portsentry/portsentry.conf'
    await server('trixie').run(`sed -i 's/^BLOCK_TCP="1"/BLOCK_TCP="0"/' ${conf}`)
    const before = await fingerprints()
    const play = await controller.play(PLAYBOOK, '--check --diff')
    expectPlay(play, { ...all('as before'), trixie: 'changed' })
    expect(play.stdout.match(/^[-+](?![-+]).*/gm)).toEqual(['-BLOCK_TCP="0"', '+BLOCK_TCP="1"'])
    expect(play.stdout).toContain(`--- a${conf}\n+++ b${conf}\n`)
    expect(await fingerprints()).toEqual(before)
    expectPlay(await controller.play(PLAYBOOK), { ...all('as before'), trixie: 'changed' })
    await portward(server('trixie'), 'plan', 0)
  })

  it('shows what a new variable would change, before config.env has it', async () => {
    await writeInventory({}, { BANTIME: '2d' })
    const before = await fingerprints()
    const play = await controller.play(PLAYBOOK, '--check --diff')
    expectPlay(play, all('changed'))
    expect(play.stdout.match(/^\+bantime = 2d$/gm)).toHaveLength(3)
    expect(play.stdout.match(/^\+BANTIME='2d'$/gm)).toHaveLength(3)
    expect(await fingerprints()).toEqual(before)
  })

  it('goes on for the others where one fails and one is out of reach; those two are as before', async () => {
    // The command is there and does nothing: the proof at the end of the apply finds that out.
    await writeInventory({ bookworm: { KILL_ROUTE: '/bin/true $TARGET$' } }, { BANTIME: '2d' })
    await server('trixie').run('systemctl stop ssh; pkill -x sshd; pkill -x sshd-session; true')
    const before = await Promise.all([readState(server('bookworm')), readState(server('trixie'))])
    const play = await controller.play(PLAYBOOK)
    expectPlay(play, { bookworm: 'failed', trixie: 'unreachable', testing: 'changed' })
    expect(play.stdout).toContain('the server would not be protected')
    const after = await Promise.all([readState(server('bookworm')), readState(server('trixie'))])
    expect(before.map((state, index) => differences(state, after[index] ?? new Map()))).toEqual([[], []])
    expect((await server('testing').run('fail2ban-client get portsentry bantime')).stdout).toBe('172800')
    await portward(server('testing'), 'plan', 0)
  })

  it('brings those two in step as soon as they are mended', async () => {
    await writeInventory({}, { BANTIME: '2d' })
    await server('trixie').run('systemctl start ssh')
    expectPlay(await controller.play(PLAYBOOK), { ...all('changed'), testing: 'as before' })
    await onEach((each) => portward(each, 'plan', 0))
  })

  it('tells a mistake in the variables by its line, and leaves the servers alone', async () => {
    await writeInventory(
      { bookworm: { LAN_NM: '33' }, trixie: { KILL_RUN_CMD: "echo 'no'" } },
      { BANTIME: '2d' },
    )
    const before = await fingerprints()
    const play = await controller.play(PLAYBOOK)
    expectPlay(play, { bookworm: 'failed', trixie: 'failed', testing: 'as before' })
    expect(play.stdout).toMatch(/\/root\/config\.env:4: LAN_NM is .*33.*, over 32 bits/)
    expect(play.stdout).toContain('the value of KILL_RUN_CMD has a single quote')
    expect(await fingerprints()).toEqual(before)
  })

  it('keeps what was applied where a later task confirms it', async () => {
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
    await writeInventory({}, { BANTIME: '3d' })
    expectPlay(await controller.play(path), all('changed'))
    await onEach(async (each) => {
      await each.run('! test -e /etc/systemd/system/portward-unconfirmed.timer')
      expect((await each.run('fail2ban-client get portsentry bantime')).stdout).toBe('259200')
      await portward(each, 'plan', 0)
    })
  })

  it('runs the portward that it has brought: not another one on the path, nor an older build of the same version', async () => {
    const path = '/root/portward/dist/portward.deb'
    await server('trixie').write('/usr/local/bin/portward', '#!/bin/sh\nexit 1\n', 0o755)
    await controller.server.run(`
      cd /root && dpkg-deb --raw-extract ${path} rebuilt
      echo '// rebuilt' >>rebuilt/usr/lib/portward/portward.mjs
      dpkg-deb --root-owner-group --build rebuilt ${path}`)
    const rebuilt = { ...all('changed'), bookworm: 'as before' }
    expectPlay(await controller.play(PLAYBOOK), rebuilt)
    for (const name of ['trixie', 'testing'] as const) {
      await server(name).run('tail -n 1 /usr/lib/portward/portward.mjs | grep -x "// rebuilt"')
    }
    expectPlay(await controller.play(PLAYBOOK), all('as before'))
  })
})
