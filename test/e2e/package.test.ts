import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isInstalled } from '../packaging/command-line.ts'
import { buildPackage, checkout, type DebianPackage, installPackage } from './deb.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectCutOff, expectSpared, OPEN_PORT, portward } from './scenario.ts'

const { version, dependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
/** dpkg's scripts speak through apt, whose standard output they get. */
const PURGE = 'DEBIAN_FRONTEND=noninteractive apt-get purge -y -q portward 2>&1'

let deb: DebianPackage
let directory: string
let file: string

beforeAll(() => {
  deb = buildPackage()
  directory = mkdtempSync(join(tmpdir(), 'portward-elsewhere-'))
  file = join(directory, deb.name)
  writeFileSync(file, deb.bytes)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it('is the same, byte for byte, from another directory, with another umask and time zone', () => {
  const [here, elsewhere] = [join(directory, 'here'), join(directory, 'some other checkout')]
  cpSync(checkout, here, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !['.git', 'dist'].includes(relative(checkout, path)),
  })
  const first = buildPackage(here, '022', { TZ: 'UTC' })
  renameSync(here, elsewhere)
  const second = buildPackage(elsewhere, '077', { TZ: 'Pacific/Auckland', TMPDIR: directory })
  expect(second.name).toBe(first.name)
  expect(second.bytes.equals(first.bytes)).toBe(true)
})

it('says nothing of the machine that built it', () => {
  const files = execFileSync('dpkg-deb', ['--fsys-tarfile', file], { maxBuffer: 64 << 20 }).toString('latin1')
  expect(files).toContain('usr/lib/portward/portward.mjs')
  expect(files).not.toContain(checkout)
  expect(files).not.toContain('portward-package-')
})

it('passes on the licence of every npm package that it contains', () => {
  const copyright = execFileSync('sh', [
    '-c',
    'dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/share/doc/portward/copyright',
    file,
  ]).toString()
  expect(copyright).toContain(readFileSync(join(checkout, 'LICENSE'), 'utf8').trim())
  const { packages } = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    expect(copyright).toContain(`* ${name} ${packages[`node_modules/${name}`].version} (`)
  }
})

it.skipIf(!isInstalled('lintian'))('gives lintian nothing to say', () => {
  const args = ['--allow-root', '--display-info', '--pedantic', file]
  expect(spawnSync('lintian', args, { encoding: 'utf8' })).toMatchObject({
    stdout: '',
    stderr: '',
    status: 0,
  })
})

for (const suite of ['bookworm', 'trixie', 'testing'] as const) {
  describeServers(`the Debian package on ${suite}`, () => {
    let server: Server

    beforeAll(async () => {
      // Of what the tests' servers have and a minimal Debian has not, nothing: what the package needs, it depends on.
      server = await startServer({
        suite,
        prepare: async (minimal) => {
          await minimal.run(
            'DEBIAN_FRONTEND=noninteractive apt-get purge -y -q --autoremove nodejs python3 iproute2 procps attr',
          )
          await minimal.run('! command -v node && ! command -v python3 && ! command -v ip')
        },
      })
    })
    afterAll(() => server?.stop())

    it('installs where there is neither npm nor a network, and runs', async () => {
      await installPackage(server, deb)
      await server.run('! command -v npm && ! test -e /usr/local/lib/portward')
      expect((await server.run('portward --version')).stdout).toBe(version)
      expect((await server.run('dpkg --verify portward && dpkg --audit')).stdout).toBe('')
      expect(
        (await server.run('systemctl is-enabled portward-first-boot', { allowFailure: true })).stdout,
      ).toBe('disabled')
      expect(await server.exists('/var/lib/portward')).toBe(false)
    })

    it('brings its manual', async () => {
      await server.run('DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends man-db')
      // With 80 columns man keeps what it has rendered in its own cache.
      const page = await server.run('MANWIDTH=100 man --warnings portward')
      expect(page.stderr).toBe('')
      expect(page.stdout).toMatch(/^PORTWARD\(8\)/)
      expect((await server.run('MANWIDTH=100 man 5 portward-config.env')).stdout).toMatch(/LAN_NM/)
    })

    it('cannot be removed while an apply waits for its confirmation', async () => {
      await server.write('/root/config.env', 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\n', 0o600)
      await server.listen(OPEN_PORT)
      await portward(server, 'apply --yes --confirm-within 1h', 0)
      const refused = await server.run(PURGE, { allowFailure: true })
      expect(refused.exitCode).not.toBe(0)
      expect(refused.stdout).toContain('an apply still waits for a confirmation')
      expect((await server.run('portward --version')).stdout).toBe(version)
      await portward(server, 'confirm', 0)
    })

    it('has provisioned the server: bans the attacker, spares the LAN, is in sync', async () => {
      await expectSpared(server)
      await expectBanned(server)
      await expectSpared(server)
      expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
      const { checks } = JSON.parse(await portward(server, 'verify --json', 0))
      expect(checks.filter(({ result }: { result: string }) => result === 'skip')).toEqual([])
    })

    it('leaves the server protected when it is purged, and what a rollback needs', async () => {
      const { stdout } = await server.run(PURGE)
      expect(stdout).toContain('run "portward rollback" before')
      expect(stdout).toMatch(/\/var\/lib\/portward stays, for generation 1:/)
      await server.run('! command -v portward')
      await expectCutOff(server)
      await server.run('systemctl is-active fail2ban')
    })

    it('gives everything back when it is installed again, and purged after that leaves nothing', async () => {
      await installPackage(server, deb)
      await portward(server, 'rollback --yes', 0)
      const { stdout } = await server.run(PURGE)
      expect(stdout).not.toContain('portward rollback')
      expect((await server.run("find / /run -xdev -name '*portward*'")).stdout).toBe('')
      expect(await server.exists('/etc/portsentry')).toBe(false)
      expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
    })
  })
}
