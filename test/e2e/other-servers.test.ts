import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { fixtures, temporaryDirectory } from '../tree.ts'
import { baseImage, type Suite } from './harness/base-image.ts'
import { describeServers } from './harness/requirements.ts'

/** The packages' own files, as Debian has them. */
const PACKAGES = ['portsentry', 'fail2ban', 'libwrap0']

/** A tree with those files, and what dpkg would say of them. */
const unpacked = async (suite: Suite): Promise<string> => {
  const root = temporaryDirectory()
  const archives = join(await baseImage(suite), 'var/cache/apt/archives')
  const info = join(root, 'var/lib/dpkg/info')
  mkdirSync(info, { recursive: true })
  const stanzas: string[] = []
  for (const name of PACKAGES) {
    const archive = readdirSync(archives).find((file) => file.startsWith(`${name}_`))
    if (archive === undefined) continue
    const path = join(archives, archive)
    await execa('dpkg-deb', ['-x', path, root])
    const { stdout: version } = await execa('dpkg-deb', ['-f', path, 'Version'])
    stanzas.push(`Package: ${name}\nStatus: install ok installed\nVersion: ${version}ubuntu0.1\n`)
    const { stdout: list } = await execa('find', [root, '-printf', '/%P\n'])
    writeFileSync(join(info, `${name}.list`), `${list}\n`)
  }
  writeFileSync(join(root, 'var/lib/dpkg/status'), stanzas.join('\n'))
  for (const directory of ['root', 'var/lib/portsentry', 'var/log'])
    mkdirSync(join(root, directory), { recursive: true })
  // Made by the packages' own scripts.
  writeFileSync(join(root, 'etc/hosts.allow'), '# empty\n')
  writeFileSync(join(root, 'etc/hosts.deny'), '# empty\n')
  writeFileSync(join(root, 'root/config.env'), 'LAN_IP=192.168.1.10\nLAN_NM=24\n', { mode: 0o600 })
  return root
}

const run = (args: string, root: string) =>
  execa(join(checkout, 'bin/portward'), [...args.split(' '), '--root', root], {
    reject: false,
  })

describeServers('trees of servers other than Debian, with the real packages of a Debian', () => {
  it.each<[string, Suite, string]>([
    ['ubuntu-24.04', 'bookworm', 'portsentry 1.2 with an init script'],
    ['ubuntu-26.04', 'trixie', 'portsentry 1.2 with template units'],
    ['ubuntu-26.04', 'testing', 'portsentry 2.x'],
    ['raspberry-pi-os-12', 'bookworm', 'portsentry 1.2 with an init script'],
    ['raspberry-pi-os-13', 'trixie', 'portsentry 1.2 with template units'],
  ])('%s with the packages of %s', async (name, suite, title) => {
    const root = await unpacked(suite)
    cpSync(join(fixtures, 'other-servers', name), root, { recursive: true })
    const planned = await run('plan', root)
    expect(planned.exitCode, planned.stderr).toBe(2)
    expect(planned.stdout).toContain(title)
    const applied = await run('apply --yes', root)
    expect(applied.exitCode, applied.stderr).toBe(0)
    expect((await run('plan', root)).exitCode).toBe(0)
    const verified = await run('verify', root)
    expect(verified.exitCode, verified.stdout).toBe(0)
    expect(verified.stdout).not.toMatch(/^(?:FAIL|WARN)/m)
    const system = /PRETTY_NAME="(.*)"/.exec(readFileSync(join(root, 'etc/os-release'), 'utf8'))?.[1]
    expect((await run('status', root)).stdout).toContain(system)
  })
})
