import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { parse as parseIni } from 'ini'
import { describe, expect, it } from 'vitest'
import { applyEdits } from '../../src/documents/edit.ts'
import { isWritableValue, setValue } from '../../src/documents/fail2ban-edit.ts'
import { removeFaults } from '../../src/documents/fail2ban-fix.ts'
import { type Fail2banIni, findEntry, getValue, parseFail2banIni } from '../../src/documents/fail2ban-ini.ts'
import { runs } from '../fast-check.ts'

/** Bytes of a text that is written here as Unicode. */
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

const values = (ini: Fail2banIni): Record<string, Record<string, string>> => {
  const result: Record<string, Record<string, string>> = {}
  for (const { name = '', entries } of ini.sections) {
    const section: Record<string, string> = result[name] ?? {}
    for (const { key, value } of entries) section[key] = value
    result[name] = section
  }
  return result
}

const faults = (text: string): string =>
  parseFail2banIni(text)
    .faults.map(({ line, kind }) => `${line} ${kind}`)
    .join(', ')

/** Texts that fail2ban takes. Every one is also shown to Python, where there is one. */
const ACCEPTED: readonly (readonly [what: string, text: string, values: object])[] = [
  ['nothing', '', {}],
  ['comments only', '# a\n; b\n', {}],
  ['a jail', '[sshd]\nenabled = true\nport=ssh\n', { sshd: { enabled: 'true', port: 'ssh' } }],
  ['a colon for a delimiter', '[a]\nk : v = w\n', { a: { k: 'v = w' } }],
  ['the first delimiter counts', '[a]\nk=v:w\nl:=x\n', { a: { k: 'v:w', l: '=x' } }],
  ['keys are lower-cased', '[A]\nBanTime.Increment = Yes\n', { A: { 'bantime.increment': 'Yes' } }],
  ['keys with letters of any alphabet too', utf8('[a]\nÄB = Ä\n'), { a: { [utf8('äb')]: utf8('Ä') } }],
  ['blanks within a key', '[a]\nmy key = v\n', { a: { 'my key': 'v' } }],
  ['an empty value', '[a]\nk =\nl=\n', { a: { k: '', l: '' } }],
  ['a continuation', '[a]\nk = 1\n  2\n\t3\nl = 4\n', { a: { k: '1\n2\n3', l: '4' } }],
  ['a value that begins on the next line', '[a]\nk =\n  1\n  2\n', { a: { k: '\n1\n2' } }],
  ['a blank line within a value', '[a]\nk = 1\n\n  2\n\n\nl = 3\n', { a: { k: '1\n\n2', l: '3' } }],
  ['a comment within a value', '[a]\nk = 1\n# no\n  ; no\n  2\n', { a: { k: '1\n2' } }],
  ['; after white space opens a comment', '[a]\nk = 1 ; no\n  2\t;no\n', { a: { k: '1\n2' } }],
  ['; after anything else does not', '[a]\nk = 1;2 # 3\nl=;x\n', { a: { k: '1;2 # 3', l: ';x' } }],
  ['a comment for a value', '[a]\nk = ; no\nl = # yes\n', { a: { k: '', l: '# yes' } }],
  ['a hash line between keys', '[a]\nk = 1\n#k = 2\n', { a: { k: '1' } }],
  ['an indented key', '[a]\n  k = 1\n  l = 2\nm = 3\n', { a: { k: '1', l: '2', m: '3' } }],
  ['a deeper key is none', '[a]\nk = 1\n  l = 2\n', { a: { k: '1\nl = 2' } }],
  ['a deeper header is none', '[a]\nk = 1\n  [b]\nl = 2\n', { a: { k: '1\n[b]', l: '2' } }],
  ['a header may be indented after a header', '[a]\n  [b]\nk = 1\n', { a: {}, b: { k: '1' } }],
  ['a comment behind a header', '[a] ; no\nk = 1\n', { a: { k: '1' } }],
  ['anything behind a header is lost', '[a] k = 1\nl = 2\n', { a: { l: '2' } }],
  ['up to the last bracket', '[a]b]\nk = 1\n', { 'a]b': { k: '1' } }],
  ['blanks in a header stay', '[ a ]\nk = 1\n', { ' a ': { k: '1' } }],
  ['[DEFAULT] twice', '[DEFAULT]\na = 1\n[b]\n[DEFAULT]\nc = 2\n', { DEFAULT: { a: '1', c: '2' }, b: {} }],
  ['[default] is an ordinary one', '[default]\na = 1\n', { default: { a: '1' } }],
  ['CRLF', '[a]\r\nk = 1\r\n  2\r\n', { a: { k: '1\n2' } }],
  ['a lone CR ends a line', '[a]\rk = 1\r  2\rl = 3', { a: { k: '1\n2', l: '3' } }],
  ['no newline at the end', '[a]\nk = 1', { a: { k: '1' } }],
  ['odd white space', utf8('[a]\nk\u00a0=\u2003v\u3000\n\u2003c\n'), { a: { k: 'v\nc' } }],
  ['indents count characters', utf8('[a]\n\u2003k = 1\n  l = 2\n'), { a: { k: '1\nl = 2' } }],
  ['control characters that are white space', '[a]\x0b\nk\x1c= v\x1f\n', { a: { k: 'v' } }],
  ['NUL is content', '[a]\nk = \0\n', { a: { k: '\0' } }],
  ['percent signs are nobody’s business here', '[a]\nk = 5% %(x)s %%\n', { a: { k: '5% %(x)s %%' } }],
  ['a mark in the middle', utf8('[a]\nk = \ufeff\n'), { a: { k: utf8('\ufeff') } }],
]

/** Texts that fail2ban refuses, with what there is to say about them. */
const REFUSED: readonly (readonly [text: string, faults: string])[] = [
  ['enabled = true\n', '1 no-section'],
  ['# c\n\nenabled = true\nport = 1\n[a]\n', '3 no-section'],
  ['foo\n', '1 no-section, 1 unparseable'],
  ['[]\n', '1 no-section, 1 unparseable'],
  ['[a]\n[]\n', '2 unparseable'],
  ['[a]\nenabled\n', '2 unparseable'],
  ['[a]\n= 1\n', '2 unparseable'],
  ['[a]\n= 1\n  k = 2\n', '2 unparseable'],
  ['[a\nk = 1\n', '1 no-section, 1 unparseable'],
  ['[a]\nk = 1\nK = 2\n', '3 duplicate-key'],
  ['[a]\nk = 1\n[a]\nl = 2\n', '3 duplicate-section'],
  ['[a]\nk = 1\n[b]\n[a]\nk = 2\n', '4 duplicate-section, 5 duplicate-key'],
  ['[DEFAULT]\nk = 1\n[b]\n[DEFAULT]\nk = 2\n', '5 duplicate-key'],
  ['\xef\xbb\xbf[a]\nk = 1\n', '1 bom'],
  ['\xef\xbb\xbf# c\n', '1 bom'],
  ['[a]\n# caf\xe9\nk = 1\n', '2 not-utf8'],
  ['[a]\nk = \xed\xa0\x80\n', '2 not-utf8'],
]

describe('parseFail2banIni', () => {
  it.each(ACCEPTED)('%s', (_what, text, expected) => {
    expect(faults(text)).toBe('')
    expect(values(parseFail2banIni(text))).toEqual(expected)
  })

  it.each(REFUSED)('refuses %j: %s', (text, expected) => {
    expect(faults(text)).toBe(expected)
  })

  it('finds entries in any spelling, with their line', () => {
    const ini = parseFail2banIni('# c\n[sshd]\nMaxRetry = 3\n')
    expect(findEntry(ini, 'sshd', 'MAXRETRY')).toMatchObject({ key: 'maxretry', value: '3', line: 3 })
    expect(getValue(ini, 'sshd', 'bantime')).toBeUndefined()
    expect(getValue(ini, 'SSHD', 'maxretry')).toBeUndefined()
  })
})

const set = (text: string, section: string, key: string, value: string): string => {
  const result = applyEdits(text, setValue(parseFail2banIni(text), section, key, value))
  expect(getValue(parseFail2banIni(result), section, key)).toBe(value)
  return result
}

describe('setValue', () => {
  it.each([
    ['replaces the value alone', '[a]\nk  =  1 ; why\nl=2\n', 'k', '9', '[a]\nk  =  9 ; why\nl=2\n'],
    ['keeps the delimiter and the spelling', '[a]\r\nK:1\r\n', 'k', '9', '[a]\r\nK:9\r\n'],
    ['leaves what is so already', '[a]\nk =\t1\n', 'k', '1', '[a]\nk =\t1\n'],
    ['gives an empty value its space', '[a]\nk =\nl=1\n', 'k', '9', '[a]\nk = 9\nl=1\n'],
    ['or none where there is none', '[a]\nk=\n', 'k', '9', '[a]\nk=9\n'],
    ['keeps the comment of an empty value', '[a]\nk = ; none\n', 'k', '9', '[a]\nk = 9 ; none\n'],
    ['empties', '[a]\nk = 1 ; c\n', 'k', '', '[a]\nk =  ; c\n'],
    ['drops continuation lines', '[a]\nk = 1\n  2\n\n  3\nl = 4\n', 'k', '1', '[a]\nk = 1\nl = 4\n'],
    ['keeps comments among them', '[a]\nk = 1\n # c\n  2 ; d\n', 'k', '9', '[a]\nk = 9\n # c\n   ; d\n'],
    [
      'adds a line as its neighbours are',
      '[a]\nk = 1\n\t2\nl = 3\n',
      'k',
      '1\n2\n9',
      '[a]\nk = 1\n\t2\n\t9\nl = 3\n',
    ],
    ['takes a line out', '[a]\nk = 1\n   2 ; c\n   3 ; d\n', 'k', '1\n3', '[a]\nk = 1\n    ; c\n   3 ; d\n'],
    ['begins continuing', '[a]\nk = 1', 'k', '1\n2', '[a]\nk = 1\n          2\n'],
    ['continues past the end of the file', '[a]\nk = 1\n 2', 'k', '1\n3\n4', '[a]\nk = 1\n 3\n 4\n'],
    ['deeper than an indented key', '[a]\n  k = 1\n', 'k', '1\n\n2', '[a]\n  k = 1\n\n            2\n'],
    [
      'adds a key after the last',
      '[a]\nk = 1\n\n[b]\nl = 2\n',
      'n',
      '9',
      '[a]\nk = 1\nn = 9\n\n[b]\nl = 2\n',
    ],
    ['with CRLF', '[a]\r\nk = 1\r\n', 'n', '9\n8', '[a]\r\nk = 1\r\nn = 9\r\n          8\r\n'],
    ['to a file that is not finished', '[a]\r\nk = 1', 'n', '9', '[a]\r\nk = 1\r\nn = 9\r\n'],
    [
      'after its comments',
      '[a]\nk = 1\n# l = 2\n\n# b\n[b]\n',
      'n',
      '9',
      '[a]\nk = 1\n# l = 2\nn = 9\n\n# b\n[b]\n',
    ],
    ['before the next one’s', '[a]\nk = 1\n# b\n[b]\n', 'n', '9', '[a]\nk = 1\nn = 9\n# b\n[b]\n'],
    ['indented like the last', '[a]\n  k = 1\n  [b]\n', 'n', '9', '[a]\n  k = 1\n  n = 9\n  [b]\n'],
    ['indented like the next header', '[a]\n  [b]\n', 'n', '9', '[a]\n  n = 9\n  [b]\n'],
    ['writes an empty value', '[a]\n', 'n', '', '[a]\nn =\n'],
    ['adds a section', '[b]\nk = 1\n', 'n', '9', '[b]\nk = 1\n\n[a]\nn = 9\n'],
    ['with one blank line', '[b]\nk = 1\n\n', 'n', '9', '[b]\nk = 1\n\n[a]\nn = 9\n'],
    ['after an unfinished line', '[b]\r\nk = 1', 'n', '9', '[b]\r\nk = 1\r\n\r\n[a]\r\nn = 9\r\n'],
    ['to an empty file', '', 'n', '9', '[a]\nn = 9\n'],
  ])('%s', (_what, text, key, value, expected) => {
    expect(set(text, 'a', key, value)).toBe(expected)
  })

  it.each(['1 ; 2', '; 1', '1\n# 2', '1\n; 2', ' 1', '1 ', '1\n', '1\r', '\xe9', utf8('1\u00a0')])(
    'refuses %j, which fail2ban would read otherwise',
    (value) => {
      expect(isWritableValue(value)).toBe(false)
      expect(() => setValue(parseFail2banIni('[a]\n'), 'a', 'k', value)).toThrow()
    },
  )
})

describe('removeFaults', () => {
  it.each([
    ['nothing wrong', '[a]\nk = 1\n', '[a]\nk = 1\n'],
    ['a mark', '\xef\xbb\xbf[a]\nk = 1\n', '[a]\nk = 1\n'],
    ['no header', '# c\nenabled = true\n', '# c\n[ps]\nenabled = true\n'],
    ['a mark and no header', '\xef\xbb\xbfk = 1\r\nK = 2', '[ps]\r\n# k = 1\r\nK = 2'],
    ['no header, then that header', 'k = 1\nl = 2\n[ps]\nk = 3\n', '[ps]\n# k = 1\nl = 2\n# [ps]\nk = 3\n'],
    [
      'no header, that header later',
      'k = 1\n\n[b]\nx = 1\n\n# c\n[ps] ; d\nl = 2\n  3\n# tail\n',
      '[ps]\nk = 1\n# [ps] ; d\nl = 2\n  3\n\n[b]\nx = 1\n\n# c\n# tail\n',
    ],
    [
      'a key thrice',
      '[a]\nk = 1\n  2\n\n  3\nk = 4\nK = 5\n',
      '[a]\n# k = 1\n#   2\n\n#   3\n# k = 4\nK = 5\n',
    ],
    ['a section twice', '[a]\nk = 1\n[a]\nl = 2\n', '[a]\nk = 1\n# [a]\nl = 2\n'],
    [
      'a section thrice, others between',
      '[a]\nk = 1\n[a]\nl = 2\n[b]\nm = 3\n[a]\nk = 4\n[a]\nn = 5',
      '[a]\n# k = 1\n# [a]\nl = 2\n# [a]\nk = 4\n# [a]\nn = 5\n[b]\nm = 3\n',
    ],
    ['a default twice', '[DEFAULT]\nk = 1\n[DEFAULT]\nk = 2\n', '[DEFAULT]\n# k = 1\n[DEFAULT]\nk = 2\n'],
  ])('%s', (_what, text, expected) => {
    const result = applyEdits(text, removeFaults(parseFail2banIni(text), 'ps'))
    expect(result).toBe(expected)
    expect(faults(result)).toBe('')
  })

  it.each([
    ['[a]\nenabled\n', '2 unparseable'],
    ['[a]\n# caf\xe9\n', '2 not-utf8'],
    // Without its header the indented key would continue the value above.
    ['[a]\nk = 1\n[a]\n  l = 2\n', '3 duplicate-section'],
  ])('leaves %j as it is', (text, expected) => {
    const result = applyEdits(text, removeFaults(parseFail2banIni(text), 'ps'))
    expect(result).toBe(text)
    expect(faults(result)).toBe(expected)
  })
})

/** Texts that look like configuration, right and wrong, with every kind of line end and white space. */
const anyLine = fc.oneof(
  fc.constantFrom('[a]', '[b]', '[DEFAULT]', '  [b]', '[a] ; c', '', '   ', '# c', '  ; c', '\t# c', 'odd'),
  fc
    .tuple(
      fc.constantFrom('', '', '', ' ', '\t\t', utf8('\u2003')),
      fc.constantFrom('k', 'K', 'l', 'm n', utf8('Ü'), ''),
      fc.constantFrom('=', ' = ', ':', ' =', '= '),
      fc.constantFrom('', '1', '2 ; c', 'a;b', '# x', utf8('\u00a0é'), 'x = y'),
    )
    .map((parts) => parts.join('')),
  fc.constantFrom('  1', '   2 ; c', '\t3', '    k = 4'),
)
const textOf = (line: fc.Arbitrary<string>, eol: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(fc.tuple(line, eol), { maxLength: 14 }), line, fc.boolean())
    .map(([lines, last, finished]) => lines.flat().join('') + (finished ? '' : last))
const anyText = textOf(anyLine, fc.constantFrom('\n', '\n', '\r\n', '\r'))
/** One line end throughout, and no fault. */
const soundText = fc
  .constantFrom('\n', '\r\n')
  .chain((eol) => textOf(anyLine, fc.constant(eol)))
  .map((text) => applyEdits(text, removeFaults(parseFail2banIni(text), 'a')))
  .filter((text) => faults(text) === '')
const anyBytes = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const anyValue = fc
  .array(fc.constantFrom('', '1', '2', '10.0.0.0/8', 'x;y', utf8('ü %(k)s')), { minLength: 1, maxLength: 4 })
  .map((lines) => lines.join('\n'))
  .filter(isWritableValue)
const anyChange = fc.tuple(
  soundText,
  fc.constantFrom('a', 'b', 'DEFAULT', 'new'),
  fc.constantFrom('k', 'l', 'z'),
  anyValue,
)

describe('laws', () => {
  it('reads any bytes; the lines concatenate to them and the values lie where they are said to', () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, anyText), (text) => {
        const { lines, sections } = parseFail2banIni(text)
        expect(lines.map((line) => line.text + line.eol).join('')).toBe(text)
        for (const { pieces } of sections.flatMap(({ entries }) => entries)) {
          for (const piece of pieces) expect(text.slice(piece.from, piece.to)).toBe(piece.text)
        }
      }),
    )
  })

  it('set then get; set twice is set once; no other value and no comment changes', () => {
    fc.assert(
      fc.property(anyChange, ([text, section, key, value]) => {
        const before = parseFail2banIni(text)
        const edits = setValue(before, section, key, value)
        const after = parseFail2banIni(applyEdits(text, edits))
        expect(after.faults).toEqual([])
        expect(getValue(after, section, key)).toBe(value)
        expect(setValue(after, section, key, value)).toEqual([])
        const expected = values(before)
        expected[section] = { ...expected[section], [key]: value }
        expect(values(after)).toEqual(expected)
        const comments = (each: string) =>
          each.match(/(?<=^|\s);.*|^\s*#.*/gm)?.map((comment) => comment.trim())
        expect(comments(after.text)).toEqual(comments(text))
      }),
      { numRuns: runs(400) },
    )
  })

  it('edits touch one value’s lines at most', () => {
    fc.assert(
      fc.property(anyChange, ([text, section, key, value]) => {
        const ini = parseFail2banIni(text)
        const edits = setValue(ini, section, key, value)
        const pieces = findEntry(ini, section, key)?.pieces
        if (pieces === undefined) expect(edits.map(({ length }) => length)).toEqual([0])
        const from = pieces?.[0]?.from ?? 0
        const end = ini.lines[pieces?.at(-1)?.line ?? 0]
        const to = pieces && end ? end.offset + end.text.length + end.eol.length : text.length
        for (const edit of edits) {
          expect(edit.offset).toBeGreaterThanOrEqual(from)
          expect(edit.offset + edit.length).toBeLessThanOrEqual(to)
        }
      }),
    )
  })

  it('fixing keeps every last value and every word, and fixes once', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const before = parseFail2banIni(text)
        const after = parseFail2banIni(applyEdits(text, removeFaults(before, 'ps')))
        expect(removeFaults(after, 'ps')).toEqual([])
        const { '': orphans, ...rest } = values(before)
        if (before.text !== after.text) {
          expect(values(after)).toEqual(orphans ? { ...rest, ps: orphans } : rest)
        }
        const words = (each: string) => each.match(/[^\s#]+/g)?.sort() ?? []
        expect(words(after.text)).toEqual(expect.arrayContaining(words(text)))
      }),
      { numRuns: runs(400) },
    )
  })

  it('npm ini reads plain files the same way', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{1,6}$/)
    const plain = fc.dictionary(word, fc.dictionary(word, fc.stringMatching(/^[a-z0-9][a-z0-9/.:]{0,8}$/)), {
      minKeys: 1,
      noNullPrototype: true,
    })
    fc.assert(
      fc.property(plain, (sections) => {
        const text = Object.entries(sections)
          .flatMap(([name, keys]) => [
            `[${name}]`,
            ...Object.entries(keys).map(([key, value]) => `${key} = ${value}x`),
            '',
            '',
          ])
          .join('\n')
        expect(values(parseFail2banIni(text))).toEqual({ ...parseIni(text) })
      }),
    )
  })
})

/** fail2ban's reader, which is Python's: each text's values, or the class and line of what it refused first. */
const PYTHON = `
import configparser, io, json, sys
def read(text):
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=';')
    try:
        parser.read_file(io.TextIOWrapper(io.BytesIO(text.encode('latin1')), encoding='utf-8'), 'x')
    except UnicodeDecodeError:
        return ['UnicodeDecodeError', 0]
    except configparser.ParsingError as error:
        return [type(error).__name__, error.lineno if hasattr(error, 'lineno') else error.errors[0][0]]
    except configparser.Error as error:
        # A second value without a key is a duplicate to Python; that it has no key says more.
        if getattr(error, 'option', None) == '': return ['ParsingError', error.lineno]
        return [type(error).__name__, error.lineno]
    bytes = lambda text: text.encode('utf-8').decode('latin1')
    sections = {name: parser._sections[name] for name in parser.sections()}
    if parser.defaults(): sections['DEFAULT'] = parser.defaults()
    return {bytes(name): {bytes(key): bytes(value) for key, value in keys.items()} for name, keys in sections.items()}
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
`
const KINDS: Record<string, string> = {
  MissingSectionHeaderError: 'no-section',
  DuplicateSectionError: 'duplicate-section',
  DuplicateOptionError: 'duplicate-key',
  ParsingError: 'unparseable',
}
const askPython = (texts: readonly string[]): unknown[] => {
  const run = spawnSync('python3', ['-c', PYTHON], { input: JSON.stringify(texts), encoding: 'utf8' })
  if (run.status !== 0) throw new Error(run.stderr)
  return JSON.parse(run.stdout)
}
const hasPython = spawnSync('python3', ['-c', 'import configparser']).status === 0
if (!hasPython) console.warn('SKIPPED: no python3 here, so fail2ban-ini is not held against its configparser')

describe.skipIf(!hasPython)('Python’s configparser agrees', () => {
  const check = (texts: readonly string[]) => {
    for (const [index, answer] of askPython(texts).entries()) {
      const text = texts[index] ?? ''
      const ini = parseFail2banIni(text)
      const found = ini.faults.map(({ kind, line }) => `${kind} ${line}`)
      if (!Array.isArray(answer)) {
        const { DEFAULT, ...sections } = values(ini)
        const ours = DEFAULT && Object.keys(DEFAULT).length > 0 ? { ...sections, DEFAULT } : sections
        expect({ text, found, values: ours }).toEqual({ text, found: [], values: answer })
      } else if (answer[0] === 'UnicodeDecodeError') {
        expect(`${found.join()} in ${JSON.stringify(text)}`).toContain('not-utf8')
      } else if (text.startsWith('\xef\xbb\xbf')) {
        // To Python the mark is content before the first header.
        expect(found).toContain('bom 1')
      } else {
        expect({ text, found }).toEqual({
          text,
          found: expect.arrayContaining([`${KINDS[answer[0]]} ${answer[1]}`]),
        })
      }
    }
  }

  it('on the texts above', () => {
    check([...ACCEPTED.map(([, text]) => text), ...REFUSED.map(([text]) => text)])
  })

  it('on generated texts', () => {
    check(fc.sample(fc.oneof(anyText, anyText, soundText, anyBytes), 400))
  })

  it('on edited and fixed texts', () => {
    const changes = fc.sample(anyChange, 200)
    const edited = changes.map(([text, section, key, value]) =>
      applyEdits(text, setValue(parseFail2banIni(text), section, key, value)),
    )
    check(edited)
    for (const [index, answer] of askPython(edited).entries()) {
      const [, section, key, value] = changes[index] ?? []
      expect((answer as Record<string, Record<string, string>>)[section ?? '']?.[key ?? '']).toBe(value)
    }
    check(fc.sample(anyText, 200).map((text) => applyEdits(text, removeFaults(parseFail2banIni(text), 'ps'))))
  })
})
