import { expect, it } from 'vitest'
import type { IgnoreFile } from '../../src/documents/ignoreip.ts'
import { plan } from '../../src/plan/planner.ts'
import { namedIgnoreFiles } from '../../src/policy/ignore-files.ts'
import { renderProblem } from '../../src/problem.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const JAIL_LOCAL = '/etc/fail2ban/jail.local'
const SSHD = '[sshd]\nenabled = true\nbackend = systemd\nfilter = portsentry\n'

it.each<[string, string[]]>([
  ['[DEFAULT]\nignoreip = 192.0.2.1 file:/etc/a,file:///etc/b\n', ['/etc/a', '/etc/b']],
  ['[DEFAULT]\n# ignoreip = file:/etc/a\n', []],
  [`[DEFAULT]\nignoreip = %(mine)s\nmine = file:/etc/a\n`, ['/etc/a']],
  [`${SSHD}ignoreip = file:/etc/c\n`, ['/etc/c']],
  ['[sshd]\nenabled = false\nignoreip = file:/etc/c\n', []],
])('%j names %j', (text, paths) => {
  expect(namedIgnoreFiles(factsOf({ texts: { [JAIL_LOCAL]: text } }))).toEqual(paths)
})

type Version = '1.0.2-3' | '1.1.0-8' | '1.1.1-1' | null
const FRIENDS: IgnoreFile = { text: '198.51.100.9\n198.51.100.9\n192.168.1.7 2001:db8::1\n203.0.113.0/24\n' }

/** What a plan says if [DEFAULT] exempts what is in /etc/friends. */
const told = (version: Version, file: IgnoreFile): string[] => {
  const facts = factsOf({
    texts: { [JAIL_LOCAL]: `[DEFAULT]\nignoreip = 192.0.2.1 file:/etc/friends\n${SSHD}` },
    packages: new Map([...factsOf().packages, ...(version === null ? [] : [['fail2ban', version] as const])]),
    ignoreFiles: new Map([['/etc/friends', file]]),
  })
  const known = version === null ? { ...facts, packages: without(facts.packages, 'fail2ban') } : facts
  return plan(settingsOf(`${LAN}WHITELIST=192.0.2.1\n`), known)
    .problems.filter(({ at }) => at.path === JAIL_LOCAL)
    .map(renderProblem)
}

function without(packages: ReadonlyMap<string, string>, gone: string): ReadonlyMap<string, string> {
  return new Map([...packages].filter(([name]) => name !== gone))
}

const AT = `${JAIL_LOCAL}:2: `
const LOST = `${AT}warning: exempts 198.51.100.9, 203.0.113.0/24 (in /etc/friends) with [DEFAULT] ignoreip, which does not apply to the portsentry jail — add what is in /etc/friends to WHITELIST`

it.each<[Version, IgnoreFile, string[]]>([
  [
    '1.0.2-3',
    FRIENDS,
    [
      `${AT}fail2ban does not start because of this: ignoreip has file:/etc/friends, and only fail2ban 1.1.1 and later read files — list the addresses themselves`,
    ],
  ],
  [
    '1.1.0-8',
    FRIENDS,
    [
      `${AT}warning: this fail2ban takes file:/etc/friends in ignoreip for the name of a host, so nothing in that file is exempt from bans — list the addresses themselves, or install fail2ban 1.1.1`,
    ],
  ],
  ['1.1.1-1', FRIENDS, [LOST]],
  [null, FRIENDS, [LOST]],
  [
    '1.1.1-1',
    { reason: 'does not exist' },
    [
      `${AT}warning: ignoreip names /etc/friends, which does not exist: who is exempt by it was not checked — create the file, or remove the entry`,
    ],
  ],
  ['1.1.1-1', { text: '# nobody\n' }, []],
])('fail2ban %s, %j', (version, file, expected) => expect(told(version, file)).toEqual(expected))
