import { expect, it } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { describeLifetime } from './lifetime.ts'
import { expectHeld, OPEN_PORT } from './scenario.ts'

describeServers('one ban, one life, on testing', () => {
  const { server, configure } = describeLifetime('testing', ['portsentry'])

  it.each(['ipset', 'nft'])(
    "%s: bans a scanner's /64 with BAN_IPV6_PREFIX=64, unless a protected host is in it",
    async (backend) => {
      const address = addresses.server.wan6
      const reaches = (source: string, timeoutMs = 10_000) =>
        server().attacker.reaches(OPEN_PORT, { address, source, timeoutMs })
      for (const network of ['2001:db8:5:', '2001:db8:6:']) {
        for (const host of ['9', 'a'])
          await server().attacker.exec(
            'ip',
            'address',
            'replace',
            `${network}:${host}/64`,
            'dev',
            'eth0',
            'nodad',
          )
        await server().run(`ip route replace ${network}:/64 dev wan0`)
      }
      await configure(`BAN_BACKEND=${backend}\nBAN_IPV6_PREFIX=64\nWHITELIST=2001:db8:6::1\n`)
      expect(await reaches('2001:db8:5::a')).toBe(true)
      for (const source of ['2001:db8:5::9', '2001:db8:6::9']) {
        await server().attacker.scan(address, [1], { source })
        await eventually('the scanner is cut off', async () => !(await reaches(source, 1000)))
        await expectHeld(server(), source)
      }
      await eventually('its /64 is cut off', async () => !(await reaches('2001:db8:5::a', 1000)))
      expect(await reaches('2001:db8:6::a')).toBe(true)
      for (const source of ['2001:db8:5::9', '2001:db8:6::9']) {
        await server().run(`fail2ban-client set portsentry unbanip ${source}`)
        expect(await reaches(source)).toBe(true)
      }
      expect(await reaches('2001:db8:5::a')).toBe(true)
    },
  )
})
