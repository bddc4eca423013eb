import { expect, it } from 'vitest'
import { assumeRelease, findRelease, inferRelease, type Traces } from '../../src/policy/find-release.ts'
import { factsOf } from '../plan/live.ts'

const OLD_KEY = 'ADVANCED_PORTS_TCP="1024"\n'

const traces = (changes: Partial<Traces>): Traces => ({
  conf: 'TCP_PORTS="1"\n',
  debianVersion: '',
  hasInitScript: false,
  hasLogRotation: false,
  hasTemplateUnit: false,
  ...changes,
})

it.each<[Partial<Traces>, string | null]>([
  [{ hasInitScript: true, debianVersion: '12.11\n' }, 'sysv-1.2'],
  [{ hasInitScript: true, debianVersion: '11.0\n' }, 'sysv-1.2'],
  [{ conf: OLD_KEY, debianVersion: '12.11\n' }, 'sysv-1.2'],
  [{ hasInitScript: true, debianVersion: '13.1\n' }, 'template-1.2'],
  [{ conf: OLD_KEY, debianVersion: '13.1\n' }, 'template-1.2'],
  [{ conf: OLD_KEY, hasTemplateUnit: true }, 'template-1.2'],
  [{ hasInitScript: true, hasTemplateUnit: true, debianVersion: 'trixie/sid\n' }, 'template-1.2'],
  [{ hasLogRotation: true, debianVersion: 'forky/sid\n' }, 'native-2'],
  [{ hasLogRotation: true }, 'native-2'],
  [{ conf: `#${OLD_KEY}`, hasLogRotation: true }, 'native-2'],
  [{}, null],
  [{ debianVersion: '12.11\n' }, null],
  [{ hasInitScript: true }, null],
  [{ hasInitScript: true, debianVersion: 'forky/sid\n' }, null],
  [{ hasInitScript: true, debianVersion: '14.0\n' }, null],
  [{ hasInitScript: true, hasLogRotation: true, debianVersion: '12.11\n' }, null],
  [{ conf: OLD_KEY, hasLogRotation: true }, null],
])('%j tells %s', (changes, expected) => {
  expect(inferRelease(traces(changes))?.name ?? null).toBe(expected)
})

it.each([
  ['12.11\n', 'sysv-1.2'],
  ['13.1\n', 'template-1.2'],
  ['forky/sid\n', 'native-2'],
  ['', 'native-2'],
])('Debian %j ships %s', (version, expected) => expect(assumeRelease(version)?.name).toBe(expected))

it.each([
  ['ID=debian\n', '12.11\n', 'sysv-1.2'],
  ['NAME=x\nID=raspbian\nID_LIKE=debian\n', '13.1\n', 'template-1.2'],
  ['ID="debian"\n', 'forky/sid\n', 'native-2'],
  ['ID=ubuntu\nID_LIKE=debian\n', 'trixie/sid\n', undefined],
  ['ID=ubuntu\nID_LIKE=debian\n', '12\n', undefined],
])('%j with Debian %j ships %s', (osRelease, version, expected) =>
  expect(assumeRelease(version, osRelease)?.name).toBe(expected),
)

it.each([
  [{ portsentry: null, assumedRelease: 'native-2' }, 'native-2'],
  // A portsentry that is there knows better.
  [{ assumedRelease: 'native-2' }, 'sysv-1.2'],
  [{ portsentry: null }, 'no-portsentry'],
])('without package lists: %j', (changes, wanted) => {
  const release = findRelease(factsOf(changes))
  expect('code' in release ? release.code : release.name).toBe(wanted)
})

const copy = { live: null, portsentry: null, packages: new Map() } as const

it.each([
  ['sysv-1.2', { inferredRelease: 'sysv-1.2' }, 'sysv-1.2'],
  ['native-2', { inferredRelease: 'native-2' }, 'native-2'],
  ['nothing', { inferredRelease: null }, 'untold-release'],
  ['no portsentry.conf', {}, 'no-portsentry'],
])('a copy of /etc that tells %s', (_, changes, expected) => {
  const release = findRelease(factsOf({ ...copy, ...changes }))
  expect('code' in release ? release.code : release.name).toBe(expected)
})
