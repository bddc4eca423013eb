import { expect, it } from 'vitest'
import { blockedFile, findInsecureBlockedFile } from '../../src/policy/blocked-file.ts'
import { sysv12 } from '../../src/policy/releases/classic-12.ts'
import { native2 } from '../../src/policy/releases/native-2.ts'
import { renderProblem } from '../../src/problem.ts'
import { factsOf, LAN, settingsOf } from '../plan/live.ts'

const DEFAULT = '/var/lib/portsentry/portsentry.blocked'
const WHO = '/srv/shared can be changed by users other than root (mode 775)'

const factsWith = (path: string, insecure: readonly string[] = []) =>
  factsOf({
    texts: { '/etc/portsentry/portsentry.conf': path === '' ? '' : `BLOCKED_FILE="${path}"\n` },
    insecure: new Map(insecure.map((each) => [each, WHO])),
  })

it.each([
  ['the stock path of 2.x', '/tmp/portsentry.blocked', DEFAULT],
  ['another path in /tmp', '/tmp/a/b', DEFAULT],
  ['/var/tmp', '/var/tmp/blocked', DEFAULT],
  ["the admin's own directory", '/srv/portsentry/blocked', '/srv/portsentry/blocked'],
  ['a name that only looks like it', '/tmpfiles/blocked', '/tmpfiles/blocked'],
  ['a directory that others may write to', '/srv/shared/blocked', DEFAULT],
  ['a lock directory, where anybody may write', '/run/lock/blocked', DEFAULT],
  ['a file of the system', '/etc/shadow', DEFAULT],
  ['a device', '/dev/sda', DEFAULT],
  ['none', '', DEFAULT],
])('portsentry.conf with %s', (_, path, expected) => {
  for (const release of [sysv12, native2]) {
    expect(blockedFile(settingsOf(LAN), factsWith(path, ['/srv/shared/blocked']), release)).toBe(expected)
  }
})

it.each([
  ['/srv/portsentry/blocked', null],
  // What is plainly no directory for it, such as /tmp, the settings refuse by themselves.
  [
    '/srv/log/blocked',
    /^config\.env:3: BLOCKED_FILE=\/srv\/log\/blocked is where .*: \/srv\/shared can be changed by users other than root \(mode 775\);.*leave it out/,
  ],
])('config.env with BLOCKED_FILE=%s', (path, expected) => {
  const settings = settingsOf(`${LAN}BLOCKED_FILE=${path}\n`)
  const facts = factsWith('', ['/srv/log/blocked'])
  const place = settings.locations.get('BLOCKED_FILE') ?? { path: 'config.env' }
  const problems = findInsecureBlockedFile(settings, facts, place).map(renderProblem)
  expect(problems).toEqual(expected === null ? [] : [expect.stringMatching(expected)])
})
