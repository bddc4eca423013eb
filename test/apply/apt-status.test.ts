import { expect, it } from 'vitest'
import { parseAptStatus } from '../../src/apply/apt-status.ts'

const latest = (text: string) => {
  const found = parseAptStatus(text).latest
  return found && `${found.part} ${found.percent} ${found.text}`
}

it.each([
  ['nothing', '', null, ''],
  [
    'a download',
    'dlstatus:3:21.5387:Retrieving file 3 of 24 (2s remaining)\n',
    'download 21.5387 Retrieving file 3 of 24 (2s remaining)',
    '',
  ],
  [
    'a change',
    'pmstatus:fail2ban:40.9091:Unpacking fail2ban (all)\n',
    'change 40.9091 Unpacking fail2ban (all)',
    '',
  ],
  ['a whole number', 'pmstatus:dpkg-exec:0:Running dpkg\n', 'change 0 Running dpkg', ''],
  ['an architecture', 'pmstatus:libc6:amd64:5:Preparing libc6\n', 'change 5 Preparing libc6', ''],
  ['a colon in the text', 'pmstatus:x:7:Setting up: x\n', 'change 7 Setting up: x', ''],
  ['too much', 'pmstatus:x:100.01:Installed x\n', 'change 100 Installed x', ''],
  ['the last of several', 'pmstatus:a:1:A\npmstatus:b:2:B\n', 'change 2 B', ''],
  ['a line that is not complete', 'pmstatus:a:1:A\npmstatus:b:2', 'change 1 A', 'pmstatus:b:2'],
  [
    'errors and questions, which say nothing about progress',
    'pmerror:a:3:broke\nmedia-change: x\n',
    null,
    '',
  ],
  ['nonsense', '\0\n:::\npmstatus:x:many:A\n', null, ''],
])("apt's status: %s", (_, text, expected, rest) => {
  expect(latest(text)).toBe(expected)
  expect(parseAptStatus(text).rest).toBe(rest)
})
