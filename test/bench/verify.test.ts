import { test } from 'vitest'
import { describeServers } from '../e2e/harness/requirements.ts'
import { startServer } from '../e2e/harness/server.ts'
import { provide, UNTIL_FAIL2BAN_ANSWERS } from '../e2e/scenario.ts'
import { compare } from './compare.ts'

describeServers('verify', () => {
  test.each([
    ['Debian 12', 'bookworm'],
    ['Debian 13', 'trixie'],
    ['Debian testing', 'testing'],
  ] as const)('%s', { timeout: 3_600_000 }, async (release, suite) => {
    const server = await startServer({ suite, floor: 'provisioned' })
    try {
      await provide(server)
      await server.run(UNTIL_FAIL2BAN_ANSWERS)
      await compare({
        part: 'Proof',
        work: `verify, ${release}`,
        own: { server, run: 'portward verify' },
        marks: { time: { most: 2 }, processor: {}, memory: {} },
      })
    } finally {
      await server.stop()
    }
  })
})
