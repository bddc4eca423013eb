import { expect, it } from 'vitest'
import { renderFiles } from '../../src/plan/file-list.ts'
import type { DiffChoice } from '../../src/plan/formats/report.ts'
import type { Plan, Step } from '../../src/plan/plan.ts'
import { plan } from '../../src/plan/planner.ts'
import { paint, withoutStyles } from '../../src/styled.ts'
import { factsOf, LAN, settingsOf } from './live.ts'

const IN_SYNC = plan(settingsOf(LAN), factsOf()).plan as Plan
const filesOf = (steps: readonly Step[], choice: DiffChoice = 'folded') =>
  renderFiles({ ...IN_SYNC, steps }, choice)

const write = (path: string, before: string | null, after: string, mode = 0o644): Step => ({
  ...{ kind: 'write', path, before, after, mode, fromPackage: false, reasons: ['why'] },
})
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join('')

const ALLOW = '/etc/hosts.allow'
const RULES = '/etc/portward/rules.iptables'

it.each<[what: string, Step, string]>([
  [
    'a line that becomes two, with its numbers before and after',
    write(ALLOW, lines(1, 9), `${lines(1, 4)}new\nnewer\n${lines(6, 8)}`),
    [
      '~ /etc/hosts.allow  edited, -2 +2 lines',
      '    5 -line 5',
      '    5 +new',
      '    6 +newer',
      '    9 -line 9\n',
    ].join('\n'),
  ],
  ['one line more', write(ALLOW, 'a\n', 'a\nb\n'), '~ /etc/hosts.allow  edited, +1 line\n    2 +b\n'],
  ['one line less', write(ALLOW, 'a\nb\n', 'a\n'), '~ /etc/hosts.allow  edited, -1 line\n    2 -b\n'],
  [
    'a newline at the end',
    write(ALLOW, 'a', 'a\n'),
    [
      '~ /etc/hosts.allow  edited, -1 +1 lines',
      '    1 -a',
      '      \\ No newline at end of file',
      '    1 +a\n',
    ].join('\n'),
  ],
  [
    'numbers of many digits',
    write(ALLOW, lines(1, 10_000), `${lines(1, 9998)}x\nline 10000\n`),
    '~ /etc/hosts.allow  edited, -1 +1 lines\n  9999 -line 9999\n  9999 +x\n',
  ],
  ['a new file', write(ALLOW, null, 'a\n'), '+ /etc/hosts.allow  new, 1 line, 2 bytes\n    1 +a\n'],
  [
    'a file for root only',
    write(ALLOW, null, 'a\n', 0o600),
    '+ /etc/hosts.allow  new, 1 line, 2 bytes, mode 600\n    1 +a\n',
  ],
  [
    'an empty file',
    { kind: 'touch', path: '/var/log/x', mode: 0o640, reasons: [] },
    '+ /var/log/x  new, empty, mode 640\n',
  ],
  [
    'a generated file',
    write(RULES, null, lines(1, 300)),
    '+ /etc/portward/rules.iptables  new, 300 lines, 2.6 kB\n',
  ],
  [
    'one that changes a lot',
    write(RULES, lines(1, 11), ''),
    '~ /etc/portward/rules.iptables  edited, -11 lines\n',
  ],
  [
    'and a little',
    write(RULES, lines(1, 11), lines(1, 10)),
    '~ /etc/portward/rules.iptables  edited, -1 line\n   11 -line 11\n',
  ],
  [
    'one that goes',
    { kind: 'remove', path: RULES, before: 'a\nb\n', reasons: [] },
    '- /etc/portward/rules.iptables  removed, 2 lines\n',
  ],
  ['no file', { kind: 'enable', unit: 'portsentry' }, ''],
])('%s', (_, step, expected) => {
  expect(withoutStyles(filesOf([step]))).toBe(expected)
})

const BOTH = [write(ALLOW, 'a\n', 'b\n'), write(RULES, null, 'c\n')]

it.each<[DiffChoice, string[]]>([
  [
    'full',
    [
      '~ /etc/hosts.allow              edited, -1 +1 lines',
      '    1 -a',
      '    1 +b',
      '+ /etc/portward/rules.iptables  new, 1 line, 2 bytes',
      '    1 +c',
    ],
  ],
  [
    'folded',
    [
      '~ /etc/hosts.allow              edited, -1 +1 lines',
      '    1 -a',
      '    1 +b',
      '+ /etc/portward/rules.iptables  new, 1 line, 2 bytes',
    ],
  ],
  [
    'none',
    [
      '~ /etc/hosts.allow              edited, -1 +1 lines',
      '+ /etc/portward/rules.iptables  new, 1 line, 2 bytes',
    ],
  ],
])('--diff=%s', (choice, expected) => {
  expect(withoutStyles(filesOf(BOTH, choice))).toBe(`${expected.join('\n')}\n`)
})

it('colours what becomes of a file, and its lines', () => {
  const ESC = '\u001b'
  const painted = (codes: string, text: string) => `${ESC}[${codes}m${text}${ESC}[0m`
  expect(paint(filesOf(BOTH, 'folded')).split('\n')).toEqual([
    `${painted('33', '~')} ${painted('1', ALLOW)}              ${painted('33', 'edited')}, -1 +1 lines`,
    `${painted('2', '    1')} ${painted('31', '-a')}`,
    `${painted('2', '    1')} ${painted('32', '+b')}`,
    `${painted('32', '+')} ${painted('1', RULES)}  ${painted('32', 'new')}, 1 line, 2 bytes`,
    '',
  ])
})
