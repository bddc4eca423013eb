import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from './checkout.ts'

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

it.each(['CONTRIBUTING.md', 'README.md', 'SECURITY.md', 'docs/architecture.md'])(
  'every path that %s names is there',
  (document) => {
    const paths = pathsIn(document)
    expect(paths.length).toBeGreaterThan(0)
    expect(paths.filter((path) => !existsSync(join(checkout, path)))).toEqual([])
  },
)

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
