import { applyEdits } from '../../src/documents/edit.ts'
import { setValue } from '../../src/documents/fail2ban-edit.ts'
import { parseFail2banIni } from '../../src/documents/fail2ban-ini.ts'
import { readHereDocuments } from '../../src/documents/maintainer-script.ts'
import { cutValues, parsePortsentryConf } from '../../src/documents/portsentry-conf.ts'
import { findInputBans, parseTables } from '../../src/facts/iptables-input.ts'
import { parseSockets } from '../../src/facts/procfs.ts'
import { parseSshConnection } from '../../src/facts/ssh.ts'
import { rewriteHostsAllow, rewriteHostsDeny, rewriteJails, rewriteModes } from '../../src/plan/files.ts'
import { plan } from '../../src/plan/planner.ts'
import { rewriteConf } from '../../src/plan/rewrite-conf.ts'
import { rewriteIgnoreList } from '../../src/plan/rewrite-ignore-list.ts'
import type { Desired } from '../../src/policy/desired.ts'
import { effective, viewFail2ban } from '../../src/policy/fail2ban-view.ts'
import { parseSettings } from '../../src/settings/settings.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const desiredOf = (config: string, portsentry?: Parameters<typeof factsOf>[0]): Desired => {
  const { plan: made } = plan(settingsOf(config), factsOf(portsentry))
  if (made === null) throw new Error('no plan')
  return made.desired
}

const WIDE = 'LAN_IP=10.0.0.1\nLAN_NM=16\n'
const CLASSIC = desiredOf(WIDE)
const NATIVE = desiredOf(`${LAN}TCP_MODE=stcp\nUDP_MODE=sudp\n`, {
  portsentry: { version: '2.0.7-1', files: ['/usr/lib/systemd/system/portsentry.service'] },
})

const jail = (text: string) => viewFail2ban([{ path: 'jail.local', text }])

/** Runs of these are what regular expressions and loops of a reader could stumble over, by what they are of. */
export const GENERAL = [
  ' ', '\t', '\n', '\r', '\r\n', '\0', '"', "'", '\\', '#', '=', ':', '[', ',', '*', '.', 'a', '1',
  '\\\n', '\n ', '\n#', '=\n', 'a=b\n',
] // biome-ignore format: a table
const SHELL = [
  '`', '(', '${', '${A', '$(', '`$(', 'A=\n', 'A="\n', "A='\n", 'A=1 ', 'A=${A}${A}\n', 'f() {\n',
  'if x; then\n', 'x && ', '"\\', '"\\"',
] // biome-ignore format: a table
const CONFIG = [
  'LAN_IP=1\n', 'LAN_IP="', 'WHITELIST=', '1.2.3.4,', '1d ', '/a', 'a b\n', 'LAN_IPP=1\n', '$',
] // biome-ignore format: a table
const CONF = ['K="a"b"\n', 'KILL_ROUTE="\n', 'BLOCK_TCP = "', '#KILL_ROUTE="x"\n', 'KILL_ROUTE ']
const LISTS = [
  '10.0.0.1\n', '10.0.0.0/255.255.0.0\n', '10.0.0.0/16 # x\n', '1.',
  '# portward: begin\n', '# portward: end\n', '# portward: begin\n# portward: end\n',
] // biome-ignore format: a table
const WRAPPERS = [
  'ALL: 10.0.?.*\n', 'ALL: ALL EXCEPT 10.\n', 'ALL:', 'ALL EXCEPT ', 'ALL: 10.0.0.20 : DENY\n', '*?',
  '10.0.*?,', '\\:', ': x ',
] // biome-ignore format: a table
const JAIL = [
  '%(', '%(a/', '%(b)s', '%(a', '%', '\xe2\x80', '\xc2\xa0', ' ;', 'k: v\n', '[x]\n',
  '[portsentry]\n', '[portsentry]\na=b\n',
] // biome-ignore format: a table
const PROGRAMS = [
  'cat >x <<EOF\n',
  '-A INPUT -s 1.2.3.4 ',
  '-m tcp ',
  ' "',
  'SSH_CONNECTION=1 ',
  '0: 0:0016 ',
]

/** For eight times the text, a reader may take eight times as long; 64 times would be its square. */
export const MOST_GROWTH = 24

interface Reader {
  readonly of: string
  /** What could be hard for this one, beside what could be for all. */
  readonly pieces: readonly string[]
  /** Pieces for which it is known to take time with the square of the length, little enough to leave it so. */
  readonly quadratic?: RegExp
  readonly read: (text: string) => unknown
}

/** Everything that takes the text of a file or of a program. */
export const READERS: readonly Reader[] = [
  { of: 'config.env', pieces: [...SHELL, ...CONFIG], read: (text) => parseSettings(text, {}, 'config.env') },
  {
    of: 'the environment',
    pieces: CONFIG,
    read: (text) => parseSettings(LAN, { WHITELIST: text, BANTIME: text, KILL_ROUTE: text }, 'x'),
  },
  { of: '/etc/default/portsentry', pieces: SHELL, read: (text) => rewriteModes('x', text, CLASSIC) },
  { of: 'portsentry.conf of 1.2', pieces: CONF, read: (text) => rewriteConf(text, CLASSIC) },
  { of: 'portsentry.conf of 2.x', pieces: CONF, read: (text) => rewriteConf(text, NATIVE) },
  { of: 'values cut off', pieces: CONF, read: (text) => cutValues(parsePortsentryConf(text, '1.2')) },
  { of: 'the ignore list of 1.2', pieces: LISTS, read: (text) => rewriteIgnoreList(text, CLASSIC) },
  { of: 'the ignore list of 2.x', pieces: LISTS, read: (text) => rewriteIgnoreList(text, NATIVE) },
  { of: 'hosts.allow', pieces: [...LISTS, ...WRAPPERS], read: (text) => rewriteHostsAllow(text, CLASSIC) },
  { of: 'hosts.deny', pieces: [...LISTS, ...WRAPPERS], read: (text) => rewriteHostsDeny(text, CLASSIC) },
  { of: 'the jail file', pieces: JAIL, read: (text) => rewriteJails(text, CLASSIC) },
  {
    of: 'a value of many lines',
    pieces: JAIL,
    // A diff of two lists that have nothing in common.
    quadratic: /[\r\n]/,
    read: (text) => {
      const ini = parseFail2banIni(`[portsentry]\nignoreip =\n ${text.replaceAll('\n', '\n ')}`)
      if (ini.faults.length > 0) return null
      return applyEdits(ini.text, setValue(ini, 'portsentry', 'ignoreip', 'x\ny\nz'))
    },
  },
  {
    of: 'a value that refers to one',
    pieces: JAIL,
    // Each reference is looked for up to the end, where none is closed.
    quadratic: /^%\(a\/$/,
    read: (text) =>
      effective(jail(`[DEFAULT]\nb = ${text.replace(/\s/g, '')}\na = %(b)s%(b)s\n`), 'DEFAULT', 'a'),
  },
  {
    of: 'references to a value',
    pieces: ['%(b)s'],
    read: (text) =>
      effective(jail(`[DEFAULT]\nb = ${'x'.repeat(100_000)}\na = ${text.trim()}\n`), 'DEFAULT', 'a'),
  },
  { of: 'a jail.local', pieces: JAIL, read: (text) => effective(jail(text), 'sshd', 'logpath') },
  { of: 'a maintainer script', pieces: [...SHELL, ...PROGRAMS], read: readHereDocuments },
  { of: 'iptables-save', pieces: PROGRAMS, read: (text) => findInputBans('iptables', parseTables(text)) },
  { of: 'the environment of a process', pieces: PROGRAMS, read: parseSshConnection },
  { of: '/proc/net/tcp', pieces: PROGRAMS, read: (text) => parseSockets('tcp', text, true) },
]
