import { describe, expect, it } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import { parseIgnoreList } from '../../src/documents/ignore-list.ts'
import { fixEntries, zeroPrefixes } from '../../src/documents/ignore-list-fix.ts'
import { BLOCK_BEGIN, BLOCK_END } from '../../src/documents/owned-block.ts'
import type { Dialect } from '../../src/documents/portsentry-conf.ts'

const fix = (text: string, dialect: Dialect, ...doomed: number[]): string =>
  applyEdits(
    text,
    fixEntries(parseIgnoreList(text, dialect), new Set(doomed)).flatMap(({ edit }) => edit ?? []),
  )

describe('a line that the daemon does not read', () => {
  // The last column is 2.x.
  it.each<[what: string, before: string, in12: string, in2x: string]>([
    [
      'none',
      '# x\n\n10.0.0.1\n10.0.0.0/8\n',
      '# x\n\n10.0.0.1\n10.0.0.0/8\n',
      '# x\n\n10.0.0.1\n10.0.0.0/8\n',
    ],
    ['a comment behind it', '10.0.0.1 # x\n', '10.0.0.1 # x\n', '# x\n10.0.0.1\n'],
    ['a comment right behind it', '10.0.0.0/8#x \n', '10.0.0.0/8#x \n', '#x\n10.0.0.0/8\n'],
    ['indented', ' \t10.0.0.0/8\n', '10.0.0.0/8\n', '10.0.0.0/8\n'],
    ['indented, with a comment', '  10.0.0.0/8 # x\n', '10.0.0.0/8 # x\n', '# x\n10.0.0.0/8\n'],
    ['trailing blanks', '10.0.0.1 \t\n', '10.0.0.1 \t\n', '10.0.0.1\n'],
    ['CRLF', '# x\r\n\r\n10.0.0.1\r\n', '# x\r\n\r\n10.0.0.1\r\n', '# x\r\n\n10.0.0.1\n'],
    ['host bits', '203.0.113.77/24\n', '203.0.113.77/24\n', '203.0.113.0/24\n'],
    ['a dotted mask', '10.0.0.0/255.0.0.0 # x\n', '10.0.0.0/8 # x\n', '# x\n10.0.0.0/8\n'],
    ['a mask with a hole', '10.0.0.0/255.0.255.0\n', '10.0.0.0/255.0.255.0\n', '#10.0.0.0/255.0.255.0\n'],
    ['IPv6 in capitals', 'FD00::/64\n', 'FD00::/64\n', 'fd00::/64\n'],
    ['IPv6 in brackets', '[fd00::1]\n[fd00::1]/64\n', '[fd00::1]\n[fd00::1]/64\n', 'fd00::1\nfd00::/64\n'],
    ['a name', 'host.example\n', 'host.example\n', '#host.example\n'],
    ['an address and words', '10.0.0.1 the router\n', '10.0.0.1 the router\n', '#10.0.0.1 the router\n'],
    ['everybody', '0.0.0.0/0 \n', '0.0.0.0/0 \n', '#0.0.0.0/0 \n'],
    ['an indented comment', '  # x\n \n', '  # x\n \n', '# x\n\n'],
    ['an overlong comment', `#${'x'.repeat(1100)}\n`, `#${'x'.repeat(1100)}\n`, `#${'x'.repeat(1100)}\n`],
    [
      "inside of portward's block",
      `${BLOCK_BEGIN}\n 10.0.0.1\n${BLOCK_END}\n`,
      `${BLOCK_BEGIN}\n 10.0.0.1\n${BLOCK_END}\n`,
      `${BLOCK_BEGIN}\n 10.0.0.1\n${BLOCK_END}\n`,
    ],
  ])('%s', (_, before, in12, in2x) => {
    expect(fix(before, '1.2')).toBe(in12)
    expect(fix(before, '2.x')).toBe(in2x)
    expect(fix(in2x, '2.x')).toBe(in2x)
  })

  it('stays if it goes anyway', () => expect(fix(' 10.0.0.1\n x\n', '2.x', 1)).toBe(' 10.0.0.1\n# x\n'))

  it('is named, whether or not it can be fixed', () => {
    const list = parseIgnoreList('10.0.0.1\n 10.0.0.2\nfd00::1\n', '1.2')
    expect(fixEntries(list, new Set()).map(({ line, form }) => [line, form])).toEqual([
      [2, '10.0.0.2'],
      [3, null],
    ])
  })
})

it('knows entries that say everybody and ignore one host', () => {
  const text = '0.0.0.0/0\n10.0.0.0/8\n10.0.0.1/0\n10.0.0.1/20\n::/0\n'
  expect(zeroPrefixes(parseIgnoreList(text, '2.x'))).toEqual([1, 3])
  expect(zeroPrefixes(parseIgnoreList(text, '1.2'))).toEqual([1, 3])
})
