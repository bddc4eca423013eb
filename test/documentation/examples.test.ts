import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { fixtures, temporaryDirectory } from '../tree.ts'
import {
  commandsOf,
  type Example,
  examplesIn,
  isOutput,
  PAGES,
  readPage,
  withOutputs,
  withVariables,
} from './examples.ts'

const examples = PAGES.map((page) => [page, examplesIn(page)] as const).filter(([, all]) => all.length > 0)

const CI_EXAMPLES = ['github-workflow.yml', 'gitlab-ci.yml'].map((name) =>
  readFileSync(join(checkout, 'examples/ci', name), 'utf8'),
)

/** Which test runs a block; undefined if none does, and it does not say why. */
const runnerOf = ({ language, mark, text }: Example): string | undefined => {
  if (language === 'mermaid') return 'GitHub draws it'
  if (language === 'dotenv' && mark === '') return 'each is planned with below'
  if (language === 'yaml' && CI_EXAMPLES.includes(text)) return 'test/ci-examples.test.ts'
  if (['tree', 'server'].includes(mark) && ['sh', 'console'].includes(language)) return mark
  const path = /^by (\S+)$/.exec(mark)?.[1]
  if (path !== undefined && existsSync(join(checkout, path))) return path
  return /^not run: (.{10,})$/.exec(mark)?.[1]
}

it.each(examples)('%s: a test runs each block, or the block says why not', (_, all) => {
  const without = all.filter((example) => runnerOf(example) === undefined)
  expect(without.map(({ at, language, mark }) => `${at}: ${language} ${mark}`)).toEqual([])
})

it.each(PAGES)('%s: commands are fenced, where the tests find them', (page) => {
  const prose = readPage(page).replace(/^```[\s\S]*?^```$/gm, '')
  expect(prose.match(/^\n {4}\S.*$/gm) ?? []).toEqual([])
})

it('the pages show both examples of CI', () => {
  const yaml = examplesIn('docs/ci.md').filter(({ language }) => language === 'yaml')
  expect(yaml.map(({ text }) => text)).toEqual(CI_EXAMPLES)
})

/** portward for the server whose files are in the directory, unless another one is named. */
const WRAPPER = `#!/bin/sh
case " $* " in *" --root "*) exec "$PORTWARD" "$@" ;; esac
exec "$PORTWARD" "$@" --root . --config root/config.env
`

/** The sample server's files, one more copy as a repository has them, and a capture. */
const createDirectory = (): string => {
  const directory = temporaryDirectory()
  const sample = join(fixtures, 'sample-server')
  for (const tree of ['.', 'servers/web1']) cpSync(sample, join(directory, tree), { recursive: true })
  cpSync(join(sample, 'root/config.env'), join(directory, 'servers/web1/config.env'))
  cpSync(join(fixtures, 'scan.pcap'), join(directory, 'scan.pcap'))
  for (const config of ['root/config.env', 'servers/web1/config.env'])
    chmodSync(join(directory, config), 0o600)
  mkdirSync(join(directory, 'bin'))
  writeFileSync(join(directory, 'bin/portward'), WRAPPER, { mode: 0o755 })
  return directory
}

const run = (directory: string, command: string) => {
  const env = {
    PATH: `${join(directory, 'bin')}:${process.env['PATH']}`,
    PORTWARD: join(checkout, 'bin/portward'),
    HOME: join(directory, 'root'),
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    COLUMNS: '80',
  }
  const { stdout, status } = spawnSync('sh', ['-c', `exec 2>&1\n${command}`], {
    cwd: directory,
    env,
    encoding: 'utf8',
  })
  return { stdout: stdout.replaceAll(directory, ''), status }
}

const isRunHere = ({ language, mark }: Example) => mark === 'tree' || language === 'dotenv'
const onTrees = examples.filter(([, all]) => all.some(isRunHere))

it.each(onTrees)('%s: its commands do what it shows, on a sample server', async (page, all) => {
  const directory = createDirectory()
  const config = join(directory, 'root/config.env')
  const outputs = new Map<string, string>()
  for (const example of all.filter(isRunHere)) {
    if (example.language === 'dotenv') {
      writeFileSync(config, withVariables(readFileSync(config, 'utf8'), example.text))
      const { stdout, status } = run(directory, 'portward plan --quiet')
      expect([0, 2], `${example.at}\n${stdout}`).toContain(status)
      continue
    }
    for (const { text, exit } of commandsOf(example)) {
      const { stdout, status } = run(directory, text)
      expect(status, `${example.at}: ${text}\n${stdout}`).toBe(exit)
      outputs.set(text, stdout)
    }
  }
  await expect(withOutputs(readPage(page), outputs)).toMatchFileSnapshot(join(checkout, page))
})

describe('examples', () => {
  const block = (language: string, text: string) =>
    examplesIn('page.md', `# A page\n\n\`\`\`${language}\n${text}\`\`\`\n`)[0] as Example

  it('are found with their line and their mark', () => {
    expect(block('sh by test/some.test.ts', 'true\n')).toEqual({
      at: 'page.md:3',
      language: 'sh',
      mark: 'by test/some.test.ts',
      text: 'true\n',
    })
  })

  it.each<[string, string, string, object[]]>([
    [
      'a command a line',
      'sh',
      'true\n# why\nfalse # exit 1: no\n',
      [
        { text: 'true', exit: 0 },
        { text: 'false # exit 1: no', exit: 1 },
      ],
    ],
    ['a command over lines', 'sh', 'echo a \\\n  b\n', [{ text: 'echo a \\\n  b', exit: 0 }]],
    [
      'outputs',
      'console',
      '$ echo a\na\n$ true\n',
      [
        { text: 'echo a', exit: 0, output: 'a\n' },
        { text: 'true', exit: 0, output: '' },
      ],
    ],
  ])('%s', (_, language, text, expected) => {
    expect(commandsOf(block(language, text))).toEqual(expected)
  })

  it.each<[string, string, boolean]>([
    ['a\nb\n', 'a\nb\n', true],
    ['a\n', 'b\n', false],
    ['a\n...\nz\n', 'a\nb\nc\nz\n', true],
    ['a\n...\nz\n', 'a\nb\n', false],
    ['...\nz\n', 'a\nz\n', true],
    ['at 2026-01-02 03:04:05, 1.2 s\n', 'at 2027-11-12 13:14:15, 20 s\n', true],
    ['a.c\n', 'abc\n', false],
  ])('%j is output %j: %s', (shown, actual, expected) => {
    expect(isOutput(shown, actual)).toBe(expected)
  })

  it('show what a command prints now', () => {
    const page = '```console tree\n$ a\nold\n$ b\nsame\n```\n'
    const now = new Map([
      ['a', 'new\n'],
      ['b', 'same\n'],
    ])
    expect(withOutputs(page, now)).toBe('```console tree\n$ a\nnew\n$ b\nsame\n```\n')
  })
})
