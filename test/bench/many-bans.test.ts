import { test } from 'vitest'
import { eventually } from '../e2e/harness/eventually.ts'
import { DEFAULT_CONFIG } from '../e2e/harness/floors.ts'
import { describeServers } from '../e2e/harness/requirements.ts'
import { startServer } from '../e2e/harness/server.ts'
import { portward } from '../e2e/scenario.ts'
import { compare } from './compare.ts'

const PART = '20,000 bans, and a history of 1,000,000 lines'
const BANS = 20_000
const LINES = 1_000_000

/**
 * Fills fail2ban's database, from which its start and the loader take the bans, portsentry's history and list of blocked hosts,
 * and hosts.deny. Arguments: how many bans, how many lines, the history, 1.2 or 2.x. While fail2ban is stopped: it bans all hosts
 * of a history that is replaced under its eyes.
 */
const FILL = `
import sqlite3, sys, time
count, lines, path, dialect = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
now = int(time.time())
def host(n, first=11): return f'{first}.{n >> 16}.{n >> 8 & 255}.{n & 255}'
def since(n): return now - 7200 + n // 4
database = sqlite3.connect('/var/lib/fail2ban/fail2ban.sqlite3')
for n in range(count):
    row = (host(n), 'portsentry', since(n), 86400, 1, '{"matches": [], "failures": 1}')
    database.execute('INSERT INTO bips (ip, jail, timeofban, bantime, bancount, data) VALUES (?,?,?,?,?,?)', row)
database.commit()
def line(at, address, port):
    if dialect == '1.2':
        shown = time.strftime('%m/%d/%Y %H:%M:%S', time.localtime(at))
        return f'{at} - {shown} Host: {address}/{address} Port: {port} TCP Blocked\\n'
    shown = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at))
    return (f'{shown}.000+0000 Scan from: [{address}] ({address}) protocol: [TCP] port: [{port}] type: [TCP SYN/Normal scan] '
        'IP opts: [not set] ignored: [false] triggered: [true] noblock: [true] blocked: [false]\\n')
of_bans = [line(since(n), host(n), n % 1000 + 1) for n in range(count)]
with open(path, 'w') as history:
    history.writelines(line(now - 7200 - lines + n, host(n, 12), n % 1000 + 1) for n in range(lines - count))
    history.writelines(of_bans)
if dialect == '1.2':
    with open('/var/lib/portsentry/portsentry.blocked.atcp', 'w') as blocked: blocked.writelines(of_bans)
with open('/etc/hosts.deny', 'a') as denied: denied.writelines(f'ALL: {host(n)}\\n' for n in range(count))
`

const COMMANDS = ['bans', 'bans --json', 'status', 'explain 11.0.0.77', 'unban 192.0.2.1']

const UNBAN_REMARK =
  'three seconds of it are the wait for a fail2ban that was started less than two minutes before: it may still be restoring its bans'

describeServers('many bans', () => {
  test.each([
    ['Debian 12 with ipset', 'bookworm', 'ipset', '1.2', '/var/lib/portsentry/portsentry.history'],
    ['Debian testing with nft', 'testing', 'nft', '2.x', '/var/log/portsentry.log'],
  ] as const)('%s', { timeout: 3_600_000 }, async (name, suite, backend, dialect, history) => {
    const server = await startServer({ suite, floor: 'provisioned' })
    try {
      await server.write('/root/config.env', `${DEFAULT_CONFIG}BAN_BACKEND=${backend}\n`, 0o600)
      await portward(server, 'apply --yes --quiet', 0)
      await server.write('/root/fill.py', FILL, 0o600)
      await server.run(
        `systemctl stop fail2ban; python3 /root/fill.py ${BANS} ${LINES} ${history} ${dialect}; systemctl start fail2ban`,
        { timeoutMs: 600_000 },
      )
      const restored = async () =>
        Number((await server.run('fail2ban-client get portsentry banip | wc -w')).stdout) === BANS
      await eventually('fail2ban has restored its bans', restored, { timeoutMs: 600_000 })
      const node = { name: 'node -e 0', server, run: 'node -e 0' }
      for (const command of COMMANDS) {
        await compare({
          ...{ part: PART, work: `${command}, ${name}`, own: { server, run: `portward ${command}` } },
          marks: { time: { most: 1 } },
          peers: [{ ...node, marks: { processor: {}, memory: { difference: 150 } } }],
          ...(command.startsWith('unban') ? { remark: UNBAN_REMARK } : {}),
        })
      }
    } finally {
      await server.stop()
    }
  })
})
