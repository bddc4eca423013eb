import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'

const source = join(import.meta.dirname, '../src')

/** Folders of the house from the ground up: each may import from itself and from those before it. */
const LAYERS = [
  ...['.', 'documents', 'settings', 'policy', 'detector', 'plan'],
  ...['host', 'facts', 'bans', 'verify', 'commands'],
]
/** These three take from each other until host is gone. */
const SIBLINGS = ['host', 'facts', 'bans']
/** These decide, and touch nothing. */
const PURE = ['.', 'documents', 'settings', 'policy', 'plan', 'detector']
const EFFECTS = /^(?:node:(?!path$|buffer$)|execa|inquirer|zx)/

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && path !== 'cli.ts')
  .map((path) => ({ path, layer: path.includes('/') ? (path.split('/')[0] ?? '') : '.' }))

const importsOf = (path: string): string[] =>
  [...readFileSync(join(source, path), 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g)].map(
    ([, specifier]) => specifier ?? '',
  )

const isTypeImport = (path: string, specifier: string): boolean =>
  readFileSync(join(source, path), 'utf8')
    .split('\n')
    .filter((line) => line.includes(`from '${specifier}'`))
    .every((line) => line.startsWith('import type '))

const layerOf = (path: string, specifier: string): string => {
  const target = relative(source, join(source, path, '..', specifier))
  return target.startsWith('..') ? '.' : target.includes('/') ? (target.split('/')[0] ?? '') : '.'
}

it.each(files)('$path belongs to a layer and imports downwards only', ({ path, layer }) => {
  expect(LAYERS).toContain(layer)
  const below = LAYERS.slice(0, LAYERS.indexOf(layer) + 1)
  const allowed = SIBLINGS.includes(layer) ? [...below, ...SIBLINGS] : below
  for (const specifier of importsOf(path).filter((it) => it.startsWith('.'))) {
    // Types of facts are everybody's.
    if (layerOf(path, specifier) === 'facts' && isTypeImport(path, specifier)) continue
    expect(allowed, `${path} imports ${specifier}`).toContain(layerOf(path, specifier))
  }
})

it.each(files.filter(({ layer }) => PURE.includes(layer)))('$path touches nothing', ({ path }) => {
  expect(importsOf(path).filter((specifier) => EFFECTS.test(specifier))).toEqual([])
  expect(readFileSync(join(source, path), 'utf8')).not.toMatch(
    /\bprocess\.(?:env|argv|exit|stdout|stderr|getuid|cwd|pid)|Date\.now|new Date\b|Math\.random/,
  )
})

it('keeps inquirer out of every start but that of the question', () => {
  const direct = files.filter(({ path }) =>
    /^import .* from 'inquirer'/m.test(readFileSync(join(source, path), 'utf8')),
  )
  expect(direct).toEqual([])
})
