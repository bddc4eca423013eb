import { expect, it } from 'vitest'
import { renderGenerations } from '../../src/commands/generations.ts'
import type { Generation } from '../../src/generations/record.ts'
import { paint, withoutStyles, wrap } from '../../src/styled.ts'
import { setTimeZone } from '../time-zone.ts'

const generation = (more: Partial<Generation>): Generation => ({
  ...({ version: 1, root: '/', confirmBy: null, packages: [], newPaths: [] } as unknown as Generation),
  number: 1,
  state: 'applied',
  started: '2026-10-25T00:30:00.000Z',
  steps: ['write /etc/default/portsentry: TCP_MODE="atcp" (was "tcp"), UDP_MODE="audp" (was "udp")'],
  ...more,
})

const GENERATIONS = [
  generation({ number: 12, started: '2026-10-25T01:30:00.000Z', confirmBy: '2026-10-25T01:40:00.000Z' }),
  generation({ state: 'rolled-back' }),
]

it.each<[number, string[]]>([
  [
    80,
    [
      '  12  2026-10-25 02:30:00 +0100  applied, not confirmed',
      '      write /etc/default/portsentry: TCP_MODE="atcp" (was "tcp"),',
      '        UDP_MODE="audp" (was "udp")',
      '   1  2026-10-25 02:30:00 +0200  rolled back',
      '      write /etc/default/portsentry: TCP_MODE="atcp" (was "tcp"),',
      '        UDP_MODE="audp" (was "udp")',
      '',
    ],
  ],
  [
    200,
    [
      '  12  2026-10-25 02:30:00 +0100  applied, not confirmed',
      '      write /etc/default/portsentry: TCP_MODE="atcp" (was "tcp"), UDP_MODE="audp" (was "udp")',
      '   1  2026-10-25 02:30:00 +0200  rolled back',
      '      write /etc/default/portsentry: TCP_MODE="atcp" (was "tcp"), UDP_MODE="audp" (was "udp")',
      '',
    ],
  ],
])('are readable at %d columns, also where an hour passes twice', (columns, expected) => {
  setTimeZone('Europe/Berlin')
  const text = wrap(withoutStyles(renderGenerations(GENERATIONS)), columns, 2)
  expect(text.split('\n')).toEqual(expected)
})

it.each<[Partial<Generation>, string]>([
  [{}, '\u001b[32mapplied\u001b[0m\n'],
  [
    { confirmBy: '2026-10-25T01:40:00.000Z' },
    '\u001b[32mapplied\u001b[0m\u001b[33m, not confirmed\u001b[0m\n',
  ],
  [{ state: 'open' }, '\u001b[31minterrupted\u001b[0m\n'],
  [{ state: 'undone' }, '\u001b[33mfailed, rolled back\u001b[0m\n'],
  [{ state: 'undone', interrupted: true }, '\u001b[33minterrupted, rolled back\u001b[0m\n'],
])('have their state in colour: %j', (more, expected) => {
  expect(paint(renderGenerations([generation(more)]))).toContain(expected)
})

it.each<[string, Partial<Generation>, string[]]>([
  ['that is in force', {}, ['a', 'b', 'c']],
  ['that was in force', { state: 'rolled-back' }, ['a', 'b', 'c']],
  ['that failed', { state: 'undone', begun: 3 }, ['a', 'b', 'c']],
  [
    'that was interrupted',
    { state: 'undone', begun: 1, interrupted: true },
    ['a', 'not begun: 2 further steps'],
  ],
  ['that never began', { state: 'undone', begun: 0 }, ['not begun: 3 steps']],
  [
    'that was killed',
    { state: 'undone', interrupted: true },
    ['planned: 3 steps; how many were carried out is not known', 'a', 'b', 'c'],
  ],
  [
    'that has not ended',
    { state: 'open' },
    ['planned: 3 steps; how many were carried out is not known', 'a', 'b', 'c'],
  ],
])('have the steps that they carried out: one %s', (_, more, expected) => {
  const [, ...lines] = renderGenerations([generation({ steps: ['a', 'b', 'c'], ...more })])
    .trimEnd()
    .split('\n')
  expect(lines.map((line) => line.trim())).toEqual(expected)
})

it('are told apart: an apply that is running, and one that was interrupted', () => {
  const open = [generation({ state: 'open' })]
  expect(withoutStyles(renderGenerations(open, true))).toMatch(/ {2}being applied\n {6}planned: 1 step\n/)
  expect(withoutStyles(renderGenerations(open, false))).toMatch(/ {2}interrupted$/m)
})

it('says that there are none', () => {
  expect(renderGenerations([])).toBe('none: nothing has been applied yet\n')
})
