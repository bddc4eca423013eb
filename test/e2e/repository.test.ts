import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { buildPackage, type DebianPackage, serveDirectory } from './deb.ts'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectCutOff, expectHeld, OPEN_PORT, portward } from './scenario.ts'

const ATTACKER = addresses.attacker.v4
const SOURCES = '/etc/apt/sources.list.d/portward.sources'
const APT = 'DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -q -y --no-install-recommends'
/** Reads the lists of the repository alone: Debian's cannot be reached, and those that are there stay. */
const UPDATE = `${APT} update -o Dir::Etc::SourceList=${SOURCES} -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0`

/** Both daemons, and when they were started. */
const DAEMONS = 'ps -o pid=,lstart=,args= -C portsentry,fail2ban-server | sort'

/** The package with another version: the same program. */
const withVersion = (directory: string, { name, bytes }: DebianPackage, version: string): string => {
  const [file, contents] = [join(directory, name), join(directory, 'contents')]
  writeFileSync(file, bytes)
  execFileSync('dpkg-deb', ['--raw-extract', file, contents])
  const control = join(contents, 'DEBIAN/control')
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`))
  const target = join(directory, 'other.deb')
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', contents, target])
  return target
}

/** A key of its own, in a directory of its own. */
const makeKey = (directory: string, name: string) => {
  const env = { ...process.env, GNUPGHOME: join(directory, name) }
  mkdirSync(env.GNUPGHOME, { mode: 0o700 })
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { env, encoding: 'utf8', stdio: 'pipe' })
  const identity = `${name} <${name}@example.org>`
  run('gpg', '--batch', '--passphrase', '', '--quick-generate-key', identity, 'ed25519', 'sign', 'never')
  const fingerprint = /^fpr:+([\dA-F]{40}):/m.exec(run('gpg', '--with-colons', '--list-keys'))?.[1] ?? ''
  // gpg starts an agent, which would go on.
  return { env, fingerprint, end: () => run('gpgconf', '--kill', 'all') }
}

describeServers('the apt repository', () => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-repository-'))
  const published = join(directory, 'published')
  const inRelease = join(published, 'dists/stable/InRelease')
  const keys: ReturnType<typeof makeKey>[] = []
  let server: Server
  let deb: DebianPackage
  let version: string
  let url: string

  /** `npm run repository`, for which nothing has to be built. */
  const publish = (target: string, { env, fingerprint }: ReturnType<typeof makeKey>, path: string): string =>
    execFileSync('node', ['scripts/repository.mjs', '--url', url, '--key', fingerprint, target, path], {
      ...{ cwd: checkout, env, encoding: 'utf8', stdio: 'pipe' },
    })
  const makeKeyFor = (name: string) => {
    const key = makeKey(directory, name)
    keys.push(key)
    return key
  }
  let key: ReturnType<typeof makeKey>

  beforeAll(async () => {
    deb = buildPackage()
    version = deb.name.split('_')[1] ?? ''
    server = await startServer({ suite: 'trixie', floor: 'minimal' })
    url = await serveDirectory(server, published)
    key = makeKeyFor('maintainer')
    publish(published, key, withVersion(directory, deb, `${version}~before`))
  })
  afterAll(async () => {
    for (const { end } of keys) end()
    await server?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  it('installs portward with apt, which the one file of the repository suffices for', async () => {
    // A minimal Debian has neither wget nor curl.
    await server.run(`/usr/lib/apt/apt-helper download-file ${url}/portward.sources ${SOURCES}`)
    await server.run(UPDATE)
    const { stdout } = await server.run(`${APT} install portward 2>&1`)
    expect(stdout).toContain('portward is installed. Next: portward init')
    expect(stdout).not.toMatch(/cannot be authenticated|^W:/m)
    expect((await server.run("dpkg-query -W -f '${Version}' portward")).stdout).toBe(`${version}~before`)
  })

  it('provisions the server, which bans', async () => {
    await server.write('/root/config.env', DEFAULT_CONFIG, 0o600)
    await server.listen(OPEN_PORT)
    const { applied } = JSON.parse(await portward(server, 'apply --yes --confirm-within 1h --json', 0))
    expect(applied).toBe(true)
    expect(JSON.parse(await portward(server, 'confirm --json', 0)).generations).toEqual([1])
    await expectBanned(server)
    await expectHeld(server, ATTACKER)
  })

  it('prints on a running server what the schemas say', async () => {
    const commands: [args: string, exitCode: number][] = [
      ['plan', 0],
      ['status', 0],
      ['verify', 0],
      ['bans', 0],
      [`explain ${ATTACKER}`, 0],
      ['report', 0],
      ['generations', 0],
      ['init --defaults', 1],
    ]
    for (const [args, exitCode] of commands)
      expect(await portward(server, `${args} --json`, exitCode)).not.toBe('')
  })

  it('upgrades it from the version before, and everything goes on as it was', async () => {
    const state = async () => ({
      config: (await server.run('stat -c "%a %U %Y" /root/config.env && cat /root/config.env')).stdout,
      generations: JSON.parse(await portward(server, 'generations --json', 0)),
      daemons: (await server.run(DAEMONS)).stdout,
    })
    const before = await state()
    expect(before.daemons).toMatch(/portsentry[\s\S]*fail2ban|fail2ban[\s\S]*portsentry/)
    const file = join(directory, deb.name)
    writeFileSync(file, deb.bytes)
    publish(published, key, file)
    await server.run(UPDATE)
    expect((await server.run('apt-cache policy portward')).stdout).toContain(`Candidate: ${version}\n`)
    await server.run(`${APT} install --only-upgrade portward`)
    expect((await server.run("dpkg-query -W -f '${Version}' portward")).stdout).toBe(version)
    expect(await state()).toEqual(before)
    await expectCutOff(server)
    await expectHeld(server, ATTACKER)
    await portward(server, 'plan', 0)
    expect(await portward(server, 'status --check', 0)).toMatch(/^healthy/i)
  })

  it('still has the version before, to which one can go back', async () => {
    await server.run(`${APT} install --allow-downgrades portward=${version}~before`)
    expect((await server.run("dpkg-query -W -f '${Version}' portward")).stdout).toBe(`${version}~before`)
    await expectCutOff(server)
  })

  it('is refused by apt where anything in it is not as it was signed', async () => {
    const whole = readFileSync(inRelease)
    const text = whole.toString()
    const other = makeKeyFor('another')
    const theirs = join(directory, 'theirs')
    cpSync(published, theirs, { recursive: true })
    publish(theirs, other, join(directory, deb.name))
    const forged: Record<string, string | Buffer> = {
      'another hash in it': text.replace(/^ [0-9a-f]{64} /m, ` ${'0'.repeat(64)} `),
      'no signature': text.replace(
        /^-----BEGIN PGP SIGNED MESSAGE-----\n[\s\S]*?\n\n|-----BEGIN PGP SIGNATURE-----[\s\S]*/g,
        '',
      ),
      "somebody else's signature": readFileSync(join(theirs, 'dists/stable/InRelease')),
    }
    for (const [what, bytes] of Object.entries(forged)) {
      writeFileSync(inRelease, bytes)
      // Lists of before would go on to be used.
      await server.run('rm /var/lib/apt/lists/192.168.1.20*')
      const { exitCode, stderr } = await server.run(UPDATE, { allowFailure: true })
      expect([what, exitCode]).toEqual([what, 100])
      expect(stderr).toMatch(/^E: .*(?:not signed|signature|Clearsigned)/im)
      expect((await server.run('apt-cache policy portward')).stdout).not.toContain('192.168.1.20')
      writeFileSync(inRelease, whole)
      await server.run(UPDATE)
    }

    const pool = join(published, 'pool', deb.name)
    writeFileSync(
      pool,
      Buffer.concat([deb.bytes.subarray(0, -1), Buffer.from([(deb.bytes.at(-1) ?? 0) ^ 1])]),
    )
    await server.run('rm -f /var/cache/apt/archives/portward_*')
    const refused = await server.run(`${APT} install --only-upgrade portward`, { allowFailure: true })
    expect([refused.exitCode, refused.stderr]).toEqual([100, expect.stringContaining('Hash Sum mismatch')])
    expect((await server.run("dpkg-query -W -f '${Version} ${db:Status-Status}' portward")).stdout).toBe(
      `${version}~before installed`,
    )
  })

  it('is refused other bytes for a version that it has', () => {
    writeFileSync(join(directory, deb.name), deb.bytes)
    expect(() => publish(published, key, join(directory, deb.name))).toThrow(/has other bytes/)
  })

  it('rolls back what it has applied', async () => {
    expect(JSON.parse(await portward(server, `unban ${ATTACKER} --json`, 0)).addresses[0].left).toEqual([])
    expect(JSON.parse(await portward(server, 'rollback --yes --json', 0)).generations).toEqual([1])
  })
})
