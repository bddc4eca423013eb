import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { changedPaths, expectBanned, expectSpared, manifest, portward, provide } from './scenario.ts'
import { expectFailures, prove } from './verify/proof.ts'

const lan = (address: string, netmask: string | number, more = '') =>
  `LAN_IP=${address}\nLAN_NM=${netmask}\n${more}`

const LAN = lan('192.168.1.10', 24)
/** An address without a host. A peer that is the gateway would never be banned. */
const ROUTER = '203.0.113.254'
const HAS = 'lan0 192.168.1.10/24, wan0 203.0.113.1/24, lan1 10.20.0.1/24'
const ELSEWHERE =
  /config\.env:1: LAN_IP and LAN_NM name 192\.168\.2\.0\/24, but this server is not in it: it has /

// What is said of which values is in test/policy/lan-check.test.ts; here, that a server's interfaces and routes are read.
describeServers('which networks this server is on', () => {
  let server: Server
  const configure = (config: string) => server.write('/root/config.env', config, 0o600)
  const planned = async (config: string) => {
    await configure(config)
    return server.run('portward plan', { allowFailure: true })
  }

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server, lan('192.168.2.10', 24))
    await server.run(`
      set -e
      ip link add lan1 type veth peer name lan1-far
      ip address add 10.20.0.1/24 dev lan1
      ip link set lan1-far up
      ip link set lan1 up
      ip route add 10.30.0.0/16 via 10.20.0.2 dev lan1
      ip route add default via ${ROUTER} dev wan0
    `)
  })
  afterAll(() => server?.stop())

  it('applies nothing for a LAN that it is not in', async () => {
    const before = await manifest(server, '/etc /var/lib /root')
    const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    expect(stderr).toMatch(new RegExp(ELSEWHERE.source + HAS))
    expect(exitCode).toBe(78)
    expect(changedPaths(before, await manifest(server, '/etc /var/lib /root'))).toEqual([])
  })

  it('protects the LAN, and says at the end of apply which network is left out', async () => {
    await configure(LAN)
    const { exitCode, stdout, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    expect(stderr).toMatch(/warning: this server is on 10\.20\.0\.0\/24 \(lan1\), which is not protected/)
    expect(stderr).not.toMatch(/warning: .*(?:192\.168\.1\.0\/24|203\.0\.113\.0\/24)/)
    expect(exitCode, stderr).toBe(0)
    expect(stdout).toMatch(/^FAIL .*networks.*\n.*10\.20\.0\.0\/24.*\n.*UNTRUSTED/m)
    expect(stdout).toMatch(
      /^verified: \d+ passed, 0 warnings, 1 failed: config\.env does not fit the networks of this server/m,
    )
  })

  it('passes when both networks are protected', async () => {
    await configure(`${LAN}WHITELIST=10.20.0.0/24,10.30.0.0/16\n`)
    const stdout = await portward(server, 'apply --yes', 0)
    expect(stdout).toMatch(/^verified: \d+ passed, 0 warnings, 0 failed: /m)
    await expectSpared(server)
    await expectBanned(server)
    await expectSpared(server)
  })

  it('knows a routed network from its own, and takes one that is not to be protected', async () => {
    const { exitCode, stderr } = await planned(lan('10.30.0.5', 16, 'UNTRUSTED=10.20.0.0/24\n'))
    expect(stderr).toMatch(/:1: warning: .*through the route 10\.30\.0\.0\/16 via 10\.20\.0\.2 dev lan1/)
    expect(stderr).not.toContain('10.20.0.0/24')
    expect(exitCode).toBe(2)
  })

  it('fails verify when the LAN of config.env is not its own', async () => {
    await configure(lan('192.168.2.10', 24))
    expectFailures(await prove(server), { networks: new RegExp(HAS) })
  })

  describe('as a VPS with one address', () => {
    beforeAll(async () => {
      await server.run('ip link delete lan1; ip address flush dev lan0')
    })

    it('says that hosts of others would be protected', async () => {
      const { exitCode, stderr } = await planned(lan('203.0.113.1', 24))
      expect(stderr).toMatch(
        /:1: warning: .*the default route uses 203\.0\.113\.0\/24 \(wan0\): hosts of others there would never be banned/,
      )
      expect(exitCode).toBe(2)
    })

    it('needs no LAN', async () => {
      await configure('')
      const { exitCode, stdout, stderr } = await server.run('portward apply --yes', { allowFailure: true })
      expect(exitCode, stderr).toBe(0)
      expect(stderr).not.toMatch(/LAN_IP|UNTRUSTED|192\.168|203\.0\.113/)
      expect(stdout).toMatch(/^verified: \d+ passed, 0 warnings, 0 failed: this server bans scanners/m)
      await expectBanned(server, addresses.attacker.other)
    })
  })
})
