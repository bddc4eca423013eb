import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

// Each folder of src has a README.md, which says what it may import and whether it touches anything outside the process.
// A folder without one goes by that of the folder around it.

const source = join(import.meta.dirname, '../src')
const read = (path: string): string => readFileSync(join(source, path), 'utf8')

const EFFECTS = /^(?:node:(?!path$|buffer$)|execa|@?inquirer|zx)/
const AMBIENT = /\bprocess\.(?:env|argv|exit|stdout|stderr|getuid|cwd|pid)|Date\.now|new Date\b|Math\.random/

const IMPORT =
  /^(?:import|export) (type )?(?:(?:\{[^}]*\}|\* as \w+|\w+(?:, \{[^}]*\})?|\*) from )?'([^']+)'|\bimport\('([^']+)'\)/gm

interface Import {
  /** A module of src by its path below it, else the specifier. */
  readonly to: string
  readonly isType: boolean
}

interface File {
  readonly path: string
  /** Its folder, by path; '.' for src itself. */
  readonly folder: string
  readonly text: string
  readonly imports: readonly Import[]
}

const importsOf = (path: string, text: string): Import[] =>
  [...text.matchAll(IMPORT)].map(([, type, named, dynamic]) => {
    const specifier = named ?? dynamic ?? ''
    const to = specifier.startsWith('.') ? join(dirname(path), specifier) : specifier
    return { to, isType: type !== undefined }
  })

/** The nearest folder with a README.md; a folder directly below src needs one of its own. */
const folderOf = (path: string): string => {
  const directory = dirname(path)
  return directory === '.' || !directory.includes('/') || existsSync(join(source, directory, 'README.md'))
    ? directory
    : folderOf(directory)
}

// The command line puts everything together, so it may import all.
const files: readonly File[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && path !== 'cli.ts')
  .sort()
  .map((path) => ({ path, text: read(path) }))
  .map(({ path, text }) => ({ path, text, folder: folderOf(path), imports: importsOf(path, text) }))

const names = [...new Set(files.map(({ folder }) => folder))].sort()

interface Rule {
  readonly mayImport: readonly string[]
  readonly mayImportTypes: readonly string[]
  readonly hasEffects: boolean
}

const onlyLine = (folder: string, start: string): string => {
  const lines = read(join(folder, 'README.md'))
    .split('\n')
    .filter((line) => line.startsWith(`${start}: `))
  expect(lines, `src/${folder}/README.md has one line "${start}: …"`).toHaveLength(1)
  return lines[0]?.slice(start.length + 2) ?? ''
}

const ruleOf = (folder: string): Rule => {
  const listed = onlyLine(folder, 'May import')
    .split(', ')
    .filter((name) => name !== 'nothing')
  const types = listed.filter((name) => name.startsWith('types of '))
  const effects = onlyLine(folder, 'Effects')
  expect(['none', 'yes'], `src/${folder}/README.md`).toContain(effects)
  return {
    mayImport: listed.filter((name) => !types.includes(name)),
    mayImportTypes: types.map((name) => name.slice('types of '.length)),
    hasEffects: effects === 'yes',
  }
}

const isIn = (folder: string, listed: readonly string[]): boolean =>
  listed.some((name) => folder === name || folder.startsWith(`${name}/`))

/** What of these edges is in a cycle. An edge is where its end leads back to its start. */
const inCycles = (edges: readonly (readonly [string, string])[]): string[] => {
  const next = new Map<string, string[]>()
  for (const [from, to] of edges) next.set(from, [...(next.get(from) ?? []), to])
  const reaches = (start: string, goal: string, seen = new Set<string>()): boolean =>
    (next.get(start) ?? []).some((to) => {
      if (to === goal) return true
      if (seen.has(to)) return false
      seen.add(to)
      return reaches(to, goal, seen)
    })
  return edges.filter(([from, to]) => from === to || reaches(to, from)).map((edge) => edge.join(' → '))
}

describe.each(names)('src/%s', (folder) => {
  it('has a README.md that says what it may import, of folders that are there', () => {
    const { mayImport, mayImportTypes } = ruleOf(folder)
    for (const name of [...mayImport, ...mayImportTypes]) expect(names).toContain(name)
  })

  const own = files.filter((file) => file.folder === folder)

  it('imports what its README.md allows', () => {
    const { mayImport, mayImportTypes } = ruleOf(folder)
    const forbidden = own.flatMap(({ path, imports }) =>
      imports
        .map((each) => ({ ...each, target: files.find((file) => file.path === each.to)?.folder ?? folder }))
        .filter(
          ({ target, isType }) =>
            target !== folder && !isIn(target, mayImport) && !(isType && isIn(target, mayImportTypes)),
        )
        .map(({ to, isType }) => `${path} imports ${isType ? 'types of ' : ''}${to}`),
    )
    expect(forbidden).toEqual([])
  })

  it('may import no more than it does', () => {
    const { mayImport, mayImportTypes } = ruleOf(folder)
    const needed = own.flatMap(({ imports }) =>
      imports.flatMap(({ to, isType }) => {
        const target = files.find((file) => file.path === to)?.folder
        return target === undefined ? [] : [{ target, isType }]
      }),
    )
    const needs = (name: string, isType: boolean) =>
      needed.some((each) => each.isType === isType && isIn(each.target, [name]))
    expect(mayImport.filter((name) => !needs(name, false))).toEqual([])
    expect(mayImportTypes.filter((name) => !needs(name, true))).toEqual([])
  })

  it('touches nothing, unless its README.md says so', () => {
    const { hasEffects, mayImport } = ruleOf(folder)
    if (hasEffects) return
    expect(mayImport.filter((name) => ruleOf(name).hasEffects)).toEqual([])
    for (const { path, text, imports } of own) {
      expect(
        imports.filter(({ to, isType }) => !isType && EFFECTS.test(to)),
        path,
      ).toEqual([])
      expect(text, path).not.toMatch(AMBIENT)
    }
  })
})

it('has no import cycles, types included', () => {
  const edges = files.flatMap(({ path, imports }) => imports.map(({ to }) => [path, to] as const))
  expect(inCycles(edges)).toEqual([])
})

it('has no cycles of folders, types included', () => {
  const edges = names.flatMap((folder) => {
    const { mayImport, mayImportTypes } = ruleOf(folder)
    return [...mayImport, ...mayImportTypes].map((name) => [folder, name] as const)
  })
  expect(inCycles(edges)).toEqual([])
})

it('keeps inquirer out of every start but that of the question', () => {
  const direct = files.filter(
    ({ imports, text }) =>
      imports.some(({ to }) => /^@?inquirer/.test(to)) && /^import .* from '@?inquirer/m.test(text),
  )
  expect(direct).toEqual([])
})
