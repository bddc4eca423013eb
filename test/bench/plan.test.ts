import { test } from 'vitest'
import { describeServers } from '../e2e/harness/requirements.ts'
import { startServer } from '../e2e/harness/server.ts'
import { compare, countProcesses, record } from './compare.ts'

const PART = 'Nothing to do'
const NODE_MARKS = { time: { ratio: 2.5 }, processor: { ratio: 2.5 }, memory: { difference: 25 } }

describeServers('nothing to do', () => {
  test.each([
    ['Debian 12', 'bookworm'],
    ['Debian 13', 'trixie'],
  ] as const)('%s', async (release, suite) => {
    const server = await startServer({ suite, floor: 'provisioned' })
    try {
      const node = { name: 'node -e 0', server, run: 'node -e 0', marks: NODE_MARKS }
      for (const [name, run] of [
        ['plan', 'portward plan'],
        ['apply', 'portward apply --yes'],
      ] as const) {
        await compare({ part: PART, work: `${name}, ${release}`, own: { server, run }, peers: [node] })
      }
      const own = [await countProcesses({ server, run: 'portward plan' })]
      record({
        ...{ part: PART, work: `plan, ${release}`, quantity: 'processes started', unit: '' },
        ...{ own, mark: { most: 8 } },
      })
    } finally {
      await server.stop()
    }
  })
})
