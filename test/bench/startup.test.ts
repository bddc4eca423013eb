import { test } from 'vitest'
import { describeServers } from '../e2e/harness/requirements.ts'
import { startServer } from '../e2e/harness/server.ts'
import { compare } from './compare.ts'

describeServers('commands that ask the server for nothing', () => {
  test.each([
    ['Debian 12', 'bookworm'],
    ['Debian 13', 'trixie'],
  ] as const)('%s', async (release, suite) => {
    const server = await startServer({ suite, floor: 'provisioned' })
    try {
      const marks = { time: { ratio: 1.3 }, processor: { ratio: 1.3 } }
      const peers = [{ name: 'node -e 0', server, run: 'node -e 0', marks }]
      for (const [name, args, exitCode] of [
        ['--version', '--version', 0],
        ['--help', '--help', 0],
        ['wrong usage', 'plan --nonsense', 64],
      ] as const) {
        const own = { server, run: `portward ${args}`, exitCode }
        await compare({ part: 'Starting', work: `${name}, ${release}`, own, peers, rounds: 15 })
      }
    } finally {
      await server.stop()
    }
  })
})
