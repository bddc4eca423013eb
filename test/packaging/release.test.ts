import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readVersions, VERSION_PLACES } from '../../scripts/versions.mjs'
import { checkout } from '../checkout.ts'
import { isInstalled } from './command-line.ts'

/** What a release reads and writes. */
const CHANGED = [...Object.keys(VERSION_PLACES), 'CHANGELOG.md', 'debian/changelog']
const NPM = ['package.json', 'package-lock.json']
const COPIED = [
  ...CHANGED,
  ...NPM,
  'debian/control',
  'scripts/install.mjs',
  'scripts/release.mjs',
  'scripts/versions.mjs',
]

const env = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  ...{ GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@localhost' },
  ...{ GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@localhost' },
}

let repository: string

const git = (...args: string[]) =>
  execFileSync('git', args, { cwd: repository, encoding: 'utf8', env }).trim()
const read = (path: string) => readFileSync(join(repository, path), 'utf8')
const release = (...args: string[]) =>
  spawnSync('node', ['scripts/release.mjs', ...args], { cwd: repository, encoding: 'utf8', env })
const parseChangelog = (field: string) =>
  execFileSync('dpkg-parsechangelog', ['--show-field', field], { cwd: repository, encoding: 'utf8' }).trim()
const commitItem = (item: string) => {
  const text = read('CHANGELOG.md').replace('## [Unreleased]\n', `## [Unreleased]\n\n### Added\n\n${item}\n`)
  writeFileSync(join(repository, 'CHANGELOG.md'), text)
  git('commit', '--all', '--message', 'Add a thing')
}

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'portward-release-'))
  for (const path of COPIED) {
    mkdirSync(join(repository, dirname(path)), { recursive: true })
    cpSync(join(checkout, path), join(repository, path))
  }
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '--message', 'Start')
})
afterEach(() => rmSync(repository, { recursive: true, force: true }))

describe('the version', () => {
  const { version, places, released } = readVersions(checkout)

  it.each(Object.entries(places))('is in %s what it is in package.json', (_, there) => {
    expect(there).toBe(version)
  })

  it('is released by both changelogs, or by none', () => {
    expect([null, version]).toContain(released['CHANGELOG.md'])
    expect(released['debian/changelog']).toBe(released['CHANGELOG.md'])
  })
})

const ITEM = `- A thing with a description that is so long that it takes two lines of this file, and two of
  the other one.`

describe('a release', () => {
  it('puts the version wherever it stands, commits and tags', () => {
    commitItem(ITEM)
    expect(release('7.8.9')).toMatchObject({ status: 0 })
    const { version, places, released } = readVersions(repository)
    expect(new Set([version, ...Object.values(places), ...Object.values(released)])).toEqual(
      new Set(['7.8.9']),
    )
    expect(git('status', '--porcelain')).toBe('')
    expect(git('show', '--no-patch', '--format=%s', 'v7.8.9^{commit}')).toBe('Release 7.8.9')
    expect(git('diff', '--name-only', 'HEAD^').split('\n').sort()).toEqual([...CHANGED, ...NPM].sort())
    expect(git('cat-file', '-t', 'v7.8.9')).toBe('tag')
    expect(read('CHANGELOG.md')).toMatch(
      /^## \[Unreleased\]\n\n## \[7\.8\.9\] - \d{4}-\d\d-\d\d\n\n### Added\n\n- A thing/m,
    )
  })

  it.skipIf(!isInstalled('dpkg-parsechangelog'))('is an entry that Debian can read', () => {
    commitItem(ITEM)
    release('7.8.9')
    expect(['Version', 'Distribution'].map((field) => parseChangelog(field))).toEqual(['7.8.9', 'unstable'])
    expect(parseChangelog('Changes')).toContain(
      '\n  * A thing with a description that is so long that it takes two lines of this\n    file, and two of the other one.',
    )
    expect(Math.abs(Date.now() / 1000 - Number(parseChangelog('Timestamp')))).toBeLessThan(60)
  })

  it('takes the place of an entry that was never released, and keeps those that were', () => {
    expect(release('7.0.0').status).toBe(0)
    commitItem('- Another one.')
    expect(release('7.0.1').status).toBe(0)
    const entries = read('debian/changelog').match(/^portward .*$/gm)
    expect(entries?.slice(0, 2)).toEqual([
      'portward (7.0.1) unstable; urgency=medium',
      'portward (7.0.0) unstable; urgency=medium',
    ])
    expect(read('debian/changelog')).not.toContain('UNRELEASED')
    expect(read('debian/changelog')).toMatch(
      /^portward \(7\.0\.1\)[\s\S]*?\n\n {2}\* Another one\.\n\n -- .*\n\nportward/,
    )
  })

  it.each<[string, string, () => void, RegExp]>([
    ['without a version', '', () => {}, /^usage: /],
    ['of an earlier version', '0.0.9', () => {}, /^0\.0\.9 is before /],
    [
      'of what is not committed',
      '7.0.0',
      () => appendFileSync(join(repository, 'README.md'), '\n'),
      /not committed/,
    ],
    ['of nothing', '7.0.1', () => release('7.0.0'), /no item under "Unreleased"/],
    ['of the same version again', '7.0.0', () => release('7.0.0'), /^7\.0\.0 is already released/],
    ['whose tag is taken', '7.0.0', () => git('tag', 'v7.0.0'), /there already is a tag/],
  ])('%s is refused, and nothing is changed', (_, version, prepare, reason) => {
    prepare()
    const before = [git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag')]
    expect(release(version)).toMatchObject({ status: 1, stderr: expect.stringMatching(reason) })
    expect([git('rev-parse', 'HEAD'), git('status', '--porcelain'), git('tag')]).toEqual(before)
  })
})
