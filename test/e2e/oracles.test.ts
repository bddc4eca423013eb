import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judgeConf } from '../../src/detector/judge-conf.ts'
import { applyEdits } from '../../src/documents/edit.ts'
import { parseIgnoreList } from '../../src/documents/ignore-list.ts'
import { fixEntries } from '../../src/documents/ignore-list-fix.ts'
import { getKey, parsePortsentryConf, setKey } from '../../src/documents/portsentry-conf.ts'
import { fixEdits, fixRefused } from '../../src/documents/portsentry-conf-fix.ts'
import { missingFromDump } from '../../src/plan/dump.ts'
import { effective, enabledJails, viewFail2ban } from '../../src/policy/fail2ban-view.ts'
import { isError } from '../../src/problem.ts'
import { CONF } from '../paths.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { STOP_PORTSENTRY } from './scenario.ts'

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

/** Files of /etc/fail2ban that concern the portsentry jail, beside Debian's own. */
const JAIL_FILES: readonly Readonly<Record<string, string>>[] = [
  { 'jail.d/portsentry.conf': '[portsentry]\nenabled = true\n' },
  { 'jail.d/portsentry.conf': '[portsentry]\nenabled: yes\nbantime=1h ; short\n# bantime = 2h\n' },
  {
    'jail.d/portsentry.conf':
      '[portsentry]\nenabled = true\nignoreip = 10.0.0.1\n   10.0.0.2\n\n   192.0.2.0/24\n',
  },
  { 'jail.d/portsentry.conf': '[portsentry]\r\nenabled = true\r\nmaxretry = 3\r\n' },
  {
    'jail.d/a.conf': '[portsentry]\nmaxretry = 4\n',
    'jail.d/b.conf': '[portsentry]\nenabled = true\nmaxretry = 5\n',
  },
  {
    'jail.d/b.conf': '[portsentry]\nenabled = true\nbantime = 1h\n',
    'jail.local': '[portsentry]\nbantime = 2h\n',
  },
  {
    'jail.local': '[portsentry]\nenabled = true\nfindtime = 3h\n',
    'jail.d/z.local': '[portsentry]\nfindtime = 4h\n',
  },
  {
    'jail.local':
      '[DEFAULT]\nbackend = systemd\nbantime = 5h\n[portsentry]\nenabled = true\nbackend = polling\n',
  },
  {
    'jail.local':
      '[DEFAULT]\nx = 6h\n[portsentry]\nenabled = true\nbantime = %(x)s\nlogpath = /var/lib/portsentry/%(__name__)s.history\n',
  },
  {
    'jail.d/x.conf': '[INCLUDES]\nbefore = y.inc\n[portsentry]\nenabled = true\n',
    'jail.d/y.inc': '[portsentry]\nmaxretry = 7\n',
  },
]

describeServers('stock portsentry 1.2 and fail2ban 1.0', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await server.run(`${STOP_PORTSENTRY} && touch /etc/portsentry/portsentry.ignore`)
  })
  afterAll(() => server?.stop())

  describe('what the portsentry 1.2 daemon reads', () => {
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

  describe('what fail2ban 1.0 makes of its files', () => {
    beforeAll(() =>
      server.run('touch /var/lib/portsentry/portsentry.history && rm -rf /etc/fail2ban/jail.d/*'),
    )

    it.each(JAIL_FILES)('is what our view says: %j', async (files) => {
      for (const [path, text] of Object.entries(files))
        await server.write(`/etc/fail2ban/${path}`, text, 0o644)
      const { stdout: dump } = await server.run('fail2ban-client -d')
      const { stdout: paths } = await server.run('cd /etc/fail2ban; ls *.conf *.local jail.d/* 2>/dev/null', {
        allowFailure: true,
      })
      const sources = paths.split('\n').map(async (path) => {
        return { path, text: (await server.read(`/etc/fail2ban/${path}`)).toString('latin1') }
      })
      const view = viewFail2ban(await Promise.all(sources))
      const options = [
        'enabled',
        'backend',
        'logpath',
        'bantime',
        'findtime',
        'maxretry',
        'ignoreip',
      ].flatMap((name) => {
        const value = effective(view, 'portsentry', name)?.value
        if (value === undefined || value === '') return []
        // fail2ban starts a jail for any of Python's words for true, and splits addresses at any blank.
        const said =
          name === 'enabled'
            ? String(/^(?:true|yes|on|1)$/i.test(value))
            : value.trim().split(/\s+/).join(' ')
        return [[name, said] as const]
      })
      expect(missingFromDump(dump.split('\n'), new Map([['portsentry', new Map(options)]]))).toEqual([])
      expect(enabledJails(view)).toContain('portsentry')
      await server.run('rm -rf /etc/fail2ban/jail.d/* /etc/fail2ban/jail.local')
    })
  })
})

/** Lines of portsentry.conf, over some of which 2.x does not start. */
const LINES_2: readonly string[] = [
  '# nothing',
  'SCAN_TRIGGER="2"',
  '  SCAN_TRIGGER="2"',
  'SCAN_TRIGGER="many"',
  'SCAN_TRIGGER="-1"',
  'SCAN_TRIGGER="65538"',
  'SCAN_TRIGGER="x"\nSCAN_TRIGGER="1"',
  "SCAN_TRIGGER='2'",
  'SCAN_TRIGGER=2',
  'SCAN_TRIGGER="2',
  'SCAN_TRIGGER "2"',
  'scan_trigger="2"',
  'SCAN_T\t= "2" # shortened',
  '\t\tPORT_BANNER="logged" # x',
  'KILL_RUN_CMD_FIRST = "yes"',
  'KILL_RUN_CMD=""',
  'BLOCK_TCP="3"',
  'BLOCK_TCP="2"',
  'BLOCK_UDP="1"',
  'RESOLVE_HOST="yes"',
  'ADVANCED_EXCLUDE_TCP="113,139"',
  'TCP_PORTS="11,x"',
  '  # indented',
  ' \t',
]

/** Lines of the ignore list, over some of which 2.x does not start. */
const ENTRIES_2: readonly string[] = [
  '203.0.113.40',
  '203.0.113.40 # monitoring',
  '  10.0.0.0/8',
  '10.0.0.0/8 ',
  '10.0.0.0/8\r',
  '203.0.113.77/24',
  '172.16.0.0/255.240.0.0 # offices',
  'FD00::/64',
  '[fd00::1]/64',
  '0.0.0.0/0',
  'monitor.example',
  '  # indented',
]

describeServers('what portsentry 2.x starts with', () => {
  let server: Server
  const DIRECTORY = '/root/oracle'
  const REST = `TCP_PORTS="1,11"\nIGNORE_FILE="${DIRECTORY}/ignore"\nHISTORY_FILE="${DIRECTORY}/history"\nBLOCKED_FILE="${DIRECTORY}/blocked"\n`

  beforeAll(async () => {
    server = await startServer({ suite: 'testing', floor: 'installed' })
    await server.run(`${STOP_PORTSENTRY} && mkdir ${DIRECTORY}`)
  })
  afterAll(() => server?.stop())

  /** Whether the daemon comes up with these files; it is ended again. */
  const starts = async (conf: string, ignore: string): Promise<boolean> => {
    await server.write(`${DIRECTORY}/conf`, Buffer.from(conf, 'latin1'), 0o600)
    await server.write(`${DIRECTORY}/ignore`, Buffer.from(ignore, 'latin1'), 0o600)
    const { exitCode } = await server.run(
      [
        `cd ${DIRECTORY}; rm -f blocked log; portsentry --stealth -l stdout -c ${DIRECTORY}/conf >log 2>&1 </dev/null & pid=$!`,
        'until grep -q "now active" log; do kill -0 $pid 2>/dev/null || exit 3; sleep 0.02; done',
        'kill $pid; wait $pid; exit 0',
      ].join('\n'),
      { allowFailure: true },
    )
    expect([0, 3]).toContain(exitCode)
    return exitCode === 0
  }

  it.each(LINES_2)('is what the judge lets pass, and any line once it is fixed: %j', async (lines) => {
    const text = `${lines}\n${REST}`
    const conf = parsePortsentryConf(text, '2.x')
    const isFine = !judgeConf(conf, ['stealth'], 'conf').some(isError)
    expect(await starts(text, '')).toBe(isFine)
    const fixed = applyEdits(text, fixEdits(conf, fixRefused(conf)))
    const isFixed = !judgeConf(parsePortsentryConf(fixed, '2.x'), ['stealth'], 'conf').some(isError)
    if (fixed !== text) expect([await starts(fixed, ''), isFixed]).toEqual([true, true])
  })

  it.each(ENTRIES_2)('is an ignore list whose lines can be read, or are fixed: %j', async (entry) => {
    const text = `${entry}\n127.0.0.1\n`
    const list = parseIgnoreList(text, '2.x')
    expect(await starts(REST, text)).toBe(list.faults.length === 0)
    const fixed = applyEdits(
      text,
      fixEntries(list, new Set()).flatMap(({ edit }) => edit ?? []),
    )
    if (fixed !== text) expect(await starts(REST, fixed)).toBe(true)
  })
})
