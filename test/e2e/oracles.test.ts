import { afterAll, beforeAll, expect, it } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import { getKey, parsePortsentryConf, setKey } from '../../src/documents/portsentry-conf.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { INSTALL } from './scenario.ts'

const CONF = '/etc/portsentry/portsentry.conf'

/** Ways to write a key, each as the lines of the file that concern it. The daemon says which ports it reads. */
const SHAPES: readonly string[] = [
  'TCP_PORTS="11,79"',
  'TCP_PORTS = "11,79"',
  'TCP_PORTS ="11,79"',
  'TCP_PORTS\t="11,79"',
  'TCP_PORTS=\t"11,79"',
  'TCP_PORTS "11,79"',
  'TCP_PORTS="11,79',
  "TCP_PORTS='11,79'",
  'TCP_PORTS=11,79',
  ' TCP_PORTS="11,79"',
  'tcp_ports="11,79"',
  'TCP_PORTS="11,79" # and more "quotes"',
  'TCP_PORTS="11\t,79"',
  'TCP_PORTS="11,79\xe9,80"',
  'TCP_PORTS=""',
  '#TCP_PORTS="11"\nTCP_PORTS="79"',
  'TCP_PORTS="11"\nTCP_PORTS="79"',
  'TCP_PORTS=11\nTCP_PORTS="79"',
  ' TCP_PORTS="11"\nTCP_PORTS="79"',
  'TCP_PORTSX="11"\nTCP_PORTS="79"',
  'TCP_PORTS="11,79"\r\n',
  'XXXXXXXXX="11 TCP_PORTS"\nTCP_PORTS="79"',
  '\nTCP_PORTS="11"',
  `#${'x'.repeat(1500)}\nTCP_PORTS="79"`,
]

describeServers('what the portsentry 1.2 daemon reads', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer()
    await server.run(`${INSTALL} && systemctl stop portsentry && touch /etc/portsentry/portsentry.ignore`)
  })
  afterAll(() => server?.stop())

  /** Ports that the daemon listens on with this file; it is ended again. */
  const listen = async (text: string): Promise<string> => {
    await server.write(CONF, Buffer.from(text, 'latin1'), 0o600)
    const { stdout } = await server.run(
      [
        "cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')",
        '/usr/sbin/portsentry -tcp >/dev/null 2>&1 </dev/null',
        // It says so when it has bound them all, and ends where it cannot read any.
        'until journalctl -q --after-cursor="$cursor" -t portsentry | grep -q "now active"',
        'do pgrep -x portsentry >/dev/null || break; sleep 0.02; done',
        "ss -Hltn4 | sed 's/.*0.0.0.0:\\([0-9]*\\) .*/\\1/' | sort -n",
        'pkill -x portsentry; while pgrep -x portsentry >/dev/null; do sleep 0.02; done',
      ].join('\n'),
      { allowFailure: true },
    )
    return stdout.trim().split(/\s+/).filter(Boolean).join(',')
  }

  const file = (lines: string) =>
    `${lines}\nIGNORE_FILE="/etc/portsentry/portsentry.ignore"\nHISTORY_FILE="/var/lib/portsentry/portsentry.history"\n` +
    'BLOCKED_FILE="/var/lib/portsentry/portsentry.blocked"\nSCAN_TRIGGER="0"\n'

  /** The ports of a value as atoi takes them, which is the daemon's affair and not the reader's. */
  const ports = (value: string | undefined): string =>
    (value ?? '')
      .split(',')
      .map((item) => Number.parseInt(item, 10))
      .filter((port) => port > 0)
      .sort((a, b) => a - b)
      .join(',')

  it.each(SHAPES)('is what our reader reads: %j', async (lines) => {
    const text = file(lines)
    const value = getKey(parsePortsentryConf(text, '1.2'), 'TCP_PORTS')
    expect(await listen(text)).toBe(ports(value))
  })

  it.each(SHAPES)('is what our editor sets, over %j', async (lines) => {
    const conf = parsePortsentryConf(file(lines), '1.2')
    expect(await listen(applyEdits(conf.text, setKey(conf, 'TCP_PORTS', '22,1524')))).toBe('22,1524')
  })
})
