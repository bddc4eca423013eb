import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import {
  cutValues,
  type Dialect,
  getKey,
  overlongLines,
  parsePortsentryConf,
  refusedLines,
  setKey,
  unsetKey,
} from '../../src/documents/portsentry-conf.ts'
import { fixEdits, fixRefused } from '../../src/documents/portsentry-conf-fix.ts'
import { runs } from '../fast-check.ts'

const DIALECTS = ['1.2', '2.x'] as const
const KEY = 'KILL_ROUTE'
const get = (text: string, dialect: Dialect, key = KEY) => getKey(parsePortsentryConf(text, dialect), key)
const set = (text: string, dialect: Dialect, value: string, key = KEY) =>
  applyEdits(text, setKey(parsePortsentryConf(text, dialect), key, value))
const unset = (text: string, dialect: Dialect, key = KEY) =>
  applyEdits(text, unsetKey(parsePortsentryConf(text, dialect), key))
const refused = (text: string) => refusedLines(parsePortsentryConf(text, '2.x')).map(({ number }) => number)

describe('getKey', () => {
  it.each<[what: string, text: string, in12: string | undefined, in2x: string | undefined]>([
    ['nothing', '', undefined, undefined],
    ['plain', 'KILL_ROUTE="a b"\n', 'a b', 'a b'],
    ['two lines', 'KILL_ROUTE="a"\nKILL_ROUTE="b"\n', 'a', 'b'],
    ['a comment', '#KILL_ROUTE="a"\n', undefined, undefined],
    ['no quotes', 'KILL_ROUTE=a\n', undefined, undefined],
    ['single quotes', "KILL_ROUTE='a'\n", undefined, undefined],
    ['no quotes, then a good line', 'KILL_ROUTE=a\nKILL_ROUTE="b"\n', undefined, 'b'],
    ['no closing quote', 'KILL_ROUTE="a b\n', 'a b', undefined],
    ['no closing quote, CRLF', 'KILL_ROUTE="a b\r\n', 'a b', undefined],
    ['an inner quote', 'KILL_ROUTE="a"b"\n', 'a', 'a'],
    ['an escaped quote', 'KILL_ROUTE="a\\"b"\n', 'a\\', 'a\\'],
    ['other specials', 'KILL_ROUTE="a\'b && %s # c"\n', "a'b && %s # c", "a'b && %s # c"],
    ['text behind', 'KILL_ROUTE="a" # b "c"\n', 'a', 'a'],
    ['a tab in the value', 'KILL_ROUTE="a\tb"\n', 'a', 'a\tb'],
    ['non-ASCII in the value', 'KILL_ROUTE="a\xe4b"\n', 'a', 'a\xe4b'],
    ['a NUL in the value', 'KILL_ROUTE="a\0b"\n', 'a', undefined],
    ['blanks around =', 'KILL_ROUTE = "a"\n', 'a', 'a'],
    ['many blanks', 'KILL_ROUTE   =   "a"\n', 'a', 'a'],
    ['a tab before =', 'KILL_ROUTE\t="a"\n', undefined, 'a'],
    ['a blank, then a tab before =', 'KILL_ROUTE \t="a"\n', 'a', 'a'],
    ['a tab after =', 'KILL_ROUTE=\t"a"\n', 'a', 'a'],
    ['no =', 'KILL_ROUTE "a"\n', 'a', undefined],
    ['neither = nor blank', 'KILL_ROUTE"a"\n', undefined, undefined],
    ['an indented key', ' KILL_ROUTE="a"\n', undefined, undefined],
    ['a lower-case key', 'kill_route="a"\n', undefined, undefined],
    ['an empty value', 'KILL_ROUTE=""\n', '', undefined],
    ['an empty value, then another', 'KILL_ROUTE=""\nKILL_ROUTE="b"\n', '', 'b'],
    ['CRLF', '#\r\nKILL_ROUTE="a"\r\n', 'a', 'a'],
    ['no final newline', 'KILL_ROUTE="a"', 'a', 'a'],
    ['a shortened key', 'KILL_R="a"\n', undefined, 'a'],
    ['a very short key', 'K="a"\n', undefined, 'a'],
    ['a short key behind the whole one', 'KILL_ROUTE="a"\nKILL_="b"\n', 'a', 'b'],
    ['a shortened key of another', 'KILL_H="a"\n', undefined, undefined],
    ['a longer key', 'KILL_ROUTES="a"\n', undefined, undefined],
    ['the key in another value', 'PORT_BANNER="KILL_ROUTE=x"\n', undefined, undefined],
    ['the key far behind, a blank at its length', 'some words KILL_ROUTE "a"\n', 'a', undefined],
  ])('%s', (_, text, in12, in2x) => expect(DIALECTS.map((one) => get(text, one))).toEqual([in12, in2x]))

  it.each(DIALECTS)('%s: tells a key from its longer namesake', (dialect) => {
    const text = 'KILL_RUN_CMD_FIRST = "1"\n#KILL_RUN_CMD="no"\nKILL_RUN_CMD="x"\n'
    expect(get(text, dialect, 'KILL_RUN_CMD')).toBe('x')
    expect(get(text, dialect, 'KILL_RUN_CMD_FIRST')).toBe('1')
    expect(get('KILL_RUN_CMD_FIRST="1"\n', dialect, 'KILL_RUN_CMD')).toBe(undefined)
    expect(get('KILL_RUN_CMD="x"\n', dialect, 'KILL_RUN_CMD_FIRST')).toBe(undefined)
  })
})

describe('what the daemon would stumble over', () => {
  it.each<[string, number[]]>([
    ['', []],
    ['# x\n\nKILL_ROUTE="a"\n\r\n#\n', []],
    ['K = \t"a" # b\n', []],
    ['TCP_PORTS="1"\nADVANCED_PORTS_TCP="1023"\n', [2]],
    ['KILL_ROUTES="a"\n', [1]],
    ['kill_route="a"\n \n\t# x\nKILL_ROUTE\n=\nKILL_ROUTE=""\nKILL_ROUTE="\n', [1, 2, 3, 4, 5, 6, 7]],
    ['KILL_ROUTE=a\nKILL_ROUTE=\'a\'\nKILL_ROUTE "a"\n KILL_ROUTE="a"', [1, 2, 3, 4]],
    ['KILL_ROUTE="a\0"\n\0\n', [1, 2]],
  ])('2.x does not start: %j', (text, expected) => {
    expect(refused(text)).toEqual(expected)
  })

  it('1.2 reads over anything', () =>
    expect(refusedLines(parsePortsentryConf('x\n y\nK=""\n', '1.2'))).toEqual([]))

  it('counts the bytes that fit into its buffer', () => {
    const text = `#${'x'.repeat(1022)}\n#${'x'.repeat(1023)}\r\n${'x'.repeat(1024)}`
    expect(overlongLines(parsePortsentryConf(text, '1.2'))).toEqual([2, 3])
  })
})

/** As in Debian's own files: alternatives in comments, the active line beside them. */
const STOCK = [
  '# Ports',
  'TCP_PORTS="1,11"',
  '#TCP_PORTS="1,7"',
  '',
  'RESOLVE_HOST = "0"',
  '# route',
  '#KILL_ROUTE="/sbin/route add $TARGET$"',
  '',
  '# iptables',
  '#KILL_ROUTE="/sbin/iptables -I INPUT -s $TARGET$ -j DROP"',
  '#',
  '#KILL_ROUTE = "/sbin/ipfw add deny $TARGET$"',
  '',
  '# last',
  '',
].join('\n')

describe('setKey', () => {
  const both = (before: string, value: string, after: string) => [before, value, after, after] as const
  it.each<readonly [before: string, value: string, in12: string, in2x: string]>([
    both('', 'x', 'KILL_ROUTE="x"\n'),
    both('KILL_ROUTE="x"\n', 'x', 'KILL_ROUTE="x"\n'),
    both('KILL_ROUTE = "a" # why\n', 'x', 'KILL_ROUTE = "x" # why\n'),
    both('KILL_ROUTE="a"\r\n#\r\n', 'x', 'KILL_ROUTE="x"\r\n#\r\n'),
    both('KILL_ROUTE="a"', 'x', 'KILL_ROUTE="x"'),
    both('KILL_ROUTE=\t"a"\n', 'x', 'KILL_ROUTE=\t"x"\n'),
    both('KILL_ROUTE="a"b"c\n', 'x', 'KILL_ROUTE="x"b"c\n'),
    both('# \xe4\xf6\xfc\n', 'x', '# \xe4\xf6\xfc\nKILL_ROUTE="x"\n'),
    both('# x', 'x', '# x\nKILL_ROUTE="x"\n'),
    both('#\r\n# x', 'x', '#\r\n# x\r\nKILL_ROUTE="x"\r\n'),
    both('#\r\n', 'x', '#\r\nKILL_ROUTE="x"\r\n'),
    both('#KILL_ROUTE = "a"\n# z\n', 'x', '#KILL_ROUTE = "a"\nKILL_ROUTE = "x"\n# z\n'),
    both('#KILL_ROUTE\t=\t"a"\n# z\n', 'x', '#KILL_ROUTE\t=\t"a"\nKILL_ROUTE="x"\n# z\n'),
    both('## KILL_ROUTE="a"\n# z\n', 'x', '## KILL_ROUTE="a"\nKILL_ROUTE="x"\n# z\n'),
    both('#KILL_ROUTES="a"\n# z\n', 'x', '#KILL_ROUTES="a"\n# z\nKILL_ROUTE="x"\n'),
    both('KILL_ROUTE="a"\n', 'a $TARGET$ && $1 \\', 'KILL_ROUTE="a $TARGET$ && $1 \\"\n'),
    ['KILL_ROUTE="a"\nKILL_ROUTE="b"\n', 'x', 'KILL_ROUTE="x"\nKILL_ROUTE="b"\n', 'KILL_ROUTE="a"\nKILL_ROUTE="x"\n'],
    ['KILL_ROUTE\t="a"\n', 'x', 'KILL_ROUTE\t="a"\nKILL_ROUTE="x"\n', 'KILL_ROUTE\t="x"\n'],
    ['KILL_ROUTE=a\n', 'x', 'KILL_ROUTE="x"\n', 'KILL_ROUTE=a\nKILL_ROUTE="x"\n'],
    ['KILL_ROUTE = "a\r\n', 'x', 'KILL_ROUTE = "x"\r\n', 'KILL_ROUTE = "a\r\nKILL_ROUTE = "x"\r\n'],
    ['KILL_ROUTE "a"\n', 'x', 'KILL_ROUTE="x"\n', 'KILL_ROUTE "a"\nKILL_ROUTE="x"\n'],
    ['KILL_R="a"\n', 'x', 'KILL_R="a"\nKILL_ROUTE="x"\n', 'KILL_ROUTE="x"\n'],
  ])('%j to %j', (before, value, in12, in2x) => {
    expect(DIALECTS.map((dialect) => set(before, dialect, value))).toEqual([in12, in2x])
    expect([get(in12, '1.2'), get(in2x, '2.x')]).toEqual([value, value])
  }) // biome-ignore format: a table

  it.each<[key: string, value: string, changed: string]>([
    ['RESOLVE_HOST', '1', '-RESOLVE_HOST = "0"\n+RESOLVE_HOST = "1"'],
    ['TCP_PORTS', '1', '-TCP_PORTS="1,11"\n+TCP_PORTS="1"'],
    [KEY, '/sbin/iptables -j CHAOS', '9\n+KILL_ROUTE="/sbin/iptables -j CHAOS"'],
    [KEY, '/usr/sbin/route del', '6\n+KILL_ROUTE="/usr/sbin/route del"'],
    [KEY, '/sbin/nft add', '11\n+KILL_ROUTE = "/sbin/nft add"'],
    [KEY, '', '11\n+KILL_ROUTE = ""'],
    ['KILL_HOSTS_DENY', 'x', '13\n+KILL_HOSTS_DENY="x"'],
  ])('in a stock file: %s = %j', (key, value, changed) => {
    const lines = STOCK.split('\n')
    for (const dialect of DIALECTS) {
      const after = set(STOCK, dialect, value, key).split('\n')
      const index = after.findIndex((line, at) => line !== lines[at])
      const replaced = after.length === lines.length
      expect(replaced ? `-${lines[index]}\n+${after[index]}` : `${index - 1}\n+${after[index]}`).toBe(changed)
      expect(replaced ? after.with(index, lines[index] as string) : after.toSpliced(index, 1)).toEqual(lines)
    }
  })
})

describe('unsetKey', () => {
  it.each<[before: string, in12: string, in2x: string]>([
    ['', '', ''],
    ['# x\n', '# x\n', '# x\n'],
    ['KILL_ROUTE="a"', '#KILL_ROUTE="a"', '#KILL_ROUTE="a"'],
    ['KILL_ROUTE="a"\nX\nKILL_ROUTE = "b"\r\n', '#KILL_ROUTE="a"\nX\n#KILL_ROUTE = "b"\r\n', '#KILL_ROUTE="a"\nX\n#KILL_ROUTE = "b"\r\n'],
    ['KILL_ROUTE=a\n', '#KILL_ROUTE=a\n', 'KILL_ROUTE=a\n'],
    ['K="a"\n', 'K="a"\n', '#K="a"\n'],
    ['KILL_ROUTES="a"\n', 'KILL_ROUTES="a"\n', 'KILL_ROUTES="a"\n'],
  ])('%j', (before, in12, in2x) =>
    expect(DIALECTS.map((dialect) => unset(before, dialect))).toEqual([in12, in2x]),
  ) // biome-ignore format: a table
})

describe('laws', () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
  const piece = fc.constantFrom(
    'KILL_ROUTE', 'KILL_ROUTE="a"', 'KILL_ROUTE = "b"', 'KILL_RUN_CMD', 'KILL_RUN_CMD_FIRST', 'KILL_R', 'K', '=', '=', '"', '"', ' ', '\t',
    '#', '\n', '\n', '\n', '\r\n', '\r', '\0', '\xe4', 'x', "'", '\\', 'TCP_PORTS="1"',
  ) // biome-ignore format: a table
  const text = fc.oneof(
    fc.array(byte, { maxLength: 80 }).map((bytes) => bytes.join('')),
    fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join('')),
  )
  const key = fc.constantFrom(KEY, 'KILL_RUN_CMD', 'KILL_RUN_CMD_FIRST', 'TCP_PORTS')
  const value = fc.string({
    unit: fc.constantFrom('a', ' ', '$', '#', "'", '\\', '=', '/', 'K'),
    minLength: 1,
  })
  const dialect = fc.constantFrom(...DIALECTS)

  it('set then get, other keys stay, twice is once, the bytes around stay', () => {
    fc.assert(
      fc.property(text, dialect, key, value, (before, one, name, wanted) => {
        const edits = setKey(parsePortsentryConf(before, one), name, wanted)
        const after = applyEdits(before, edits)
        expect(get(after, one, name)).toBe(wanted)
        expect(setKey(parsePortsentryConf(after, one), name, wanted)).toEqual([])
        for (const { offset, length } of edits) {
          expect(after.startsWith(before.slice(0, offset))).toBe(true)
          expect(after.endsWith(before.slice(offset + length))).toBe(true)
        }
        for (const other of ['KILL_HOSTS_DENY', 'KILL_RUN_CMD', 'KILL_RUN_CMD_FIRST', 'TCP_PORTS']) {
          // 1.2 finds a key in the middle of a line, if that has a blank at the right place: so may a value.
          if (other !== name && one === '2.x') expect(get(after, one, other)).toBe(get(before, one, other))
        }
        expect(refused(after).length).toBeLessThanOrEqual(refused(before).length)
      }),
      { numRuns: runs(3000) },
    )
  })

  it('unset leaves nothing to be found, and only adds comment signs', () => {
    fc.assert(
      fc.property(text, dialect, key, (before, one, name) => {
        const edits = unsetKey(parsePortsentryConf(before, one), name)
        const after = applyEdits(before, edits)
        expect(get(after, one, name)).toBe(undefined)
        expect(edits.every((edit) => edit.length === 0 && edit.text === '#')).toBe(true)
        expect(unsetKey(parsePortsentryConf(after, one), name)).toEqual([])
      }),
      { numRuns: runs(2000) },
    )
  })

  const many = 200_000
  it.each<[string, string]>([
    ['hashes', '#'.repeat(many)],
    ['blanks', ' '.repeat(many)],
    ['key and blanks', `KILL_ROUTE${' '.repeat(many)}`],
    ['blanks around =', `KILL_ROUTE${' '.repeat(many / 2)}=${'\t'.repeat(many / 2)}x`],
    ['quotes', `KILL_ROUTE=${'"'.repeat(many)}`],
    ['capitals', 'K'.repeat(many)],
    ['lines', 'KILL_ROUTE=x\n'.repeat(many / 13)],
    ['comments', '#KILL_ROUTE="x"\n'.repeat(many / 16)],
    ['empty lines', '\n'.repeat(many)],
    ['NULs', '\0'.repeat(many)],
  ])('200 kB of %s come to an end', (_, hostile) => {
    const conf = parsePortsentryConf(hostile, '2.x')
    applyEdits(hostile, fixEdits(conf, fixRefused(conf)))
    for (const one of DIALECTS) {
      expect(get(set(hostile, one, 'x'), one)).toBe('x')
      unset(hostile, one)
    }
  })
})

describe('cutValues', () => {
  const cut = (text: string, dialect: Dialect) =>
    cutValues(parsePortsentryConf(text, dialect)).map(
      ({ line, key, read, written }) => `${line} ${key}: ${read} | ${written}`,
    )

  it.each<[what: string, text: string, in12: string | null, in2x: string | null]>([
    ['nothing', '', null, null],
    ['plain', 'KILL_ROUTE="a b"\n', null, null],
    ['an empty value', 'KILL_ROUTE=""\n', null, null],
    ['a quote within', 'KILL_ROUTE="a "b" c"\n', '1 KILL_ROUTE: a  | a "b" c', '1 KILL_ROUTE: a  | a "b" c'],
    [
      'an escaped quote',
      'KILL_ROUTE="a \\"b"\n',
      '1 KILL_ROUTE: a \\ | a \\"b',
      '1 KILL_ROUTE: a \\ | a \\"b',
    ],
    ['a tab within', 'KILL_ROUTE="a\tb"\n', '1 KILL_ROUTE: a | a\tb', null],
    ['non-ASCII within', 'KILL_ROUTE="a\xe4b"\n', '1 KILL_ROUTE: a | a\xe4b', null],
    ['apostrophes within', `KILL_ROUTE="a 'b' c"\n`, null, null],
    ['blanks around =', 'KILL_ROUTE = "a"b"\n', '1 KILL_ROUTE: a | a"b', '1 KILL_ROUTE: a | a"b'],
    ['text behind the value', 'KILL_ROUTE="a" b\n', null, null],
    ['a comment behind the value', 'KILL_ROUTE="a" # b\n', null, null],
    ['a comment with quotes', 'KILL_ROUTE="a" # "b"\n', null, null],
    ['a quote and a hash, which are taken for a comment', 'KILL_ROUTE="a "#b" c"\n', null, null],
    ['no closing quote', 'KILL_ROUTE="a\n', null, null],
    ['a comment line', '#KILL_ROUTE="a"b"\n', null, null],
    ['CRLF', '#\r\nKILL_ROUTE="a"b"\r\n', '2 KILL_ROUTE: a | a"b', '2 KILL_ROUTE: a | a"b'],
    ['no final newline', 'KILL_ROUTE="a"b"', '1 KILL_ROUTE: a | a"b', '1 KILL_ROUTE: a | a"b'],
    ['an unknown key', 'NONE_SUCH="a"b"\n', '1 NONE_SUCH: a | a"b', null],
    ['the first of two', 'KILL_ROUTE="a"b"\nKILL_ROUTE="c"\n', '1 KILL_ROUTE: a | a"b', null],
    ['the last of two', 'KILL_ROUTE="c"\nKILL_ROUTE="a"b"\n', null, '2 KILL_ROUTE: a | a"b'],
  ])('%s', (_what, text, in12, in2x) => {
    expect(cut(text, '1.2')).toEqual(in12 === null ? [] : [in12])
    expect(cut(text, '2.x')).toEqual(in2x === null ? [] : [in2x])
  })

  it('what is set, is read whole', () => {
    const value = fc
      .string({ minLength: 1, maxLength: 40 })
      .filter((text) => /^[\x20\x21\x23-\x7e]+$/.test(text))
    fc.assert(
      fc.property(value, fc.constantFrom(...DIALECTS), (text, dialect) => {
        expect(cut(set('', dialect, text), dialect)).toEqual([])
      }),
    )
  })
})
