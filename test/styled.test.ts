import { describe, expect, it } from 'vitest'
import { asAscii, columnsOf, isUtf8, padEnd, paint, styled, withoutStyles, wrap } from '../src/styled.ts'

const ESC = '\u001b'

it.each([
  ['plain', 'plain'],
  [styled('red', 'down'), `${ESC}[31mdown${ESC}[0m`],
  [styled('red', ''), ''],
  [
    `a ${styled('bold', `b ${styled('green', 'c')} d`)} e`,
    `a ${ESC}[1mb ${ESC}[32mc${ESC}[0m${ESC}[1m d${ESC}[0m e`,
  ],
  // Marks that nobody opened, or that stand for no style.
  ['a\ufdefb\ufddfc', 'abc'],
  // A style that nobody ends must not colour the prompt of the shell.
  ['a\ufdd2b\ufdd0c\ufdef', `a${ESC}[31mb${ESC}[1mc${ESC}[0m${ESC}[31m${ESC}[0m`],
])('paints %j', (text, expected) => {
  expect(paint(text)).toBe(expected)
})

it('drops styles, which have no width', () => {
  const text = `a ${styled('bold', styled('red', 'bc'))}`
  expect(withoutStyles(text)).toBe('a bc')
  expect(columnsOf(text)).toBe(4)
  expect(padEnd(text, 6)).toBe(`${text}  `)
})

describe('wrap', () => {
  it.each([
    ['short', 10, 2, 'short'],
    ['one two three four', 9, 0, 'one two\nthree\nfour'],
    ['one two three four', 9, 2, 'one two\n  three\n  four'],
    ['  one two three', 9, 2, '  one two\n    three'],
    ['one two\n\nthree four five', 10, 0, 'one two\n\nthree four\nfive'],
    ['a-word-that-is-too-long b', 10, 2, 'a-word-that-is-too-long\n  b'],
    [`one ${styled('red', 'two')} three`, 7, 0, `one ${styled('red', 'two')}\nthree`],
    ['one two three four', Number.POSITIVE_INFINITY, 2, 'one two three four'],
  ])('breaks %j at %d columns', (text, columns, indent, expected) => {
    expect(wrap(text, columns, indent)).toBe(expected)
  })
})

it('writes its own typography in ASCII, and leaves other characters alone', () => {
  expect(asAscii('what — do … → █▁ “naïve”')).toBe('what - do ... -> #_ “naïve”')
})

it.each([
  [{}, false],
  [{ LANG: 'C.UTF-8' }, true],
  [{ LANG: 'de_DE.utf8' }, true],
  [{ LANG: 'C.UTF-8', LC_ALL: 'C' }, false],
  [{ LANG: 'C', LC_CTYPE: 'en_GB.UTF-8' }, true],
  [{ LANG: 'de_DE@euro', LC_ALL: '' }, false],
])('reads the locale %j', (env, expected) => {
  expect(isUtf8(env)).toBe(expected)
})
