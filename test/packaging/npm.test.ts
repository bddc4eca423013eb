import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { fixtures } from '../tree.ts'

const directory = mkdtempSync(join(tmpdir(), 'portward-npm-'))
const project = join(directory, 'project')
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** npm without a network, a cache or settings from which it could take anything. */
const npm = (program: 'npm' | 'npx', cwd: string, ...args: string[]) =>
  spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      HOME: directory,
      npm_config_offline: 'true',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_cache: join(directory, 'cache'),
      npm_config_registry: 'http://registry.invalid',
      npm_config_update_notifier: 'false',
    },
  })

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

let packed: Packed

beforeAll(() => {
  // A checkout without dist, in which `prepack` has to build all of it; the tests' own is in use.
  const sources = join(directory, 'sources')
  const left = ['.git', 'dist', 'node_modules']
  cpSync(checkout, sources, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !left.includes(relative(checkout, path)),
  })
  symlinkSync(join(checkout, 'node_modules'), join(sources, 'node_modules'))
  const { stdout, stderr, status } = npm('npm', sources, 'pack', '--json', '--pack-destination', directory)
  expect(status, stderr).toBe(0)
  packed = JSON.parse(stdout)[0]
}, 120_000)

it('has what portward needs to run, its licences, manual, schemas and pages, and no more', () => {
  const paths = packed.files.map(({ path }) => path)
  expect([...new Set(paths.map((path) => path.split('/', 1)[0]))].sort()).toEqual(
    [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'examples',
      'man',
      'package.json',
      'schema',
    ].sort(),
  )
  expect(paths).toEqual(
    expect.arrayContaining(['bin/portward', 'dist/portward/cli.cjs', 'dist/package/copyright']),
  )
  expect(paths.filter((path) => /^dist\/(?!portward\/[\w-]+\.cjs$|package\/copyright$)/.test(path))).toEqual(
    [],
  )
})

it('runs by itself: npx portward plan --root, from the tarball alone', () => {
  cpSync(join(fixtures, 'sample-server'), join(project, 'server'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n')
  const installed = npm('npm', project, 'install', join(directory, packed.filename))
  expect(installed.status, installed.stderr).toBe(0)
  expect(readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    'portward',
  ])

  const plan = npm('npx', project, 'portward', 'plan', '--root', 'server')
  expect([plan.status, plan.stderr]).toEqual([2, ''])
  const own = spawnSync(join(checkout, 'bin/portward'), ['plan', '--root', 'server'], {
    cwd: project,
    encoding: 'utf8',
  })
  expect(plan.stdout).toBe(own.stdout)
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
  expect(npm('npx', project, 'portward', '--version').stdout).toBe(`${version}\n`)
})

it('passes npm publish --dry-run', () => {
  const { status, stdout, stderr } = npm('npm', directory, 'publish', '--dry-run', packed.filename)
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/^\+ portward@\d/m)
  // npm corrects a package.json that is not as it should be, and warns about that.
  expect(stderr).not.toMatch(/auto-corrected|errors corrected/)
})
