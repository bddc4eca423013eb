import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readConfigLines } from '../../src/settings/config-lines.ts'
import { parseSettings } from '../../src/settings/settings.ts'
import { LAN } from '../plan/live.ts'
import { sourcedByShell } from '../sourced-by-shell.ts'

/** Where portward takes a file, a script that sources it must see the same values. */
const checkAgainstShell = (texts: readonly string[], names: readonly string[]) => {
  const taken = texts.flatMap((text) => {
    const { settings } = parseSettings(`${LAN}${text}`, {}, 'config.env')
    return settings ? [{ text, settings }] : []
  })
  const sourced = sourcedByShell(
    taken.map(({ text }) => `${LAN}${text}`),
    names,
  )
  for (const [index, { text, settings }] of taken.entries()) {
    for (const name of names.filter((one) => settings.locations.has(one))) {
      expect({ text, value: settings.portsentryKeys.get(name) }).toEqual({
        text,
        value: sourced[index]?.get(name),
      })
    }
  }
  return taken.length
}

describe('a shell that sources config.env', () => {
  const names = ['PORT_BANNER', 'KILL_RUN_CMD']

  it('sees what portward reads, written by hand', () => {
    const values = [
      ...['go', "'go away'", '"go away"', '"it\'s"', "'say #1'", '"a # b" # c', "'a\\' # it's", "'a\\' # it'", '=x', '""'],
      ...['"a\\b"', '"a\\tb"', "'a\\nb'", 'a;b', 'a&b', 'a|b', '(a)', 'a<b', 'a>b', '~', '~/x', 'a:~', '*', '[a]', '{a,b}', 'a!b'],
      ...['"!"', '"*"', "'~'", '"~"', '"${X}"', '${X}', "'${X}'", '${X}${X}', '"${X} b"', '%s', '-n', '"\\\\"', "'\\\\'", '"\\"'],
      ...['a\\', 'a\\ b', 'a#b', '#b', 'a #b', "a'b'", '"a"b', 'a"b"', '${Y}', '"${Y}"', '${Z}', "'a' 'b'", '^a', 'a=b', '@a,b+c'],
    ] // biome-ignore format: a table
    const texts = values.flatMap((value) => [
      `X='1 2'\nY=\${X}3\nPORT_BANNER=${value}\n`,
      `X=4\nexport KILL_RUN_CMD=${value}`,
      `X="a\nPORT_BANNER=1\n"\nPORT_BANNER=${value}\n`,
      `X=it's # that's\nPORT_BANNER=${value}\n`.replace("'s #", ' #'),
    ])
    expect(checkAgainstShell(texts, names)).toBeGreaterThan(100)
  })
})

describe('readConfigLines', () => {
  it.each<[string, string[]]>([
    ['A=1\nB=2', ['1 A=1', '2 B=2']],
    ['# A=1\n\nexport A=1 # x\n', ['3 A=1 # x']],
    ['A="1\n2"\nB=3\n', ['1 A="1\n2"', '3 B=3']],
    ["A='1\nB=3\n", ["1 A='1", '2 B=3']],
    ['A=`1\n2`\nB=3\n', ['1 A=`1\n2`', '3 B=3']],
    ['A="1" "\nB=3\n', ['1 A="1" "', '2 B=3']],
    ['A=1\r\nB=2\r\n', ['1 A=1', '2 B=2']],
    ['1A=1\nA B=2\n=3\n', []],
  ])('%j', (text, expected) =>
    expect(readConfigLines(text).assignments.map(({ line, name, raw }) => `${line} ${name}=${raw}`)).toEqual(
      expected,
    ),
  )

  it('finds every line of the text once', () => {
    const piece = fc.constantFrom(
      'A=1',
      'B="',
      "C='",
      '"',
      "'",
      '`',
      '\n',
      '\n',
      '\n',
      '# x',
      'x',
      '\r',
      'A.b=',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('')
        const { assignments, others } = readConfigLines(text)
        const starts = [...assignments, ...others].map(({ line }) => line)
        expect(new Set(starts).size).toBe(starts.length)
        for (const { raw, line } of assignments) {
          const inFile = text
            .replaceAll('\r\n', '\n')
            .split('\n')
            .slice(line - 1, line - 1 + raw.split('\n').length)
          expect(inFile.join('\n').endsWith(raw)).toBe(true)
        }
      }),
    )
  })
})
