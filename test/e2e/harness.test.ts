import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { $ } from 'zx'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'

/** Everything on this machine that carries a server's name: namespaces, mounts, processes, directories. */
const remains = async ({ name }: Server): Promise<string[]> => {
  const namespaces = (await $`ip netns list`).stdout.split('\n')
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  const processes = (await $`ps -ww -eo pid,args`).stdout.split('\n')
  return [...namespaces, ...mounts, ...processes].filter(
    (line) => line.includes(`${name}-`) || line.includes(`/${name}`),
  )
}

describeServers('a booted server', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await server.listen(8080)
  })
  afterAll(() => server?.stop())

  test('answers both peers, from every address, on v4 and v6', async () => {
    const { attacker, lan } = server
    expect(await attacker.reaches(8080)).toBe(true)
    expect(await attacker.reaches(8080, { source: addresses.attacker.other })).toBe(true)
    expect(await attacker.reaches(8080, { address: addresses.server.wan6 })).toBe(true)
    expect(await lan.reaches(8080)).toBe(true)
    expect(await lan.reaches(8080, { address: addresses.server.lan6 })).toBe(true)
    expect(await attacker.scan(addresses.server.wan, [8080, 8081])).toEqual(['open', 'refused'])
    // Nothing routes between the two networks or out of them.
    expect(await attacker.connect(addresses.lan.v4, 8080)).not.toBe('open')
    expect((await server.run('ip route show default')).stdout).toBe('')
  })

  test('runs commands and keeps bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    await server.write("/etc/it's/all bytes", bytes, 0o640)
    expect((await server.read("/etc/it's/all bytes")).equals(bytes)).toBe(true)
    expect((await server.run(`stat -c %a:%U "/etc/it's/all bytes"`)).stdout).toBe('640:root')
    expect(await server.exists('/etc/nothing')).toBe(false)
    expect((await server.run('cat; echo "$WHO $PWD"', { stdin: 'in ', env: { WHO: 'me' } })).stdout).toBe(
      'in me /',
    )
    expect(await server.run('echo out; echo err >&2; exit 3', { allowFailure: true })).toEqual({
      stdout: 'out',
      stderr: 'err',
      exitCode: 3,
    })
    await expect(server.run('echo why >&2; false')).rejects.toThrow(/exit 1\n(.*\n)*why/)
    expect((await server.run('hostname; getent hosts "$(hostname)"')).stdout).toMatch(
      /^server\n127\.0\.1\.1 /,
    )
  })

  test('a firewall rule cuts off the one it names', async () => {
    const { attacker, lan } = server
    const { attacker: from, server: to } = addresses
    await server.run(
      `iptables -I INPUT -s ${from.v4} -j DROP && iptables -I INPUT -s ${from.other} -j REJECT`,
    )
    expect(await attacker.connect(to.wan, 8080)).toBe('timeout')
    expect(await attacker.connect(to.wan, 8080, { source: from.other })).toBe('refused')
    expect(await attacker.reaches(8080, { timeoutMs: 1000 })).toBe(false)
    expect(await lan.reaches(8080)).toBe(true)
  })

  test('a reboot keeps files, forgets the firewall and /run', async () => {
    await server.run('echo kept >/root/kept; echo lost >/run/lost')
    await server.reboot()
    expect(await server.readText('/root/kept')).toBe('kept\n')
    expect(await server.exists('/run/lost')).toBe(false)
    expect((await server.run('iptables -S INPUT')).stdout).toBe('-P INPUT ACCEPT')
    expect(await server.attacker.reaches(8080)).toBe(true)
    expect(await server.lan.reaches(8080)).toBe(true)
  })

  test('nothing of it is left when it has stopped', async () => {
    expect(await remains(server)).not.toEqual([])
    await server.stop()
    expect(await remains(server)).toEqual([])
  })
})

describeServers('a server without systemd', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({
      boot: false,
      prepare: (stopped) => stopped.write('/etc/prepared', 'before the first boot\n'),
    })
  })
  afterAll(() => server?.stop())

  test('runs commands, and no systemd', async () => {
    expect(await server.readText('/etc/prepared')).toBe('before the first boot\n')
    expect(await server.exists('/run/systemd/system')).toBe(false)
    expect((await server.run('cat /proc/1/comm')).stdout).not.toBe('systemd')
  })

  test('restarts, and is readable while it is down', async () => {
    await server.write('/tmp/lost', '')
    await server.shutDown()
    expect((await server.run('cat /etc/prepared')).stdout).toBe('before the first boot')
    await server.boot()
    expect(await server.exists('/tmp/lost')).toBe(false)
  })

  test('nothing of it is left when it has stopped', async () => {
    await server.stop()
    expect(await remains(server)).toEqual([])
  })
})
