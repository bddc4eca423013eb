import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { readFacts } from '../../src/assessment/read-facts.ts'
import { parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { ignored, parseIgnoreList } from '../../src/documents/ignore-list.ts'
import { getKey, parsePortsentryConf } from '../../src/documents/portsentry-conf.ts'
import { parseNetwork } from '../../src/network.ts'
import { isInSync } from '../../src/plan/plan.ts'
import { effective } from '../../src/policy/fail2ban-view.ts'
import { judgeHost } from '../../src/policy/hosts-access-verdict.ts'
import { viewWith } from '../../src/policy/jail.ts'
import { sourcedByShell } from '../sourced-by-shell.ts'
import { ALLOW, CONF, type Files, HOSTS, IGNORE, KEYS, lan, MODES, STATES } from '../starting-states.ts'
import { copyOf, fixtures } from '../tree.ts'
import { carryOut, planFor } from './cases.ts'
import { settingsOf } from './live.ts'

const filesOf = (root: string): Files => ({
  read: (path) => readFileSync(join(root, path)),
  write: (path, content, mode) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
    if (mode !== undefined) chmodSync(join(root, path), mode)
  },
})

/** How each consumer reads its file: the shell, the daemons, libwrap, fail2ban. */
const meaning = async (root: string, config: string) => {
  const text = (path: string) => readFileSync(join(root, path), 'latin1')
  const conf = parsePortsentryConf(text(CONF), '1.2')
  const list = parseIgnoreList(text(IGNORE), '1.2')
  const allow = parseHostsAccess(text(ALLOW))
  const view = viewWith(await readFacts(root, settingsOf(config)))
  const judge = (address: string) => {
    const host = parseNetwork(address)
    if (host === null) throw new Error(address)
    return [
      ignored(list, host) ? 'ignored' : 'seen',
      judgeHost(allow, parseHostsAccess('ALL: ALL\n'), host, 'sshd')?.outcome,
    ].join(', ')
  }
  return {
    modes: Object.fromEntries(sourcedByShell([text(MODES)], ['TCP_MODE', 'UDP_MODE'])[0] ?? []),
    keys: Object.fromEntries(KEYS.map((key) => [key, getKey(conf, key)])),
    hosts: Object.fromEntries(HOSTS.map((address) => [address, judge(address)])),
    jail: Object.fromEntries(
      ['enabled', 'backend', 'logpath', 'bantime', 'maxretry', 'ignoreip'].map((key) => [
        key,
        effective(view, 'portsentry', key)?.value,
      ]),
    ),
  }
}

const DEFAULT = lan('192.168.1.10', '255.255.255.0')

/** The result for every starting state. */
const reached = async ({ make, config = DEFAULT }: (typeof STATES)[number]) => {
  const root = copyOf(join(fixtures, 'cases/debian-12/fresh/root'))
  await make(filesOf(root))
  await carryOut(await planFor(root, config))
  expect(isInSync(await planFor(root, config))).toBe(true)
  return meaning(root, config)
}

it.each(STATES)('comes from $name to the same, and a second plan is empty', async (state) => {
  const allowlisted = (address: string) => (address === state.meant ? 'ignored, deny' : 'seen, deny')
  expect(await reached(state)).toEqual({
    modes: { TCP_MODE: 'atcp', UDP_MODE: 'audp' },
    keys: {
      BLOCK_TCP: '1',
      BLOCK_UDP: '1',
      RESOLVE_HOST: '0',
      KILL_ROUTE: 'ipset add portward-hosts4 $TARGET$ timeout 86400',
      KILL_HOSTS_DENY: undefined,
      HISTORY_FILE: '/var/lib/portsentry/portsentry.history',
      SCAN_TRIGGER: '0',
    },
    hosts: {
      '192.168.1.20': 'ignored, allow',
      '192.168.1.254': 'ignored, allow',
      '127.0.0.1': 'ignored, allow',
      '203.0.113.9': 'seen, deny',
      '10.9.8.7': allowlisted('10.9.8.7'),
    },
    jail: {
      backend: 'polling',
      bantime: '1d',
      enabled: 'true',
      ignoreip: '127.0.0.0/8 ::1 192.168.1.0/24 fe80::/10 169.254.0.0/16 0.0.0.0/8 224.0.0.0/3',
      logpath: '/var/lib/portsentry/portsentry.history',
      maxretry: '1',
    },
  })
})
