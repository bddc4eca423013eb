import { expect, it } from 'vitest'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import type { Server } from './harness/server.ts'
import { changedPaths, manifest, OPEN_PORT, portward } from './scenario.ts'
import { describeVerify } from './verify/checks.ts'
import { gate, NFT_GATES } from './verify/gates.ts'
import { expectAllPass, prove } from './verify/proof.ts'

/** A host that is banned while an apply is running. */
const UNPROTECTED = '203.0.113.200'

const configure = (server: Server, config: string) =>
  server.write('/root/config.env', DEFAULT_CONFIG + config, 0o600)

describeVerify('bookworm', (current) => {
  it('undoes an apply that would not ban, and no ban of anybody meanwhile', async () => {
    const server = current()
    await configure(server, "KILL_ROUTE='/usr/sbin/iptables -A INPUT -s $TARGET$ -j DROP'\n")
    await server.run(`iptables -I INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT`)
    const before = await manifest(server, '/etc')
    const { stdout, exitCode } = await server.run(
      `portward apply --yes >/run/apply.log 2>&1 & apply=$!
       until grep -q ' proving:' /run/apply.log; do sleep 0.1; done
       fail2ban-client set portsentry banip ${UNPROTECTED} >/run/banip.log
       wait $apply; code=$?; cat /run/apply.log; exit $code`,
      { allowFailure: true },
    )
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/would not be protected: .*KILL_ROUTE has no effect on port.*rolled back/)
    expect(changedPaths(before, await manifest(server, '/etc'))).toEqual([])
    expect(await portward(server, 'bans', 0)).toMatch(new RegExp(`^${UNPROTECTED} `, 'm'))
    await portward(server, `unban ${UNPROTECTED}`, 0)
    await server.run(`iptables -D INPUT -p tcp --dport ${OPEN_PORT} -j ACCEPT`)
    await configure(server, '')
  })

  // These pass only on a server that is in sync, so the previous apply was undone completely.
  it('knows a firewall that drops before portsentry can see', async () => {
    const server = current()
    const accept = `-p tcp --dport ${OPEN_PORT} -j ACCEPT`
    await server.run(`iptables -A INPUT ${accept} && iptables -P INPUT DROP`)
    const proof = await prove(server)
    await server.run(`iptables -P INPUT ACCEPT && iptables -D INPUT ${accept}`)
    expect(proof.exitCode).toBe(0)
    expectAllPass(proof, [/^warn noticed: .*iptables -P INPUT DROP/m])
  })

  it('knows chains of nft that reject before portsentry can see', async () => {
    const server = current()
    await server.run(gate.shut)
    const proof = await prove(server)
    await server.run(gate.open)
    expectAllPass(
      proof,
      NFT_GATES.map(
        ({ chain, protocol }) =>
          new RegExp(`^warn noticed: .*nft ${chain}: meta l4proto ${protocol} reject`, 'm'),
      ),
    )
    expect(proof.exitCode).toBe(0)
  })

  it.each([
    'BAN_BACKEND=nft\nWHITELIST=10.20.0.0/16,203.0.113.77\n',
    'BAN_BACKEND=route\nTCP_MODE=tcp\nUDP_MODE=udp\nTCP_PORTS=1,7,111\nUDP_PORTS=7,9\n',
  ])('passes at the end of an apply: %j', async (config) => {
    const server = current()
    await configure(server, config)
    const proof = await prove(server, 'apply --yes')
    expect(proof.exitCode).toBe(0)
    expectAllPass(proof)
  })
})
