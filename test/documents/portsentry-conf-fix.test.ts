import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import { parsePortsentryConf, refusedLines } from '../../src/documents/portsentry-conf.ts'
import { fixEdits, fixRefused, intendedBy, translatedValue } from '../../src/documents/portsentry-conf-fix.ts'
import { unreadLines } from '../../src/documents/portsentry-conf-unread.ts'
import { runs } from '../fast-check.ts'

const fix = (text: string): string => {
  const conf = parsePortsentryConf(text, '2.x')
  return applyEdits(text, fixEdits(conf, fixRefused(conf)))
}
const ADVANCED = '# for TCP_PORTS in TCP_MODE=atcp (portward): ADVANCED_EXCLUDE_TCP='

test.each<[string, string | null]>([
  ['SCAN_TRIGGER="1"', 'SCAN_TRIGGER=1'],
  ["\t scan_trigger = '1' # x", 'SCAN_TRIGGER=1'],
  ['SCAN_TRIGGER=1 # x', 'SCAN_TRIGGER=1'],
  ['KILL_ROUTE = /sbin/route add $TARGET$ ', 'KILL_ROUTE=/sbin/route add $TARGET$'],
  ['KILL_ROUTE "a b"', 'KILL_ROUTE=a b'],
  ['KILL_ROUTE="a b', 'KILL_ROUTE=a b'],
  ['KILL_ROUTE=""', 'KILL_ROUTE='],
  ['KILL_ROUTE=a "b" c', null],
  [`KILL_ROUTE='a "b" c'`, null],
  ['some words', null],
  ['#KILL_ROUTE="a"', null],
])('%j means %j', (text, expected) => {
  const meant = intendedBy(text)
  expect(meant && `${meant.key}=${meant.value}`).toBe(expected)
})

describe('a line that 2.x refuses', () => {
  it.each<[what: string, before: string, after: string]>([
    ['nothing to fix', '# x\nKILL_ROUTE="a"\n', '# x\nKILL_ROUTE="a"\n'],
    ['indented', '\t\tPORT_BANNER="logged" # x\n', 'PORT_BANNER="logged" # x\n'],
    ['in small letters', 'scan_trigger="1"\n', 'SCAN_TRIGGER="1"\n'],
    ['in single quotes', "SCAN_TRIGGER='1'\n", 'SCAN_TRIGGER="1"\n'],
    ['in no quotes', 'SCAN_TRIGGER=1\r\n', 'SCAN_TRIGGER="1"\r\n'],
    ['without a closing quote', 'SCAN_TRIGGER="1', 'SCAN_TRIGGER="1"'],
    ['without an equals sign', 'KILL_ROUTE "a"\n', 'KILL_ROUTE="a"\n'],
    ['an indented comment', '  # x\n \t\n', '# x\n\n'],
    ['an empty value', 'KILL_RUN_CMD=""\n', '#KILL_RUN_CMD=""\n'],
    ['an unknown key', 'KILL_ROUTES="a"\nfoo\n', '#KILL_ROUTES="a"\n#foo\n'],
    [
      'said by a good line, too',
      ' SCAN_TRIGGER="1"\nSCAN_TRIGGER="2"\n',
      '# SCAN_TRIGGER="1"\nSCAN_TRIGGER="2"\n',
    ],
    [
      'said twice: the last counts',
      ' SCAN_TRIGGER="1"\n SCAN_TRIGGER="2"\n',
      '# SCAN_TRIGGER="1"\nSCAN_TRIGGER="2"\n',
    ],
    [
      'shortened, and said by a good line',
      'KILL_ROUTE="a"\n KILL_RO="b"\n',
      'KILL_ROUTE="a"\n# KILL_RO="b"\n',
    ],
    ['a key of 1.2', '\tADVANCED_EXCLUDE_TCP="113,139"\n', `${ADVANCED}"113,139"\n`],
    ['a key of 1.2 with another value', 'ADVANCED_EXCLUDE_TCP="ident"\n', '#ADVANCED_EXCLUDE_TCP="ident"\n'],
    [
      'a key of 1.2 that is said anew',
      `${ADVANCED}"1"\nADVANCED_EXCLUDE_TCP="2"\n`,
      `#ADVANCED_EXCLUDE_TCP="1"\n${ADVANCED}"2"\n`,
    ],
    ['too long', ` SCAN_TRIGGER="1"${' '.repeat(1100)}\n`, `# SCAN_TRIGGER="1"${' '.repeat(1100)}\n`],
  ])('%s', (_, before, after) => {
    expect(fix(before)).toBe(after)
    expect(fix(after)).toBe(after)
  })

  const words = [' ', '\t', '#', '=', '"', "'", '1', 'SCAN_TRIGGER', 'ADVANCED_EXCLUDE_TCP', 'k', '\r', '\0']
  const text = fc.array(fc.constantFrom('\n', ...words)).map((parts) => parts.join(''))

  it('is none any more, and the others stay as they are', () => {
    fc.assert(
      fc.property(text, (before) => {
        const refused = new Set(refusedLines(parsePortsentryConf(before, '2.x')).map(({ number }) => number))
        const after = fix(before)
        expect(refusedLines(parsePortsentryConf(after, '2.x'))).toEqual([])
        const lines = after.split('\n')
        for (const [index, line] of before.split('\n').entries())
          if (!refused.has(index + 1)) expect(lines[index]).toBe(line)
      }),
      { numRuns: runs(2000) },
    )
  })
})

it.each<[string, string | undefined]>([
  ['', undefined],
  ['ADVANCED_EXCLUDE_TCP="1"\n', undefined],
  ['#ADVANCED_EXCLUDE_TCP="1"\n', undefined],
  [`${ADVANCED}"1, 20-25"\n`, '1,20-25'],
  [`${ADVANCED}"x"\n`, undefined],
  [`${ADVANCED}"1"\n${ADVANCED}"2"\n`, '2'],
])('a comment keeps a key of 1.2: %j', (text, expected) => {
  expect(translatedValue(parsePortsentryConf(text, '2.x'), 'ADVANCED_EXCLUDE_TCP')).toBe(expected)
})

describe('lines that set nothing', () => {
  it.each<[what: string, text: string, in12: string[], in2x: string[]]>([
    ['comments and blanks', '# x\n  # y\n\n \t\n', [], []],
    ['a good line', 'SCAN_TRIGGER = "1"\n', [], []],
    ['indented', '\tSCAN_TRIGGER="1"\n', ['1: it begins with a blank | SCAN_TRIGGER="1"'], []],
    ['small letters', 'scan_trigger="1"\n', ['1: the key is not in capitals | SCAN_TRIGGER="1"'], []],
    [
      'a tab',
      'SCAN_TRIGGER\t="1"\n',
      ['1: a blank or "=" must follow directly after the key | SCAN_TRIGGER="1"'],
      [],
    ],
    [
      'single quotes, which hide a good line',
      'SCAN_TRIGGER=\'1\'\nSCAN_TRIGGER="2"\n',
      [
        '1: the value is not in double quotes | SCAN_TRIGGER="1"',
        '2: line 1 sets SCAN_TRIGGER before it | -',
      ],
      [],
    ],
    ['an unknown key', 'LOG_FILE="x"\n', ['1: it has no key LOG_FILE | -'], []],
    ['no setting', 'hello\n', ['1: it is not a setting | -'], []],
    [
      'two values',
      'SCAN_TRIGGER="1"\nSCAN_TRIGGER="2"\n',
      ['2: line 1 sets SCAN_TRIGGER before it | -'],
      ['1: line 2 sets SCAN_TRIGGER after it | -'],
    ],
    ['twice the same', 'SCAN_TRIGGER="1"\n SCAN_TRIGGER="1"\n', [], []],
  ])('%s', (_, text, in12, in2x) => {
    const unread = (dialect: '1.2' | '2.x') =>
      unreadLines(parsePortsentryConf(text, dialect)).map(
        ({ line, reason, form }) => `${line}: ${reason} | ${form ?? '-'}`,
      )
    expect(unread('1.2')).toEqual(in12)
    expect(unread('2.x')).toEqual(in2x)
  })
})
