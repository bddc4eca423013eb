import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { readableBytes, readableJson, readableMessage, readableWords } from '../src/readable.ts'

/** As a file's text is read. */
const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

describe('bytes of a file', () => {
  test.each<[string, string, string]>([
    ['UTF-8', latin1('# “café” — ü €  日本 🙂\n'), '# “café” — ü €  日本 🙂\n'],
    ['Latin-1', '# caf\xe9\n', '# caf\\xe9\n'],
    ['both in a row', `${latin1('é')}\xe9${latin1('é')}`, 'é\\xe9é'],
    ['half a character', '\xe2\x80', '\\xe2\\x80'],
    ['an overlong NUL', '\xc0\x80', '\\xc0\\x80'],
    ['a surrogate', '\xed\xa0\x80', '\\xed\\xa0\\x80'],
    ['a bare CSI', '\x9b31m', '\\x9b31m'],
    ['a CSI in UTF-8', latin1('\u009b31m'), '<9b>31m'],
    ['a title for the terminal', '\x1b]0;mine\x07', '^[]0;mine^G'],
    ['a line that hides itself', 'bad\rgood\x08\x7f', 'bad^Mgood^H^?'],
    ['tab and newline', 'a\tb\n', 'a\tb\n'],
    ['a turned direction', latin1('a\u202eb\u2066c'), 'a<202e>b<2066>c'],
    ['a mark of our own styles', latin1('a\ufdd2b\ufdefc'), 'a<fdd2>b<fdef>c'],
    ['what has no width', latin1('a\u200bb\ufeffc\u{e0041}d'), 'a<200b>b<feff>c<e0041>d'],
  ])('%s', (_, text, shown) => expect(readableBytes(text)).toBe(shown))
})

describe('words', () => {
  test.each<[string, string, string]>([
    ['Unicode', '“café” — 日本', '“café” — 日本'],
    ['which quote UTF-8 of a file', `says “${latin1('ü — €')}”`, 'says “ü — €”'],
    ['which quote a control of a file', 'bantime = \x1b]0;x\x07', 'bantime = ^[]0;x^G'],
    ['which are styled themselves', `\ufdd2x${latin1('\ufdef')}\ufdef`, '\ufdd2x<fdef>\ufdef'],
    ['which quote a bare CSI', 'bantime = \x9b2J', 'bantime = \\x9b2J'],
  ])('%s', (_, text, shown) => expect(readableWords(text)).toBe(shown))

  it('of one message stay one message', () => {
    expect(readableMessage('it said: a\n/etc/x:1: b\n')).toBe('it said: a\n    /etc/x:1: b\n')
  })
})

const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/

it.each([readableBytes, readableWords, readableMessage])('nothing is obeyed: %o', (show) => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  fc.assert(fc.property(texts, (text) => !OBEYED.test(show(text))))
})

it('JSON means the same, and nothing in it is obeyed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = readableJson(JSON.stringify({ text }, null, 2))
      expect(JSON.parse(shown)).toEqual({ text })
      expect(shown).not.toMatch(OBEYED)
    }),
  )
})
