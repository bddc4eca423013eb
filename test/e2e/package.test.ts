import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundledPackages } from '../../scripts/third-party.mjs'
import { checkout } from '../checkout.ts'
import { isInstalled } from '../packaging/command-line.ts'
import { buildElsewhere, buildPackage, type DebianPackage, installPackage } from './deb.ts'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectCutOff, expectSpared, OPEN_PORT, portward } from './scenario.ts'

const { version, devDependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
/** dpkg's scripts speak through apt, whose standard output they get. */
const PURGE = 'DEBIAN_FRONTEND=noninteractive apt-get purge -y -q portward 2>&1'

let deb: DebianPackage
let directory: string
let file: string

const isBuildable = isInstalled('dh')

beforeAll(() => {
  if (!isBuildable) return
  deb = buildPackage()
  directory = mkdtempSync(join(tmpdir(), 'portward-elsewhere-'))
  file = join(directory, deb.name)
  writeFileSync(file, deb.bytes)
})
afterAll(() => directory && rmSync(directory, { recursive: true, force: true }))

it.skipIf(!isBuildable)(
  'is the same, byte for byte, from a directory, umask, age and time zone of their own',
  () => {
    const elsewhere = join(directory, 'some other checkout')
    cpSync(checkout, elsewhere, {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => !['.git', 'dist'].includes(relative(checkout, path)),
    })
    // Older than the changelog's time: dpkg-deb lets such a file keep its own.
    execFileSync('sh', ['-c', 'find debian man -exec touch -d @1 {} +'], { cwd: elsewhere })
    const env = { TZ: 'Pacific/Auckland', TMPDIR: directory, SOURCE_DATE_EPOCH: '1' }
    const second = buildElsewhere(elsewhere, '077', env)
    expect(second.name).toBe(deb.name)
    expect(second.bytes.equals(deb.bytes)).toBe(true)
  },
)

it.skipIf(!isBuildable)('says nothing of the machine that built it', () => {
  const files = execFileSync('dpkg-deb', ['--fsys-tarfile', file], { maxBuffer: 64 << 20 }).toString('latin1')
  expect(files).toContain('usr/lib/portward/cli.cjs')
  expect(files).not.toContain(checkout)
  expect(files).not.toContain('portward-package-')
})

it.skipIf(!isBuildable)('passes on the licence of every npm package that it contains', () => {
  const copyright = execFileSync('sh', [
    '-c',
    'dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/share/doc/portward/copyright',
    file,
  ]).toString()
  expect(copyright).toContain(readFileSync(join(checkout, 'debian/copyright'), 'utf8'))
  const { packages } = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8'))
  const directories = bundledPackages(
    JSON.parse(readFileSync(join(checkout, 'dist/portward.meta.json'), 'utf8')),
  )
  const bundled = Object.keys(devDependencies).filter((name) => directories.includes(`node_modules/${name}`))
  expect(bundled).toContain('commander')
  for (const name of bundled) {
    expect(copyright).toContain(`\n node_modules/${name}/*\n`)
    expect(copyright).toContain(`\n ${name} ${packages[`node_modules/${name}`].version}\n`)
  }
})

it.skipIf(!isBuildable || !isInstalled('lintian'))('gives lintian nothing to say', () => {
  const args = ['--allow-root', '--display-info', '--pedantic', file]
  expect(spawnSync('lintian', args, { encoding: 'utf8' })).toMatchObject({
    stdout: '',
    stderr: '',
    status: 0,
  })
})

const expectManual = async (server: Server): Promise<void> => {
  // With 80 columns man keeps what it has rendered in its own cache.
  const page = await server.run('MANWIDTH=100 man --warnings portward')
  expect(page.stderr).toBe('')
  expect(page.stdout).toMatch(/^PORTWARD\(8\)/)
  expect((await server.run('MANWIDTH=100 man 5 portward-config.env')).stdout).toMatch(/LAN_NM/)
}

/** The test that autopkgtest runs, with what it needs of the sources. */
const expectPackageTest = async (server: Server): Promise<void> => {
  const sources = execFileSync('tar', ['-c', 'debian/tests', 'fixtures/sample-server'], {
    cwd: checkout,
    maxBuffer: 64 << 20,
  })
  await server.write('/root/sources.tar', sources)
  await server.run('mkdir /root/sources && tar -xf /root/sources.tar -C /root/sources')
  await server.run('cd /root/sources && debian/tests/sample-server')
  await server.run('rm -r /root/sources /root/sources.tar')
}

/** Installs it where there is neither npm nor a network, and sees that it runs. */
const expectInstalls = async (server: Server): Promise<void> => {
  await server.run('! command -v node && ! command -v python3 && ! command -v ip')
  expect(await installPackage(server, deb)).toContain('portward is installed. Next: portward init')
  await server.run('! command -v npm && ! test -e /usr/local/lib/portward')
  expect((await server.run('portward --version')).stdout).toBe(version)
  expect((await server.run('dpkg --verify portward && dpkg --audit')).stdout).toBe('')
  expect((await server.run('systemctl is-enabled portward-first-boot', { allowFailure: true })).stdout).toBe(
    'disabled',
  )
  expect(await server.exists('/var/lib/portward')).toBe(false)
}

// What is another one there: the packages that it depends on, dpkg, and groff below man.
for (const suite of ['trixie', 'testing'] as const) {
  describeServers(`the Debian package on ${suite}`, () => {
    let server: Server

    beforeAll(async () => {
      server = await startServer({ suite, floor: 'minimal', boot: false })
    })
    afterAll(() => server?.stop())

    it('installs where there is neither npm nor a network, and runs', () => expectInstalls(server))

    it('brings its manual', () => expectManual(server))

    it('passes its own test', () => expectPackageTest(server))
  })
}

describeServers('the Debian package on bookworm', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ suite: 'bookworm', floor: 'minimal' })
  })
  afterAll(() => server?.stop())

  it('installs where there is neither npm nor a network, and runs', () => expectInstalls(server))

  it('brings its manual', () => expectManual(server))

  it('passes its own test', () => expectPackageTest(server))

  it('provisions the server, and proves all of it with what it depends on', async () => {
    await server.write('/root/config.env', `${DEFAULT_CONFIG}METRICS=/srv/bans.prom\n`, 0o600)
    await server.listen(OPEN_PORT)
    const { checks } = JSON.parse(await portward(server, 'apply --yes --confirm-within 1h --json', 0))
    expect(checks.length).toBeGreaterThan(0)
    expect(checks.filter(({ result }: { result: string }) => result === 'skip')).toEqual([])
  })

  it('cannot be removed while an apply is waiting for confirmation', async () => {
    const refused = await server.run(PURGE, { allowFailure: true })
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stdout).toContain('an apply is still waiting for confirmation')
    expect((await server.run('portward --version')).stdout).toBe(version)
    await portward(server, 'confirm', 0)
  })

  it('has provisioned the server: bans the attacker, but not the LAN, is in sync', async () => {
    await expectSpared(server)
    await expectBanned(server)
    await expectSpared(server)
    expect(await portward(server, 'apply --yes', 0)).toMatch(/in sync/)
  })

  it('leaves the server protected when it is purged, and what a rollback needs', async () => {
    expect(await server.exists('/srv/bans.prom')).toBe(true)
    const { stdout } = await server.run(PURGE)
    expect(stdout).toContain('run "portward rollback" before')
    expect(stdout).toMatch(/\/var\/lib\/portward is kept because of generation 1:/)
    await server.run('! command -v portward')
    // Without the program the timer would fail, and its file would have the numbers of this moment from then on.
    const timer = 'portward-metrics.timer'
    await server.run(`! systemctl is-active ${timer} && ! ls /etc/systemd/system/*.wants/${timer}`)
    expect(await server.exists('/srv/bans.prom')).toBe(false)
    await expectCutOff(server)
    await server.run('systemctl is-active fail2ban')
  })

  it('restores everything when it is installed again, and purged after that leaves nothing', async () => {
    await installPackage(server, deb)
    await portward(server, 'rollback --yes', 0)
    const { stdout } = await server.run(PURGE)
    expect(stdout).not.toContain('portward rollback')
    expect((await server.run("find / /run -xdev -name '*portward*'")).stdout).toBe('')
    expect(await server.exists('/etc/portsentry')).toBe(false)
    expect(await server.attacker.reaches(OPEN_PORT)).toBe(true)
  })
})
