import { expect, it } from 'vitest'
import { getValue, parseFail2banIni } from '../../src/documents/fail2ban-ini.ts'
import { decides, parseHostsAccess } from '../../src/documents/hosts-access.ts'
import { deniedAddresses } from '../../src/documents/hosts-access-edit.ts'
import { ignored, parseIgnoreList } from '../../src/documents/ignore-list.ts'
import { getKey, parsePortsentryConf, refusedLines } from '../../src/documents/portsentry-conf.ts'
import { getVariable, parseShellAssignments } from '../../src/documents/shell-assignments.ts'
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
import { factsOf, LAN, settingsOf } from '../plan/live.ts'
import { sourcedByShell } from '../sourced-by-shell.ts'
import { askConfigparser, askTcpdmatch } from './consumers.ts'
import { SEED } from './random.ts'
import { forTexts, type Material } from './texts.ts'

const TIMEOUT = { timeout: 600_000 }

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

const MODES = '/etc/default/portsentry'

const SHELL: Material = {
  files: [
    '# modes\nTCP_MODE="tcp"\nUDP_MODE="udp"\n',
    "TCP_MODE=stcp; UDP_MODE='sudp'\nexport TCP_MODE\n",
    '#TCP_MODE="atcp"\n#UDP_MODE="audp"\nOPTIONS="-x $TCP_MODE"\n',
    'if [ -z "$TCP_MODE" ]; then\n  TCP_MODE=atcp\nfi\nUDP_MODE=audp # as ever\n',
    'TCP_MODE="atcp"\r\nUDP_MODE="audp"\r\n',
  ],
  lines: ['TCP_MODE="atcp"', 'UDP_MODE=audp', 'TCP_MODE=', 'UDP_MODE=$(x)', 'A=1', 'A="', "B='", 'fi', 'if x; then', 'f() {', '}', 'exit', 'cat <<EOF', 'EOF', 'unset TCP_MODE', 'readonly UDP_MODE', 'local A=1', 'TCP_MODE="a\\', '# TCP_MODE=x', 'export TCP_MODE=tcp UDP_MODE=udp', 'esac'],
  pieces: ['TCP_MODE=', 'UDP_MODE=', '"atcp"', ' && ', ' || ', '; ', '${', '$((', '`', '<<', 'if ', 'then ', '\\\n'],
} // biome-ignore format: a table

const CONF: Material = {
  files: [
    '# conf\nTCP_PORTS="1,11,15"\nIGNORE_FILE="/etc/portsentry/portsentry.ignore"\nBLOCK_TCP="0"\nKILL_ROUTE="/sbin/route add -host $TARGET$ reject"\n',
    'IGNORE_FILE="/etc/portsentry/portsentry.ignore"\n#KILL_ROUTE="/sbin/iptables -I INPUT -s $TARGET$ -j DROP"\nRESOLVE_HOST = "0"\nPORT_BANNER="x" # say "it"\n',
    'IGNORE_FILE="/etc/portsentry/portsentry.ignore"\r\nHISTORY_FILE="/var/lib/portsentry/portsentry.history"\r\nBLOCKED_FILE="/var/lib/portsentry/portsentry.blocked"\r\n',
  ],
  lines: ['IGNORE_FILE="/etc/portsentry/portsentry.ignore"', 'KILL_ROUTE="/x $TARGET$"', "KILL_ROUTE='x'", 'KILL_ROUTE=', 'KILL_ROUTE="', 'BLOCK_TCP = "1"', 'BLOCK_TCP\t="1"', 'BLOCK_UDP="1" "2"', 'BLOCK="1"', 'K="x"', ' BLOCK_TCP="1"', 'block_tcp="1"', '#PORT_BANNER="x"', 'SCAN_TRIGGER "1"', 'SCAN_TRIGGER="\t1"', 'ADVANCED_PORTS_TCP="1023"', 'IGNORE_FILE="/srv/x"', 'HISTORY_FILE="x" x', '', '#', ' #', 'x'],
  pieces: ['BLOCK_TCP', 'KILL_ROUTE', '="', '"1"', 'IGNORE_FILE=', 'SCAN_TRIGGER', ' = ', '"\n', '#', '_', '=""'],
} // biome-ignore format: a table

const IGNORE: Material = {
  files: [
    '# hosts\n127.0.0.1\n0.0.0.0\n',
    '192.168.1.10/255.255.255.0\n10.0.0.0/8\n# portward: begin (x)\n192.168.1.0/24\n# portward: end\n203.0.113.9\n',
    '127.0.0.1/32\r\n192.168.1.10//24\r\n/\r\n',
    '127.0.0.0/8\n::1\n2001:db8::/32',
  ],
  lines: ['192.168.1.0/24', '192.168.1.10/24', '192.168.1.0/33', '192.168.1', '010.0.0.1', '0.0.0.0/0', '1.2.3.4 # x', ' 1.2.3.4', '2001:DB8::1', '::ffff:1.2.3.4', 'host.example', '# portward: begin', '# portward: end', '# portward: end x', '/', '203.0.113.64/26', ''],
  pieces: ['192.168.', '1.0', '/24', '/', '#', '# portward: begin', '# portward: end', '\n', ':', '::', '0x7f', '1'],
} // biome-ignore format: a table

const WRAPPERS: Material = {
  files: [
    '# allow\nALL: LOCAL @some_netgroup\nsshd: 10.0.0.\n',
    'ALL: 192.168.1.10/255.255.255.0\nALL: 127.0.0.1\n# portward: begin (x)\nALL: 192.168.1.0/255.255.255.0\n# portward: end\n',
    'ALL: ALL EXCEPT 203.0.113.9\nALL: PARANOID : DENY\n',
    'ALL: 192.168.1.20 : DENY\nALL: 203.0.113.9 : DENY\n',
    'sshd, vsftpd : 10. : spawn (/bin/echo %h) & : allow\n',
  ],
  lines: ['ALL: ALL', 'ALL: ALL: DENY', 'ALL: 192.168.1.0/24', 'ALL: 192.168.1.20 : DENY', 'ALL: fd00::20 : DENY', 'ALL: [fd00::]/64', 'ALL: 198.51.100.7:DENY', 'ALL: 203.0.113.7?', 'ALL: 203.*', 'ALL EXCEPT sshd: ALL: deny', 'ALL:', ': ALL', 'ALL: ALL: twist x', 'ALL: ALL \\', '# x \\', '#', '', '# portward: begin', '# portward: end', 'all: 127.', 'ALL: EXCEPT 10.', 'ALL: 10.0.0.0/8: allow'],
  pieces: ['ALL', ': ', 'EXCEPT', '192.168.1.', '/255.255.255.0', '[::1]', ': DENY', '\\\n', '\\:', ' , ', '.', '*', '?', '# portward: begin\n', '# portward: end\n'],
} // biome-ignore format: a table

const JAIL: Material = {
  files: [
    '[portsentry]\nenabled = true\n',
    'enabled = true\nlogpath  = %(portsentry_history)s\nmaxretry = 1\n',
    '# mine\n[DEFAULT]\nbantime = 10m ; short\n\n[portsentry]\nenabled = false\nignoreip = 127.0.0.1/8\n           10.0.0.0/8\n  ; x\n\n[sshd]\nenabled = true\n',
    '[portsentry]\r\nenabled = true\r\nbantime = 1\r\n',
    '[portsentry]\nbantime = 1\n[portsentry]\nbantime = 2\nbantime: 3\n',
  ],
  lines: ['[portsentry]', '[sshd]', '[DEFAULT]', '[]', '[x', 'enabled = true', 'enabled=false ; x', '  enabled = x', 'bantime : 1', 'ignoreip =', '  10.0.0.1', '\t10.0.0.1', 'maxretry', '= 1', 'FILTER = x', 'filter[x] = y', '# x', '; x', 'action = %(action_)s', '           x[a="b"]', '', '  '],
  pieces: ['[portsentry]', 'enabled', ' = ', '\n ', '\n', ' ;', '#', '[', ']', '%(', ')s', 'bantime', ':', '\xef\xbb\xbf', '\xc2\xa0', '\x85'],
} // biome-ignore format: a table

interface Case {
  readonly name: string
  /** How many texts: the quicker a format is read, the more. */
  readonly count: number
  readonly material: Material
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

const readAllowed = ({ admitted }: Desired, text: string): string | null => {
  const file = parseHostsAccess(text)
  const lost = admitted.find((network) => decides(file, network) !== 'allow')
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
  const file = parseShellAssignments(text)
  return firstWrong(WANTED_MODES, (name) => getVariable(file, name))
}

const WANTED_JAIL = [...(CLASSIC.jails.get('portsentry') ?? [])]

const readJail = (text: string): string | null => {
  const file = parseFail2banIni(text)
  const [fault] = file.faults
  return firstWrong(WANTED_JAIL, (option) => getValue(file, 'portsentry', option)) ?? fault?.message ?? null
}

const CASES: readonly Case[] = [
  {
    name: MODES,
    count: 120_000,
    material: SHELL,
    rewrite: (text) => rewriteModes(MODES, text, CLASSIC),
    read: readModes,
  },
  ...[CLASSIC, NATIVE].flatMap((desired) => [
    {
      name: `portsentry.conf of ${desired.release.name}`,
      count: 20_000,
      material: CONF,
      rewrite: (text: string) => rewriteConf(text, desired),
      read: (text: string) => readConf(desired, text),
    },
    {
      name: `the ignore list of ${desired.release.name}`,
      count: 10_000,
      material: IGNORE,
      rewrite: (text: string) => rewriteIgnoreList(text, desired),
      read: (text: string) => readIgnored(desired, text),
    },
  ]),
  {
    name: 'hosts.allow',
    count: 20_000,
    material: WRAPPERS,
    rewrite: (text) => rewriteHostsAllow(text, CLASSIC),
    read: (text) => readAllowed(CLASSIC, text),
  },
  {
    name: 'hosts.deny',
    count: 80_000,
    material: WRAPPERS,
    rewrite: (text) => rewriteHostsDeny(text, CLASSIC),
    read: (text) => readDenied(CLASSIC, text),
  },
  {
    name: 'the jail',
    count: 20_000,
    material: JAIL,
    rewrite: (text) => rewriteJails(text, CLASSIC),
    read: readJail,
  },
]

/** Texts as they were written, by format: for the consumers themselves. */
const samples = new Map<string, string[]>()

it.each(CASES)('$count texts are refused or written as meant: $name', TIMEOUT, (each) => {
  const { name, count, material, rewrite, read } = each
  const kept: string[] = []
  let written = 0
  forTexts(SEED, count, material, (text) => {
    const { text: after, problems } = rewrite(text)
    if (problems.some(isError)) return
    written += 1
    if (written % 25 === 0 && kept.length < 400) kept.push(after)
    const wrong = read(after)
    if (wrong !== null) throw new Error(`${wrong} in ${JSON.stringify(after)}`)
    if (written % 10 !== 0) return
    const again = rewrite(after)
    if (again.text !== after) {
      throw new Error(`${JSON.stringify(after)} is written again as ${JSON.stringify(again.text)}`)
    }
  })
  console.info(`seed ${SEED}: ${count} texts as ${name}, ${count - written} of them refused`)
  expect(written).toBeGreaterThan(count / 5)
  samples.set(name, kept)
})

const sampled = (name: string): string[] => {
  const texts = samples.get(name) ?? []
  expect(texts.length).toBeGreaterThan(100)
  return texts
}

it('sh reads the modes as they were written', TIMEOUT, () => {
  const texts = sampled(MODES)
  const read = sourcedByShell(
    texts,
    WANTED_MODES.map(([name]) => name),
  )
  const wanted = texts.map((text) => ({ text, modes: WANTED_MODES.map(([, value]) => value) }))
  const found = texts.map((text, index) => ({
    text,
    modes: WANTED_MODES.map(([name]) => read[index]?.get(name)),
  }))
  expect(found).toEqual(wanted)
})

it('libwrap lets in whom hosts.allow was written for', TIMEOUT, () => {
  // Rules for all but some daemons are the admin's own, and left aside.
  const isForAll = (text: string) =>
    parseHostsAccess(text).rules.every(({ daemons }) => !/except/i.test(daemons.join()))
  const texts = sampled('hosts.allow').filter(isForAll).slice(0, 150)
  const clients = ['127.0.0.1', '192.168.1.0', '192.168.1.255', '203.0.113.64', '198.51.100.7', '2001:db8::9']
  const verdicts = askTcpdmatch(texts, clients)
  if (verdicts === null) return
  const granted = clients.map(() => 'granted')
  expect(texts.map((text, index) => ({ text, said: verdicts[index] }))).toEqual(
    texts.map((text) => ({ text, said: granted })),
  )
})

it('Python’s configparser, which is fail2ban’s, reads the jail as it was written', TIMEOUT, () => {
  const texts = sampled('the jail')
  const read = askConfigparser(texts)
  if (read === null) return
  const wanted = Object.fromEntries(WANTED_JAIL)
  const found = texts.map((text, index) => ({
    text,
    read: Object.fromEntries(WANTED_JAIL.map(([option]) => [option, read[index]?.[option]])),
  }))
  expect(found).toEqual(texts.map((text) => ({ text, read: wanted })))
})
