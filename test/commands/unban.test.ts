import { expect, test } from 'vitest'
import { compare } from '../../src/commands/unban.ts'
import type { PlaceName, PlaceReading } from '../../src/policy/ban-view.ts'

const read = (place: PlaceName): PlaceReading => ({ place, bans: [], isExpected: true, remark: '' })
const silent: PlaceReading = { ...read('fail2ban'), bans: null, isUnknown: true }

test.each<[string, PlaceName[], PlaceName[], PlaceReading[], object]>([
  ['it is gone', ['fail2ban'], [], [read('fail2ban')], { released: ['fail2ban'], left: [], unsure: [] }],
  ['it is left', ['fail2ban'], ['fail2ban'], [read('fail2ban')], { left: ['fail2ban'], released: [] }],
  ['it came back', [], ['firewall'], [read('firewall')], { left: ['firewall'], released: [] }],
  ['fail2ban fell silent', ['fail2ban'], [], [silent], { released: [], left: [], unsure: ['fail2ban'] }],
])('claims no release that was not seen: %s', (_, was, left, after, expected) =>
  expect(compare(was, left, after)).toMatchObject(expected),
)
