import { test } from 'vitest'
import { DEFAULT_CONFIG } from '../e2e/harness/floors.ts'
import { describeServers } from '../e2e/harness/requirements.ts'
import { type Server, startServer } from '../e2e/harness/server.ts'
import article from './article.sh?raw'
import { compare, countProcesses, record, skip } from './compare.ts'
import { RUN_ROLES, startRoleServers, Unavailable } from './roles.ts'

const PART = 'Nothing to do'
const COMMANDS = { plan: 'portward plan', apply: 'portward apply --yes' }

/** Why the rows are as they are. */
const REMARKS = {
  article: 'the script runs on a server of its own, of the same release, in turn',
  roles:
    'the roles run on servers of their own, in turn, from the ansible-core of Debian 12 with its defaults and the local connection. They have no network there, so apt-get update has nothing to read',
}

describeServers('nothing to do', () => {
  test.each([
    ['Debian 12', 'bookworm'],
    ['Debian 13', 'trixie'],
  ] as const)('%s', { timeout: 3_600_000 }, async (release, suite) => {
    const servers: Server[] = []
    const start = async (options: Parameters<typeof startServer>[0]) => {
      const server = await startServer({ suite, ...options })
      servers.push(server)
      return server
    }
    try {
      const server = await start({ floor: 'provisioned' })
      const other = await start({ floor: 'installed' })
      await other.write('/root/config.env', DEFAULT_CONFIG, 0o600)
      await other.write('/root/article', article, 0o755)
      await other.run('/root/article')
      // systemd refuses to start a daemon six times in ten seconds, as the script does here in turn.
      await other.run(`mkdir -p /etc/systemd/system.conf.d
        printf '[Manager]\\nDefaultStartLimitIntervalSec=0\\n' >/etc/systemd/system.conf.d/bench.conf
        systemctl daemon-reexec`)
      const peers = [
        {
          ...{ name: 'node -e 0', server, run: 'node -e 0' },
          marks: { time: { ratio: 2.5 }, processor: { ratio: 2.5 }, memory: { difference: 25 } },
        },
        {
          name: "the article's script",
          server: other,
          run: '/root/article',
          marks: { time: { ratio: 1 / 4 } },
        },
      ]
      for (const [name, run] of Object.entries(COMMANDS)) {
        await compare({
          part: PART,
          work: `${name}, ${release}`,
          own: { server, run },
          peers,
          remark: REMARKS.article,
        })
      }
      const own = [await countProcesses(server, COMMANDS.plan)]
      const row = { part: PART, work: `plan, ${release}`, quantity: 'processes started', unit: '' } as const
      record({ ...row, own, mark: { most: 8 } })
    } finally {
      for (const server of servers) await server.stop()
    }
  })

  test('Ansible roles', { timeout: 3_600_000 }, async () => {
    const roles = await startRoleServers().catch((error) => {
      if (!(error instanceof Unavailable)) throw error
      skip(PART, 'Ansible roles', error.message)
    })
    if (roles === undefined) return
    const server = await startServer({ floor: 'provisioned' })
    try {
      const peers = [...roles].map(([role, peer]) => ({
        ...{ name: `${role} and one for fail2ban`, server: peer, run: RUN_ROLES },
        marks: { time: { ratio: 1 / 40 }, processor: {} },
      }))
      for (const [name, run] of Object.entries(COMMANDS)) {
        await compare({
          part: PART,
          work: `${name}, Debian 12`,
          own: { server, run },
          peers,
          rounds: 5,
          remark: REMARKS.roles,
        })
      }
    } finally {
      for (const each of [server, ...roles.values()]) await each.stop()
    }
  })
})
