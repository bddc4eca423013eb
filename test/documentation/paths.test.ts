import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { VARIABLES } from '../../src/settings/variables.ts'
import { checkout } from '../checkout.ts'
import { readCommands } from '../packaging/command-line.ts'
import { PAGES } from './examples.ts'

const folders = readdirSync(checkout, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

/** What is built, and a file of the reader's own repository. */
const ELSEWHERE = /^dist\/|^\.github\/workflows\/portward\.yml$/

const isPath = (text: string): boolean =>
  !ELSEWHERE.test(text) &&
  /^[\w.@/-]+$/.test(text) &&
  (folders.includes(text.split('/')[0] ?? '') || /^\w+\.(?:json|md|toml)$/.test(text))

/** Paths in backticks are from the root of the repository, those of links from the file. */
const pathsIn = (document: string): string[] => {
  const text = readFileSync(join(checkout, document), 'utf8')
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, path]) => path ?? '').filter(isPath)
  const linked = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => join(dirname(document), path ?? ''))
  return [...new Set([...quoted, ...linked])].sort()
}

it.each(['CONTRIBUTING.md', 'SECURITY.md', ...PAGES])('every path that %s names is there', (document) => {
  expect(pathsIn(document).filter((path) => !existsSync(join(checkout, path)))).toEqual([])
})

/** The anchors that GitHub gives to the headings of a page. */
const anchorsIn = (page: string): string[] =>
  [...readFileSync(join(checkout, page), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )

it.each(PAGES)('every link of %s into a page leads to a heading', (page) => {
  const links = [...readFileSync(join(checkout, page), 'utf8').matchAll(/\]\(([^):#]*)#([^)]+)\)/g)]
  const isDead = ([, path = '', anchor = '']: string[]) =>
    !anchorsIn(path === '' ? page : join(dirname(page), path)).includes(anchor)
  expect(links.filter(isDead).map(([link]) => link)).toEqual([])
})

it('CONTRIBUTING.md names functions and constants as the sources do', () => {
  const sources = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFileSync(join(checkout, folder, path), 'utf8')),
  )
  const words = new Set(sources.flatMap((text) => text.match(/\w+/g) ?? []))
  const named = readFileSync(join(checkout, 'CONTRIBUTING.md'), 'utf8').matchAll(/`([a-z]+[A-Z]\w*)\b[^`]*`/g)
  expect([...named].map(([, name = '']) => name).filter((name) => !words.has(name))).toEqual([])
})

it('docs/commands.md has every command and no other', () => {
  const rows = readFileSync(join(checkout, 'docs/commands.md'), 'utf8').match(/^\| `[a-z].*? \|/gm) ?? []
  const named = rows.map((row) => /[a-z-]+/.exec(row)?.[0])
  expect([...new Set(named)].sort()).toEqual([...readCommands().keys()].filter(Boolean).sort())
})

it.each(VARIABLES.map(({ name }) => name))('docs/config.md has %s', (name) => {
  const text = readFileSync(join(checkout, 'docs/config.md'), 'utf8')
  expect(text).toMatch(new RegExp(`^\\|.*\`${name}\``, 'm'))
})

/** The first two cells of each row of the reference: the variables, and their default values or one word for all of them. */
const rowsOfConfig = (): [names: string[], values: string[]][] =>
  [...readFileSync(join(checkout, 'docs/config.md'), 'utf8').matchAll(/^\| (`[A-Z].*?) \| (.*?) ?\|/gm)].map(
    ([, names = '', values = '']) => [
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ''),
      values.split(', ').map((value) => value.replaceAll('`', '')),
    ],
  )

it('docs/config.md has the default of each variable', () => {
  const told = rowsOfConfig().flatMap(([names, values]) =>
    names.map((name, index) => [name, values[index] ?? values[0]]),
  )
  const actual = VARIABLES.map(({ name, default: value = '', portsentryKey }) => [
    name,
    portsentryKey && value === '' ? 'stock' : value,
  ])
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(actual))
})

it('docs/architecture.md has every folder of src, and no other', () => {
  const rows = readFileSync(join(checkout, 'docs/architecture.md'), 'utf8').match(/^\| `src.*?\|/gm) ?? []
  const told = rows.flatMap((row) => [...row.matchAll(/`src\/([^`]+)`/g)].map(([, folder]) => folder ?? ''))
  const folders = readdirSync(join(checkout, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/README.md'))
    .map(dirname)
  expect(told.filter((path) => !path.endsWith('.ts')).sort()).toEqual(folders.sort())
})
