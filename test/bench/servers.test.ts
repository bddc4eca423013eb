import { afterAll, beforeAll, test } from 'vitest'
import { describeServers } from '../e2e/harness/requirements.ts'
import { type Server, startServer } from '../e2e/harness/server.ts'
import { portward, provide } from '../e2e/scenario.ts'
import { median, print, RUNS } from './figures.ts'

/** Milliseconds of a command on the server. */
const time = async (server: Server, command: string): Promise<number> => {
  const start = performance.now()
  await server.run(command)
  return performance.now() - start
}

/** Medians of a command and its peer, in turn, after one run of each that doesn't count; printed as a line. */
const compare = async (server: Server, name: string, command: string, peer: string): Promise<void> => {
  const pairs: [number, number][] = []
  for (let run = 0; run <= RUNS; run += 1) {
    const pair: [number, number] = [await time(server, command), await time(server, peer)]
    if (run > 0) pairs.push(pair)
  }
  const [own, other] = [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b))]
  const ratio = median(pairs.map(([a, b]) => a / b))
  print(`${name}: ${own.toFixed(0)} ms; ${peer}: ${other.toFixed(0)} ms; ratio ${ratio.toFixed(2)}`)
}

describeServers('how long it takes on provisioned servers', () => {
  const servers = new Map<string, Server>()

  beforeAll(async () => {
    for (const suite of ['bookworm', 'testing'] as const) {
      const server = await startServer({ suite })
      servers.set(suite, server)
      await provide(server)
      await portward(server, 'apply --yes --quiet', 0)
    }
  })
  afterAll(() => Promise.all([...servers.values()].map((server) => server.stop())))

  test.each(['bookworm', 'testing'])('%s', async (suite) => {
    const server = servers.get(suite)
    if (server === undefined) throw new Error(`${suite} did not start`)
    await compare(server, `${suite}: a plan in sync`, 'portward plan', 'node -e 0')
    await compare(server, `${suite}: verify, all checks`, 'portward verify', 'systemctl restart fail2ban')
  })
})
