import { expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { DEFAULT_CONFIG } from './harness/floors.ts'
import { OPEN_PORT } from './scenario.ts'
import { describeVerify } from './verify/checks.ts'
import { gate } from './verify/gates.ts'
import { expectAllPass, prove } from './verify/proof.ts'
import { confine, UNCONFINE } from './verify/sabotages.ts'

const UNPROTECTED = '203.0.113.200'

describeVerify('testing', (current) => {
  it('passes in a sandbox of fail2ban with all that a ban takes, and a release works there', async () => {
    const server = current()
    await server.run(confine('-/tmp'))
    expectAllPass(await prove(server))
    const isBanned = async () => (await server.run('ipset save portward-hosts4')).stdout.includes(UNPROTECTED)
    await server.run(`fail2ban-client set portsentry banip ${UNPROTECTED}`)
    await eventually('the unprotected host is banned', isBanned)
    await server.run(`fail2ban-client set portsentry unbanip ${UNPROTECTED}`)
    await eventually('the unprotected host is released', async () => !(await isBanned()))
    await server.run(UNCONFINE)
  })

  it('passes behind a firewall that drops and rejects, for portsentry 2.x sees what comes before it', async () => {
    const server = current()
    const accept = `-p tcp --dport ${OPEN_PORT} -j ACCEPT`
    await server.run(`${gate.shut}\niptables -A INPUT ${accept} && iptables -P INPUT DROP`)
    const proof = await prove(server)
    await server.run(`iptables -P INPUT ACCEPT && iptables -D INPUT ${accept}\n${gate.open}`)
    expectAllPass(proof)
    expect(proof.exitCode).toBe(0)
  })

  it('passes at the end of an apply of much that is not the default', async () => {
    const server = current()
    await server.write(
      '/root/config.env',
      `${DEFAULT_CONFIG}WHITELIST=10.20.0.0/16,203.0.113.77,2001:db8:77::/64\nBLOCK_UDP=2\nMAXRETRY=60\nKILL_RUN_CMD='/bin/false # $TARGET$'\n`,
    )
    const proof = await prove(server, 'apply --yes')
    expect(proof.exitCode).toBe(0)
    expectAllPass(proof, [/^warn commands: KILL_RUN_CMD ended with exit code 1: .*; the lab has no network/m])
  })
})
