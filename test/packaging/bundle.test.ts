import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { read } from './command-line.ts'

const BUNDLE = join(checkout, 'dist/portward')

const bytesOf = (names: readonly string[]) =>
  names.reduce((sum, name) => sum + statSync(join(BUNDLE, name)).size, 0)

interface Output {
  readonly entryPoint?: string
  readonly imports: readonly { readonly path: string; readonly kind: string }[]
  readonly inputs: Readonly<Record<string, unknown>>
}

const outputs = Object.entries<Output>(JSON.parse(read('dist/portward.meta.json')).outputs)
/** The file that draws the page of `report --html`, with the library for that. */
const pages = outputs
  .filter(([, { entryPoint }]) => entryPoint === 'later:src/report/page/page.ts')
  .map(([path]) => path)

it('is a bundle of less than 1,080 kB, without the page of a report', () => {
  const names = pages.map((path) => basename(path))
  expect(bytesOf(readdirSync(BUNDLE).filter((name) => !names.includes(name)))).toBeLessThan(1_080_000)
})

it('has that page, and the library that draws it, in one more file of less than 450 kB, which nothing loads before it is asked for', () => {
  expect(pages).toHaveLength(1)
  expect(bytesOf(pages.map((path) => basename(path)))).toBeLessThan(450_000)
  const drawing = outputs.filter(([, { inputs }]) =>
    Object.keys(inputs).some((path) => /node_modules\/(?:@observablehq|d3|linkedom)/.test(path)),
  )
  expect(drawing.map(([path]) => path)).toEqual(pages)
  const importers = outputs.flatMap(([, { imports }]) => imports.filter(({ path }) => pages.includes(path)))
  expect(importers.map(({ kind }) => kind)).toEqual(['dynamic-import'])
})

/** All files that are loaded with this one. */
const loadedWith = (path: string, known: ReadonlySet<string> = new Set()): ReadonlySet<string> => {
  if (known.has(path)) return known
  const imports = outputs.find(([name]) => name === path)?.[1].imports ?? []
  return imports
    .filter(({ path: name, kind }) => kind === 'import-statement' && !name.startsWith('node:'))
    .reduce<ReadonlySet<string>>((found, each) => loadedWith(each.path, found), new Set([...known, path]))
}

// Node compiles it at each start, of --version and wrong usage, too.
it('starts with less than 85 kB of that, in few files', () => {
  const names = [...loadedWith('dist/portward/cli.cjs')].map((path) => basename(path))
  expect(names.length).toBeLessThan(5)
  expect(bytesOf(names)).toBeLessThan(85_000)
})
