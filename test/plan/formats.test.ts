import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { renderGithub } from '../../src/plan/formats/github.ts'
import { renderGitlab } from '../../src/plan/formats/gitlab.ts'
import { renderMarkdown } from '../../src/plan/formats/markdown.ts'
import type { Report } from '../../src/plan/formats/report.ts'
import type { Plan, Step, WriteStep } from '../../src/plan/plan.ts'
import { plan } from '../../src/plan/planner.ts'
import type { Problem } from '../../src/problem.ts'
import { factsOf, LAN, settingsOf } from './live.ts'

const inSync = (): Plan => {
  const result = plan(settingsOf(LAN), factsOf())
  if (result.plan === null) throw new Error(JSON.stringify(result.problems))
  return result.plan
}

const report = (
  steps: readonly Step[],
  problems: readonly Problem[] = [],
  changes: Partial<Report> = {},
): Report => ({
  plan: { ...inSync(), root: '/srv/servers/web1', steps },
  problems,
  isConfigurationWrong: false,
  configPath: '/srv/servers/web1/config.env',
  directory: '/srv',
  ...changes,
})

const write = (before: string | null, after: string): WriteStep => ({
  kind: 'write',
  path: '/etc/hosts.allow',
  before,
  after,
  mode: 0o644,
  fromPackage: false,
  reasons: ['the whitelist'],
})

const problem = (changes: Partial<Problem> = {}): Problem => ({
  severity: 'error',
  code: 'bad-value',
  message: 'LAN_IP is "x"',
  hint: 'write an address',
  at: { path: '/srv/servers/web1/config.env', line: 3 },
  ...changes,
})

const ENABLE: Step = { kind: 'enable', unit: 'portsentry@atcp' }

/** What the runner makes of a line: github.com/actions/runner, ActionCommand.TryParseV2. */
const readCommand = (line: string) => {
  const end = line.indexOf('::', 2)
  const [command = '', ...rest] = line.slice(2, end).split(' ')
  const readBack = (text: string) =>
    text
      .replaceAll('%0D', '\r')
      .replaceAll('%0A', '\n')
      .replaceAll('%3A', ':')
      .replaceAll('%2C', ',')
      .replaceAll('%25', '%')
  const properties = rest
    .join(' ')
    .split(',')
    .map((text): [string, string] => {
      const at = text.indexOf('=')
      return [text.slice(0, at), readBack(text.slice(at + 1))]
    })
  const message = line
    .slice(end + 2)
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%25', '%')
  return { command, message, ...Object.fromEntries(properties) }
}

const commands = (given: Report) => {
  const text = renderGithub(given)
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text.split('\n').slice(0, -1).map(readCommand)
}

const FILE = { file: 'servers/web1/etc/hosts.allow' }
const CONFIG = { file: 'servers/web1/config.env' }

it.each<[string, Report, object[]]>([
  ['nothing in sync', report([]), []],
  [
    'each place of a file',
    report([write('a\nb\nc\nd\n', 'A\nb\nc\nD\n')]),
    [
      {
        command: 'warning',
        ...FILE,
        line: '1',
        endLine: '1',
        title: 'portward: pending-write',
        message: 'edit /etc/hosts.allow: the whitelist\n-a\n+A',
      },
      { ...FILE, line: '4', endLine: '4', message: 'edit /etc/hosts.allow: the whitelist\n-d\n+D' },
    ],
  ],
  ['several lines', report([write('a\nb\nc\n', 'a\n')]), [{ line: '2', endLine: '3' }]],
  ['a new file', report([write(null, 'a\n')]), [{ ...FILE, line: '1', endLine: '1' }]],
  [
    'a step about no file',
    report([ENABLE]),
    [{ command: 'notice', title: 'portward: pending-enable', message: 'enable portsentry@atcp at boot' }],
  ],
  [
    'a problem',
    report([], [problem()]),
    [
      {
        command: 'error',
        ...CONFIG,
        line: '3',
        endLine: '3',
        title: 'portward: bad-value',
        message: 'LAN_IP is "x" — write an address',
      },
    ],
  ],
  [
    'a warning without a line',
    report([], [problem({ severity: 'warning', at: { path: '/etc/outside' } })]),
    [{ command: 'warning', file: '/etc/outside', title: 'portward: bad-value' }],
  ],
  [
    'a problem in no file',
    report([], [problem({ at: { path: 'environment' } })]),
    [{ command: 'error', message: 'environment: LAN_IP is "x" — write an address' }],
  ],
  ['the same without a plan', report([], [problem()], { plan: null }), [{ command: 'error', ...CONFIG }]],
  [
    'percent signs, which stay',
    report([write('100%0A\n', '100%25\n')]),
    [{ message: expect.stringMatching(/\n-100%0A\n\+100%25$/) }],
  ],
  ['UTF-8', report([write('', 'caf\xc3\xa9\n')]), [{ message: expect.stringMatching(/\+café$/) }]],
  [
    'bytes that are not UTF-8',
    report([write('', 'caf\xe9\n')]),
    [{ message: expect.stringMatching(/\+caf\\xe9$/) }],
  ],
  ['carriage returns', report([write('a\r\n', 'a\n')]), [{ message: expect.stringMatching(/-a\^M\n\+a$/) }]],
  [
    'marks that turn text around',
    report([write('', '\xe2\x80\xae\n')]),
    [{ message: expect.stringMatching(/\+<202e>$/) }],
  ],
])('github: %s', (_, given, expected) => {
  const found = commands(given)
  expect(found).toHaveLength(expected.length)
  for (const [index, each] of expected.entries()) expect(found[index]).toMatchObject(each)
})

it('github: a step about no file names none, nor does a problem in none', () => {
  for (const given of [report([ENABLE]), report([], [problem({ at: { path: 'environment' } })])])
    expect(commands(given)[0]).not.toHaveProperty('file')
})

/** Every second of so many lines differs. */
const scattered = (count: number): WriteStep => {
  const lines = (word: string) =>
    Array.from({ length: count }, (_, index) => `${word} ${index}\nstays\n`).join('')
  return write(lines('old'), lines('new'))
}

it('github: as many annotations of a severity as GitHub shows, the last of which tells of the others', () => {
  const warnings = (given: Report) => commands(given).filter(({ command }) => command === 'warning')
  expect(warnings(report([scattered(10)])).map(({ message }) => message.split('\n').at(-1))).toEqual(
    Array.from({ length: 10 }, (_, index) => `+new ${index}`),
  )
  const many = report(
    [write(null, 'a\n'), scattered(12), ...Array.from({ length: 11 }, () => ENABLE)],
    [problem({ severity: 'warning' }), ...Array.from({ length: 10 }, () => problem())],
  )
  const found = commands(many)
  expect(found.map(({ command }) => command)).toEqual(
    ['error', 'warning', 'notice'].flatMap((severity) => Array(10).fill(severity)),
  )
  expect(warnings(many)[0]).toMatchObject({ title: 'portward: bad-value' })
  expect(warnings(many)[8]?.message).toMatch(/\+new 7$/)
  expect(warnings(many)[9]).toMatchObject({
    title: 'portward: 5 more',
    message: expect.stringMatching(/^5 more .*summary/),
  })
  expect(warnings(many)[9]).not.toHaveProperty('file')
  expect(found.at(-1)).toMatchObject({ title: 'portward: 2 more' })
})

it('github: files that would come are told of after what differs, each once', () => {
  const found = commands(report([write(null, 'a\n\nb\n'), write('a\n', 'b\n')]))
  expect(found.map(({ message }) => message.split('\n').slice(1).join(' '))).toEqual(['-a +b', '+a + +b'])
})

const text = fc.string({
  unit: fc.constantFrom('%', ':', ',', '=', '\n', '\r', '0', 'A', '3', '#', '[', ' ', 'é', '`'),
})

it('github: whatever a problem says is one command, which says the same', () => {
  fc.assert(
    fc.property(text, text, text, fc.nat(), (message, hint, name, line) => {
      const path = `/srv/${name}x`
      const given = report([], [problem({ message, hint, at: { path, line: line + 1 } })])
      const [command, ...others] = commands(given)
      expect(others).toEqual([])
      expect(command?.message).toBe(`${message} — ${hint}`.replace(/\r/g, '^M').replace(/\s+/g, ' '))
      // A file name with line ends is odd, but no way out either.
      if (!/[\n\r]|\/\.\.?\//.test(path))
        expect(command).toMatchObject({ file: `${name}x`, line: String(line + 1) })
    }),
  )
})

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex')

interface Entry {
  readonly fingerprint: string
  readonly severity: string
  readonly location: object
}

const entries = (given: Report): Entry[] => JSON.parse(renderGitlab(given, sha256))

it.each<[string, Report, object[]]>([
  ['nothing in sync', report([]), []],
  [
    'a place of a file',
    report([write('a\nb\n', 'a\nB\n')]),
    [
      {
        description: 'edit /etc/hosts.allow: the whitelist\n-b\n+B',
        check_name: 'pending-write',
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        severity: 'major',
        location: { path: FILE.file, lines: { begin: 2 } },
      },
    ],
  ],
  [
    'a step about no file',
    report([ENABLE]),
    [
      {
        severity: 'info',
        check_name: 'pending-enable',
        location: { path: CONFIG.file, lines: { begin: 1 } },
      },
    ],
  ],
  [
    'problems',
    report([], [problem(), problem({ severity: 'warning', at: { path: 'environment' } })]),
    [
      { severity: 'critical', check_name: 'bad-value', location: { path: CONFIG.file, lines: { begin: 3 } } },
      { severity: 'minor', location: { path: CONFIG.file, lines: { begin: 1 } } },
    ],
  ],
])('gitlab: %s', (_, given, expected) => {
  expect(entries(given)).toMatchObject(expected)
  expect(entries(given)).toHaveLength(expected.length)
})

it('gitlab: a fingerprint stays when only the line moves, and tells two of the same apart', () => {
  const [before] = entries(report([write('b\n', 'B\n')]))
  const [after] = entries(report([write('# new\nb\n', '# new\nB\n')]))
  expect(after?.fingerprint).toBe(before?.fingerprint)
  expect(after?.location).not.toEqual(before?.location)
  const twice = entries(report([write('b\nx\nb\n', 'B\nx\nB\n')])).map(({ fingerprint }) => fingerprint)
  expect(twice[0]).toBe(before?.fingerprint)
  expect(new Set(twice).size).toBe(2)
})

const MARKDOWN_LIMIT = 65_536

it.each<[string, Report, string]>([
  [
    'in sync',
    report([]),
    '### portward: in sync\n\n` servers/web1 `: portsentry 1.2 with an init script (Debian 12)\n',
  ],
  [
    'a change',
    report([write('a`\n', 'b\n')]),
    [
      '### portward: 1 change pending',
      '',
      '` servers/web1 `: portsentry 1.2 with an init script (Debian 12)',
      '',
      '1. ` edit /etc/hosts.allow: the whitelist `',
      '',
      '<details><summary>Diff</summary>',
      '',
      '```diff',
      'diff --git a/etc/hosts.allow b/etc/hosts.allow',
      '--- a/etc/hosts.allow',
      '+++ b/etc/hosts.allow',
      '@@ -1,1 +1,1 @@',
      '-a`',
      '+b',
      '```',
      '',
      '</details>\n',
    ].join('\n'),
  ],
  [
    'wrong configuration',
    report([], [problem({ message: 'LAN_IP is "`|<b>@all"' })], { plan: null, isConfigurationWrong: true }),
    [
      '### portward: wrong configuration',
      '',
      '` servers/web1/config.env `',
      '',
      '- **error** ` servers/web1/config.env:3 ` `` LAN_IP is "`|<b>@all" — write an address ``\n',
    ].join('\n'),
  ],
])('markdown: %s', (_, given, expected) => {
  expect(renderMarkdown(given)).toBe(expected)
})

/** What is left of a comment without its fence and its code spans, which CommonMark takes literally. */
const markup = (comment: string): string => {
  const fence = /^(`{3,})diff$/m.exec(comment)?.[1] ?? ''
  const [head = '', body] = fence === '' ? [comment] : comment.split(`${fence}diff\n`)
  // Only a line of nothing but as many backticks, or more, could close the fence.
  const lines = body?.split('\n') ?? []
  const close = lines.findIndex((line) => new RegExp(`^ {0,3}${fence}\`*\\s*$`).test(line))
  return `${head.replace(/(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, '')}${lines.slice(close + 1).join('\n')}`
}

it('markdown: nothing that a file or a problem says is markup', () => {
  const hostile = fc.string({
    unit: fc.constantFrom(
      '`',
      '```',
      '````diff',
      '\n',
      '</details>',
      '<img src=x>',
      '|',
      '@all',
      '#1',
      ' ',
      '~~~',
      '\\',
    ),
    maxLength: 60,
  })
  fc.assert(
    fc.property(hostile, hostile, (before, message) => {
      const comment = renderMarkdown(report([write(before, `${before}x\n`)], [problem({ message })]))
      expect(markup(comment)).toBe(
        '### portward: 1 change pending\n\n: portsentry 1.2 with an init script (Debian 12)\n\n1. \n\n' +
          '- **error**  \n\n<details><summary>Diff</summary>\n\n\n</details>\n',
      )
    }),
  )
})

it.each([
  ['many lines', Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('')],
  ['a long line', `${'x'.repeat(200_000)}\n`],
  ['backticks', `${'`'.repeat(200_000)}\n`],
])('markdown: %s fit into a comment, which says what is cut', (_, after) => {
  const problems = Array.from({ length: 500 }, () => problem({ message: '`'.repeat(5000) }))
  for (const comment of [
    renderMarkdown(report([write('', after)])),
    renderMarkdown(report([write('', after)], problems)),
  ]) {
    expect(comment.length).toBeLessThan(MARKDOWN_LIMIT)
    expect(comment).toMatch(/The diff is cut: \d+ more lines|… \(cut\)/)
    expect(comment).toMatch(/\n`{3,}\n\n(?:The diff is cut.*\n\n)?<\/details>\n$/)
  }
})
