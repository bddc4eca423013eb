import { describe, expect, it } from 'vitest'
import { describeInterrupt } from '../../src/commands/interruption.ts'
import {
  formatElapsed,
  logAdvance,
  logBegun,
  logEnded,
  renderEnded,
  renderUnderWay,
} from '../../src/commands/progress-lines.ts'
import { columnsOf, withoutStyles } from '../../src/styled.ts'
import type { Advance, Ending, Task } from '../../src/system/progress.ts'

const task = (kind: Task['kind'], what: string, beganMs = 0, more: Partial<Task> = {}): Task => ({
  ...{ kind, what, position: '', limitMs: null, beganMs },
  ...more,
})

const JAIL = task('step', 'fail2ban: new jail portsentry', 0, { position: '3/14' })
const LONG = task(
  'step',
  `install ${Array.from({ length: 24 }, (_, index) => `package-${index}`).join(', ')}`,
)
const FAIL2BAN = task('wait', 'fail2ban to load its jails', 0, { limitMs: 60_000 })
const DONE: Ending = { result: 'done', outcome: '' }
const UNPACKING: Advance = { part: 'change', percent: 45.45, text: 'Unpacking fail2ban (all)' }

it.each([
  [0, '0.0 s'],
  [140, '0.1 s'],
  [9949, '9.9 s'],
  [9960, '10 s'],
  [59_999, '1m'],
  [61_400, '1m 1s'],
])('%i ms: %s', (ms, expected) => {
  expect(formatElapsed(ms)).toBe(expected)
})

describe('the line that is redrawn', () => {
  it.each<[string, readonly Task[], Advance | null, number, string | null, string | null]>([
    ['nothing', [], null, 0, null, null],
    ['a step', [JAIL], null, 400, '| [3/14] fail2ban: new jail portsentry', null],
    ['and for how long', [JAIL], null, 3999, '| [3/14] fail2ban: new jail portsentry  3 s', null],
    [
      'a wait, once it is not brief',
      [task('step', 'restart fail2ban'), FAIL2BAN],
      null,
      4000,
      '| restart fail2ban · waiting for fail2ban to load its jails, up to 1m  4 s',
      null,
    ],
    ['a brief one', [task('step', 'restart fail2ban'), FAIL2BAN], null, 299, '| restart fail2ban', null],
    [
      'the longest of several waits, and the latest of several steps',
      [task('activity', 'a'), task('wait', 'b'), task('wait', 'c', 1), task('activity', 'd', 5000)],
      null,
      6000,
      '| d · waiting for b  1 s',
      null,
    ],
    [
      'a long step that waits for another apt',
      [
        { ...LONG, position: '2/21' },
        task('wait', 'apt-get, or an apt before it', 0, { limitMs: 1_800_000 }),
      ],
      null,
      4000,
      '| [2/21] install pac… · waiting for apt-get, or an apt before it, up to 30m  4 s',
      '| [2/21] install package-0, package-1, package-2, package-3, package-4, package-5, package-6, package-7, package-8, package-9, package-10, p… · waiting for apt-get, or an apt before it, up to 30m  4 s',
    ],
    [
      'the limit of a wait for something long',
      [JAIL, task('wait', `a ${'very '.repeat(60)}long command`, 0, { limitMs: 30_000 })],
      null,
      4000,
      '| [3/14] fail2ba… · waiting for a very very very very very very…, up to 30s  4 s',
      `| [3/14] fail2ban: new jail portsentry · waiting for a ${'very '.repeat(25)}ver…, up to 30s  4 s`,
    ],
    ['a wait alone', [FAIL2BAN], null, 2000, '| waiting for fail2ban to load its jails, up to 1m  2 s', null],
    [
      'the progress of apt',
      [LONG, task('wait', 'apt-get')],
      UNPACKING,
      12_000,
      '| install package-0, package-1, package-… · 45 %: Unpacking fail2ban (all)  12 s',
      '| install package-0, package-1, package-2, package-3, package-4, package-5, package-6, package-7, package-8, package-9, package-10, package-11, package-12, pack… · 45 %: Unpacking fail2ban (all)  12 s',
    ],
    [
      'its download',
      [task('step', 'install fail2ban')],
      { part: 'download', percent: 7, text: 'Retrieving file 3 of 24 (1min 2s remaining)' },
      12_000,
      '| install fail2ban · downloading 7 %: Retrieving file 3 of 24 (1min 2s re…  12 s',
      '| install fail2ban · downloading 7 %: Retrieving file 3 of 24 (1min 2s remaining)  12 s',
    ],
  ])('%s', (_, tasks, advance, nowMs, narrow, wide) => {
    const at = (columns: number) => {
      const line = renderUnderWay(tasks, advance, nowMs, columns, 0)
      expect(columnsOf(line ?? '')).toBeLessThanOrEqual(columns)
      return line && withoutStyles(line)
    }
    expect(at(80)).toBe(narrow)
    expect(at(200)).toBe(wide ?? narrow)
  })

  it('fits any width', () => {
    for (let columns = 20; columns < 100; columns += 1)
      for (const advance of [null, UNPACKING])
        expect(
          columnsOf(renderUnderWay([LONG, FAIL2BAN], advance, 72_000, columns, 1) ?? ''),
        ).toBeLessThanOrEqual(columns)
  })
})

it.each<[Task, Ending, number, string]>([
  [JAIL, DONE, 80, '✔ fail2ban: new jail portsentry  0.1 s'],
  [JAIL, { result: 'failed', outcome: '' }, 80, '✗ fail2ban: new jail portsentry  0.1 s'],
  [JAIL, { result: 'warned', outcome: 'rights: 2 passed' }, 80, '⚠ rights: 2 passed  0.1 s'],
  [
    task('step', 'install portsentry, fail2ban and so many more that a line is too short for them'),
    DONE,
    60,
    '✔ install portsentry, fail2ban and so many more that a\nline is too short for them  0.1 s',
  ],
  [
    task('step', 'a line with as many words as its terminal has'),
    DONE,
    51,
    '✔ a line with as many words as its terminal has\n0.1 s',
  ],
])('a step that has ended', (ended, ending, columns, expected) => {
  expect(withoutStyles(renderEnded(ended, ending, 120, columns))).toBe(expected)
  expect(renderEnded(ended, ending, 40, columns)).not.toMatch(/\d s/)
})

it.each<[Task, Ending, string, string]>([
  [JAIL, DONE, '[3/14] fail2ban: new jail portsentry', '[3/14] done in 1.2 s'],
  [
    JAIL,
    { result: 'failed', outcome: '' },
    '[3/14] fail2ban: new jail portsentry',
    '[3/14] failed after 1.2 s',
  ],
  [task('step', 'rolling back: /etc/x'), DONE, 'rolling back: /etc/x', 'rolling back: /etc/x: done in 1.2 s'],
  [
    task('step', 'proving: rights'),
    { result: 'warned', outcome: 'rights: 2 passed' },
    'proving: rights',
    'rights: 2 passed (1.2 s)',
  ],
])('a step in a log', (logged, ending, begun, ended) => {
  expect([logBegun(logged), logEnded(logged, ending, 1200)]).toEqual([begun, ended])
})

it("logs a few lines of apt's progress", () => {
  const parts = [
    ...[1, 24.9, 26, 49, 51, 99, 100].map((percent) => ({ part: 'download', percent }) as const),
    ...[0, 10, 30, 35, 80, 81, 100].map((percent) => ({ part: 'change', percent }) as const),
  ].map((each) => ({ ...each, text: 'x' }))
  const lines = parts.map((now, index) => logAdvance(parts[index - 1] ?? null, now))
  expect(lines.filter((line) => line !== null)).toEqual([
    'apt: downloading 26 %: x',
    'apt: downloading 51 %: x',
    'apt: downloading 99 %: x',
    'apt: downloaded',
    'apt: 30 %: x',
    'apt: 80 %: x',
  ])
})

it.each([
  [{ isAgain: false, isApt: true, phase: 'working' }, 'finishing apt, then undoing everything'],
  [{ isAgain: true, isApt: true, phase: 'working' }, 'already finishing apt, then undoing everything'],
  [{ isAgain: false, isApt: false, phase: 'working' }, 'finishing this step, then undoing everything'],
  [{ isAgain: true, isApt: false, phase: 'undoing' }, 'already undoing everything'],
  [{ isAgain: false, isApt: false, phase: 'recording' }, /too late to stop/],
] as const)('Ctrl-C: %j', (situation, expected) => {
  expect(describeInterrupt(situation)).toMatch(expected)
})
