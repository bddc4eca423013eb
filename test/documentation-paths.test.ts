import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from './checkout.ts'

const folders = readdirSync(checkout, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

const isPath = (text: string): boolean =>
  /^[\w.@/-]+$/.test(text) &&
  (folders.includes(text.split('/')[0] ?? '') || /^\w+\.(?:json|md|toml)$/.test(text))

/** Paths in backticks are from the root of the repository, those of links from the file. */
const pathsIn = (document: string): string[] => {
  const text = readFileSync(join(checkout, document), 'utf8')
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, path]) => path ?? '').filter(isPath)
  const linked = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => join(dirname(document), path ?? ''))
  return [...new Set([...quoted, ...linked])].sort()
}

it.each(['CONTRIBUTING.md', 'SECURITY.md', 'docs/architecture.md'])(
  'every path that %s names is there',
  (document) => {
    const paths = pathsIn(document)
    expect(paths.length).toBeGreaterThan(0)
    expect(paths.filter((path) => !existsSync(join(checkout, path)))).toEqual([])
  },
)
