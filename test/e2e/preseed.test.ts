import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { buildPackage, type DebianPackage, fillIn, installPackage, servePackage } from './deb.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectCutOff, expectSpared, OPEN_PORT, portward } from './scenario.ts'

// What is not tested: Debian's installer itself. Its in-target changes the root to the new system, quiets debconf and
// runs the words that it is given; here the server's shell is in that root already.
const IN_TARGET = '#!/bin/sh\nDEBIAN_FRONTEND=noninteractive exec "$@"\n'

/** Leaves an image without lists of packages. The ones that it had are those of a mirror, which needs no network. */
const FORGET_LISTS = `
  mkdir /srv/mirror
  /usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*_Packages* >/srv/mirror/Packages
  rm -r /var/lib/apt/lists/* /etc/apt/sources.list*
  echo 'deb [trusted=yes] file:/srv/mirror ./' >/etc/apt/sources.list
  ! apt-get --simulate install portsentry`

let deb: DebianPackage

beforeAll(() => {
  deb = buildPackage()
})

/** The value of preseed/late_command as debconf takes it from a preseed file, into a database of its own. */
const readLateCommand = (preseed: string): string => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-preseed-'))
  try {
    const database = (name: string) => `Name: ${name}\nDriver: File\nFilename: ${directory}/${name}.dat\n`
    const configuration = join(directory, 'debconf.conf')
    writeFileSync(
      configuration,
      `Config: answers\nTemplates: templates\n\n${database('answers')}\n${database('templates')}`,
    )
    const env = { ...process.env, DEBCONF_SYSTEMRC: configuration }
    execFileSync('debconf-set-selections', ['--checkonly'], { input: preseed, env })
    execFileSync('debconf-set-selections', { input: preseed, env })
    const shown = execFileSync('debconf-show', ['d-i'], { env, encoding: 'utf8' })
    return /^\* preseed\/late_command: (.*)$/m.exec(shown)?.[1] ?? ''
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

it('is a preseed file without fault, of one command', () => {
  const preseed = readFileSync(join(checkout, 'examples/preseed/late-command.cfg'), 'utf8')
  const command = readLateCommand(preseed)
  expect(command).toMatch(/^in-target sh -c '.*'$/)
  execFileSync('sh', ['-n', '-c', command])
})

// Debian 12 has the oldest systemd, apt and node, and its portsentry is the one without a unit.
describeServers('the example for preseeding, where there are no lists of packages', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({
      prepare: async (installing) => {
        const download = await servePackage(installing, deb)
        const command = readLateCommand(fillIn('preseed/late-command.cfg', download))
        await installing.write('/run/installer/in-target', IN_TARGET, 0o755)
        await installing.run(`PATH=/run/installer:$PATH; ${command}`)
        await installing.run(FORGET_LISTS)
        await installing.listen(OPEN_PORT)
      },
    })
  })
  afterAll(() => server?.stop())

  it('has made the server ban scanners, but not the LAN, when it has booted', async () => {
    expect((await server.run('stat -c "%a %U" /root/config.env')).stdout).toBe('600 root')
    expect((await server.run('systemctl show -P Result portward-first-boot')).stdout).toBe('success')
    await expectSpared(server)
    await expectBanned(server)
    await expectSpared(server)
    await portward(server, 'plan', 0)
  })

  it('is over then: the unit is off, and the next boot does not run it', async () => {
    const enabled = await server.run('systemctl is-enabled portward-first-boot', { allowFailure: true })
    expect(enabled.stdout).toBe('disabled')
    await server.reboot()
    expect(
      (await server.run('systemctl show -P ExecMainStartTimestampMonotonic portward-first-boot')).stdout,
    ).toBe('0')
    await expectCutOff(server)
  })
})

describeServers('the unit for the first boot on testing, where config.env is wrong', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({
      suite: 'testing',
      floor: 'installed',
      prepare: async (image) => {
        await installPackage(image, deb)
        await image.write('/root/config.env', 'LAN_IP=192.168.1.10\n', 0o600)
        await image.run('systemctl enable portward-first-boot')
        await image.listen(OPEN_PORT)
      },
    })
  })
  afterAll(() => server?.stop())

  it('fails, says why, changes nothing, and is still on', async () => {
    expect((await server.run('systemctl show -P Result portward-first-boot')).stdout).toBe('exit-code')
    expect((await server.run('systemctl is-enabled portward-first-boot')).stdout).toBe('enabled')
    expect((await server.run('journalctl --sync; journalctl -b -u portward-first-boot')).stdout).toMatch(
      /config\.env: .*LAN_NM/,
    )
    await server.run('! [ -e /etc/portward ] && ! [ -e /var/lib/portward ]')
  })

  it('works at the next boot, once that has been fixed', async () => {
    await server.run('echo LAN_NM=24 >>/root/config.env')
    await server.reboot()
    expect((await server.run('systemctl show -P Result portward-first-boot')).stdout).toBe('success')
    await expectBanned(server)
    await expectSpared(server)
  })

  it('goes with the package, on or off', async () => {
    await server.run('systemctl enable portward-first-boot && apt-get remove -y -q portward')
    await server.run('! find /etc/systemd/system -name "portward-first-boot*" | grep .')
  })
})
