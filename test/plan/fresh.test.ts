import { expect, it } from 'vitest'
import { readFacts } from '../../src/assessment/read-facts.ts'
import { type Network, parseNetwork } from '../../src/network.ts'
import { plan } from '../../src/plan/planner.ts'
import { summaryInWords } from '../../src/plan/summary.ts'
import { JAIL_PATH } from '../../src/policy/jail.ts'
import { columnsOf } from '../../src/styled.ts'
import { configOf, treeOf } from './cases.ts'
import { factsOf, NATIVE, settingsOf } from './live.ts'
import { textOf } from './plan-text.ts'

const TEMPLATE = {
  version: '1.2-16',
  files: ['/etc/init.d/portsentry', '/usr/lib/systemd/system/portsentry@.service'],
}
const SYSV = { version: '1.2-14+b1', files: ['/etc/init.d/portsentry'] }

const networks = (...texts: readonly string[]): Network[] => texts.flatMap((text) => parseNetwork(text) ?? [])

/** A server with more addresses than most have. */
const LIVE = {
  addresses: networks('203.0.113.10', '2001:db8::10', 'fe80::1234'),
  gateways: networks('203.0.113.1', 'fe80::1'),
  resolvers: networks('192.0.2.53', '198.51.100.53', '2001:db8:ffff::53'),
  broadcasts: networks('203.0.113.255'),
  ...{ daemons: [], enabled: new Set<string>(), hasBanSet: false, jails: null, jailed: null },
}

const REQUESTED = ['portsentry', 'fail2ban', 'tcpd', 'ipset', 'iptables', 'python3-systemd']
const INSTALLS = [...REQUESTED, ...Array.from({ length: 18 }, (_, index) => `lib${index}`)].map((name) => ({
  ...{ name, version: '1.0', download: 1_300_000 },
}))

/** The plan for a release's fresh server, on which nothing is installed yet. */
const planned = async (release: string, portsentry: typeof NATIVE, config: string) => {
  const settings = settingsOf(config)
  const { files } = await readFacts(await treeOf(`${release}/fresh`), settings)
  // The stock files come with the packages; the history, with the daemon.
  const stock = [...files].filter(([path]) => !path.includes('history') && path !== JAIL_PATH)
  const facts = factsOf({
    wrapped: ['/usr/sbin/sshd'],
    ...{ live: LIVE, portsentry, installs: INSTALLS, packages: new Map([['iproute2', '6.1']]) },
    predicted: new Set(stock.map(([path]) => path)),
  })
  const result = plan(settings, { ...facts, files: new Map(stock) })
  if (result.plan === null) throw new Error(JSON.stringify(result.problems))
  return result.plan
}

const RELEASES = [
  ['debian-12', SYSV],
  ['debian-13', TEMPLATE],
  ['debian-testing', NATIVE],
] as const

it.each(
  RELEASES.flatMap(([release, portsentry]) =>
    [configOf(`${release}/fresh`), ''].map((config) => [release, portsentry, config] as const),
  ),
)('%s: a plan for a fresh server fits in 100 lines of 80 columns', async (release, portsentry, config) => {
  const made = await planned(release, portsentry, config)
  const text = textOf(made, { columns: 80 })
  // An empty line, the summary in two lines and the next command follow; the split counts one too many.
  expect(text.split('\n').length + 3).toBeLessThanOrEqual(100)
  const words = text.split('\n').filter((line) => !/^ +\d+ [-+]/.test(line))
  expect(Math.max(...words.map(columnsOf))).toBeLessThanOrEqual(80)
  expect(text.replace(/\n +/g, ' ')).toContain(' and 18 more that they need: 24 packages, 31 MB to download')
  expect(summaryInWords(made)).toMatch(
    /^\d+ changes: \d+ new files, \d edited; 24 packages, 31 MB to download; .*; restarts portsentry and fail2ban$/,
  )
})
