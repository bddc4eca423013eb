import fc from 'fast-check'
import { expect, it } from 'vitest'
import { getValue, parseFail2banIni } from '../../src/documents/fail2ban-ini.ts'
import { decides, parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { deniedAddresses } from '../../src/documents/hosts-access-edit.ts'
import { ignored, parseIgnoreList } from '../../src/documents/ignore-list.ts'
import { getKey, parsePortsentryConf, refusedLines } from '../../src/documents/portsentry-conf.ts'
import { readVariables } from '../../src/documents/shell-assignments.ts'
import { formatCidr, isWithin, parseNetwork } from '../../src/network.ts'
import {
  type Rewrite,
  rewriteHostsAllow,
  rewriteHostsDeny,
  rewriteJails,
  rewriteModes,
} from '../../src/plan/files.ts'
import { plan } from '../../src/plan/planner.ts'
import { rewriteConf } from '../../src/plan/rewrite-conf.ts'
import { rewriteIgnoreList } from '../../src/plan/rewrite-ignore-list.ts'
import type { Desired } from '../../src/policy/desired.ts'
import { isError } from '../../src/problem.ts'
import { isReplay, runs } from '../fast-check.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'
import { sourcedByShell } from '../sourced-by-shell.ts'
import { batchOf, CONF, HOSTS_ACCESS, IGNORE_LIST, JAIL, MODES } from './arbitraries.ts'
import { askConfigparser, askTcpdmatch, isMissing } from './consumers.ts'

const desiredOf = (config: string, facts: Parameters<typeof factsOf>[0] = {}): Desired => {
  const { plan: made, problems } = plan(settingsOf(LAN + config), factsOf(facts))
  if (made === null) throw new Error(JSON.stringify(problems))
  return made.desired
}

const EXTRA = "WHITELIST=203.0.113.64/26,198.51.100.7,2001:db8::/32\nPORT_BANNER='go away'\nSCAN_TRIGGER=2\n"
const CLASSIC = desiredOf(EXTRA)
const NATIVE = desiredOf(`${EXTRA}TCP_MODE=stcp\nUDP_MODE=sudp\n`, {
  portsentry: { version: '2.0.7-1', files: ['/usr/lib/systemd/system/portsentry.service'] },
})

interface Case {
  readonly name: string
  /** How many of them are written in `npm test`: the quicker a format is read, the more. */
  readonly count: number
  readonly texts: fc.Arbitrary<string>
  readonly rewrite: (text: string) => Rewrite
  /** Our own reader's complaint about the result, null where it says what was meant. */
  readonly read: (text: string) => string | null
}

const firstWrong = (
  wanted: Iterable<readonly [string, unknown]>,
  get: (key: string) => unknown,
): string | null => {
  for (const [key, value] of wanted) if (get(key) !== (value ?? undefined)) return `${key} is ${get(key)}`
  return null
}

const readConf = ({ conf, release }: Desired, text: string): string | null => {
  const file = parsePortsentryConf(text, release.dialect)
  return firstWrong(conf, (key) => getKey(file, key)) ?? refusedLines(file)[0]?.text ?? null
}

const readIgnored = ({ ignored: networks, release }: Desired, text: string): string | null => {
  const list = parseIgnoreList(text, release.dialect)
  if (release.dialect === '2.x' && list.faults.length > 0) return JSON.stringify(list.faults)
  const lost = networks.find((network) => !ignored(list, network))
  return lost === undefined ? null : `lost ${formatCidr(lost)}`
}

const readAllowed = ({ hostsAllowNetworks }: Desired, text: string): string | null => {
  const file = parseHostsAccess(text)
  const lost = hostsAllowNetworks.find((network) => decides(file, network) !== 'allow')
  return lost === undefined ? null : `not allowed: ${formatCidr(lost)}`
}

const readDenied = ({ protectedNetworks }: Desired, text: string): string | null => {
  const isProtected = (address: string) =>
    isWithin(protectedNetworks, parseNetwork(address) ?? { bytes: [], prefix: 0 })
  return deniedAddresses(parseHostsAccess(text)).find(isProtected) ?? null
}

const WANTED_MODES = [
  ['TCP_MODE', 'atcp'],
  ['UDP_MODE', 'audp'],
] as const

const readModes = (text: string): string | null => {
  const variables = readVariables(text)
  return firstWrong(WANTED_MODES, (name) => variables.get(name))
}

const WANTED_JAIL = [...(CLASSIC.jails.get('portsentry') ?? [])]

const readJail = (text: string): string | null => {
  const file = parseFail2banIni(text)
  const [fault] = file.faults
  return firstWrong(WANTED_JAIL, (option) => getValue(file, 'portsentry', option)) ?? fault?.message ?? null
}

const MODES_FILE = {
  name: '/etc/default/portsentry',
  count: 1200,
  texts: MODES,
  rewrite: (text: string) => rewriteModes('/etc/default/portsentry', text, CLASSIC),
  read: readModes,
}

const HOSTS_ALLOW = {
  name: 'hosts.allow',
  count: 250,
  texts: HOSTS_ACCESS,
  rewrite: (text: string) => rewriteHostsAllow(text, CLASSIC),
  read: (text: string) => readAllowed(CLASSIC, text),
}

const JAIL_FILE = {
  name: 'the jail',
  count: 150,
  texts: JAIL,
  rewrite: (text: string) => rewriteJails(text, CLASSIC),
  read: readJail,
}

const CASES: readonly Case[] = [
  MODES_FILE,
  ...[CLASSIC, NATIVE].flatMap((desired) => [
    {
      name: `portsentry.conf of ${desired.release.name}`,
      count: 250,
      texts: CONF,
      rewrite: (text: string) => rewriteConf(text, desired),
      read: (text: string) => readConf(desired, text),
    },
    {
      name: `the ignore list of ${desired.release.name}`,
      count: 150,
      texts: IGNORE_LIST,
      rewrite: (text: string) => rewriteIgnoreList(text, desired),
      read: (text: string) => readIgnored(desired, text),
    },
  ]),
  HOSTS_ALLOW,
  {
    name: 'hosts.deny',
    count: 1000,
    texts: HOSTS_ACCESS,
    rewrite: (text) => rewriteHostsDeny(text, CLASSIC),
    read: (text) => readDenied(CLASSIC, text),
  },
  JAIL_FILE,
]

it.each(CASES)(
  'any text is refused or written as meant, and written once: $name',
  ({ count, texts, rewrite, read }) => {
    fc.assert(
      fc.property(texts, (text) => {
        const { text: after, problems } = rewrite(text)
        fc.pre(!problems.some(isError))
        expect({ after, wrong: read(after) }).toEqual({ after, wrong: null })
        expect(rewrite(after).text).toBe(after)
      }),
      // At least one text in five is written.
      { numRuns: runs(count), maxSkipsPerRun: 4 },
    )
  },
)

/** Shows what is written to `check`, which asks the consumer and says how many answers it was able to compare. */
const askConsumer = (
  { texts, rewrite }: Case,
  { count, atOnce }: { count: number; atOnce: number },
  check: (written: readonly string[]) => number,
): void => {
  let checked = 0
  fc.assert(
    fc.property(batchOf(texts, atOnce), (batch) => {
      const results = batch.map(rewrite).filter(({ problems }) => !problems.some(isError))
      checked += check(results.map(({ text }) => text))
    }),
    { numRuns: runs(count) },
  )
  if (!isReplay) expect(checked).toBeGreaterThan((runs(count) * atOnce) / 20)
}

it('sh reads the modes as they were written', () => {
  askConsumer(MODES_FILE, { count: 3, atOnce: 500 }, (texts) => {
    const read = sourcedByShell(
      texts,
      WANTED_MODES.map(([name]) => name),
    )
    expect(texts.map((text, index) => [text, ...(read[index] ?? [])])).toEqual(
      texts.map((text) => [text, ...WANTED_MODES]),
    )
    return texts.length
  })
})

it('libwrap lets in every client that hosts.allow was written for', () => {
  // Rules for all but some daemons are the admin's own, and left aside.
  const isForAll = (text: string) =>
    parseHostsAccess(text).rules.every(({ daemons }) => !/except/i.test(daemons.join()))
  const clients = ['127.0.0.1', '192.168.1.0', '192.168.1.255', '203.0.113.64', '198.51.100.7', '2001:db8::9']
  const granted = clients.map(() => 'granted')
  if (isMissing('tcpdmatch')) return
  askConsumer(HOSTS_ALLOW, { count: 3, atOnce: 50 }, (written) => {
    const texts = written.filter(isForAll)
    const verdicts = askTcpdmatch(texts, clients)
    expect(texts.map((text, index) => ({ text, said: verdicts[index] }))).toEqual(
      texts.map((text) => ({ text, said: granted })),
    )
    return texts.length
  })
})

it('Python’s configparser, which is fail2ban’s, reads the jail as it was written', () => {
  const wanted = Object.fromEntries(WANTED_JAIL)
  if (isMissing('python3')) return
  askConsumer(JAIL_FILE, { count: 2, atOnce: 300 }, (texts) => {
    const read = askConfigparser(texts)
    const found = texts.map((text, index) => ({
      text,
      read: Object.fromEntries(WANTED_JAIL.map(([option]) => [option, read[index]?.[option]])),
    }))
    expect(found).toEqual(texts.map((text) => ({ text, read: wanted })))
    return texts.length
  })
})
