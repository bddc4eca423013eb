import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseTerminal, renderTerminal } from '../../scripts/terminal-svg.mjs'
import { excerptOf, keptRecording, PICTURE, RECORDING } from './picture.ts'

const ESC = '\u001b['

describe('parseTerminal', () => {
  it.each<[string, string, [string, string][][]]>([
    ['plain text', 'a\nb', [[['a', '']], [['b', '']]]],
    ['an empty line', 'a\n\nb', [[['a', '']], [], [['b', '']]]],
    [
      'a style and its end',
      `${ESC}32mgreen${ESC}0m plain`,
      [
        [
          ['green', 'green'],
          [' plain', ''],
        ],
      ],
    ],
    ['two in one sequence', `${ESC}1;31mboth`, [[['both', 'bold red']]]],
    [
      'a colour that takes the place of another',
      `${ESC}31ma${ESC}36mb`,
      [
        [
          ['a', 'red'],
          ['b', 'cyan'],
        ],
      ],
    ],
    [
      'the default colour',
      `${ESC}1;31ma${ESC}39mb`,
      [
        [
          ['a', 'bold red'],
          ['b', 'bold'],
        ],
      ],
    ],
    [
      'normal intensity',
      `${ESC}2;33ma${ESC}22mb`,
      [
        [
          ['a', 'dim yellow'],
          ['b', 'yellow'],
        ],
      ],
    ],
    ['a bright colour', `${ESC}92ma`, [[['a', 'green']]]],
    [
      'no code, which means 0',
      `${ESC}31ma${ESC}mb`,
      [
        [
          ['a', 'red'],
          ['b', ''],
        ],
      ],
    ],
    [
      'a style over lines',
      `${ESC}31ma\nb${ESC}0mc`,
      [
        [['a', 'red']],
        [
          ['b', 'red'],
          ['c', ''],
        ],
      ],
    ],
    ['a code that it does not know', `${ESC}4ma`, [[['a', '']]]],
    [
      'another sequence',
      `a${ESC}2Kb${ESC}?25lc`,
      [
        [
          ['a', ''],
          ['b', ''],
          ['c', ''],
        ],
      ],
    ],
  ])('%s', (_, text, expected) => {
    const lines = parseTerminal(text).map((runs) =>
      runs.map(({ text, classes }) => [text, classes.join(' ')]),
    )
    expect(lines).toEqual(expected)
  })
})

describe('renderTerminal', () => {
  const render = (text: string) =>
    renderTerminal(text, { columns: 80, title: 'A <title>', description: 'What & why' })

  it('says what it shows', () => {
    expect(render('a')).toContain(
      '<title id="title">A &lt;title&gt;</title>\n<desc id="description">What &amp; why</desc>',
    )
  })

  it.each<[string, string, string]>([
    ['text', 'a  b', '<text x="16" y="30" textLength="33.6">a  b</text>\n</g>'],
    ['the next line', '\nb', '<g xml:space="preserve">\n<text x="16" y="49" textLength="8.4">b</text>'],
    ['markup', '<a> & b', '>&lt;a&gt; &amp; b</text>'],
    ['a colour', `a${ESC}32mb`, '>a<tspan class="green">b</tspan></text>'],
    ['characters beyond ASCII, one column each', '✔ é', 'textLength="25.2">✔ é</text>'],
  ])('keeps %s', (_, text, expected) => {
    expect(render(text)).toContain(expected)
  })
})

describe('the picture of the README', () => {
  it('is of the recording, which test/e2e/documentation.test.ts holds to the program', async () => {
    const picture = renderTerminal(readFileSync(RECORDING, 'utf8'), {
      columns: 80,
      title: 'portward in a terminal',
      description:
        'On a new Debian server, "portward apply" shows its plan, asks, makes the changes and verifies them.',
    })
    expect(picture.length).toBeLessThan(60_000)
    await expect(picture).toMatchFileSnapshot(PICTURE)
  })

  it('leaves out the files, most steps and most checks', () => {
    const numbered = (what: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${what} ${index + 1}`)
    const shown = [
      ...['# portward init', '# portward apply', `${ESC}1mtopics${ESC}0m`, '', '+ /etc/a  new', '1 change'],
      ...['', `${ESC}32m✔${ESC}0m 1 change.`, `  Apply? ${ESC}36mYes${ESC}0m`, ...numbered('step', 10)],
      ...['  goes on', '# portward verify', ...numbered('check', 20), '', '20 passed', '#', ''],
    ]
    const lines = excerptOf(shown.join('\n')).replaceAll(`${ESC}2m...${ESC}0m`, '...').split('\n')
    expect(lines).toEqual([
      ...['# portward apply', `${ESC}1mtopics${ESC}0m`, '...'],
      ...[`${ESC}32m✔${ESC}0m 1 change.`, `  Apply? ${ESC}36mYes${ESC}0m`, ...numbered('step', 2), '...'],
      ...[...numbered('step', 10).slice(-3), '  goes on', '', '# portward verify', '...'],
      ...[...numbered('check', 20).slice(-5), '', '20 passed', ''],
    ])
  })

  it('says what a terminal without an apply shows', () => {
    expect(() => excerptOf('# true')).toThrow('no line /^# portward apply$/:\n# true')
  })

  it.each<[string, string, boolean]>([
    [`${ESC}32mdone${ESC}0m  1.2 s`, `${ESC}32mdone${ESC}0m`, true],
    ['14 packages, 31 MB', '15 packages, 32 MB', true],
    ['a long line,\n  wrapped', 'a long line, wrapped  10 s', true],
    ['done', 'did', false],
  ])('%j stays where it would be %j: %s', (earlier, now, isKept) => {
    expect(keptRecording(earlier, now)).toBe(isKept ? earlier : now)
  })
})
