// `npm run release -- VERSION`: what CHANGELOG.md has under "Unreleased" becomes that version: in package.json and
// wherever else the version stands, in both changelogs, as a commit and a tag. It pushes nothing.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './install.mjs'
import { readVersions, VERSION_PLACES } from './versions.mjs'

const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8')
const write = (/** @type {string} */ path, /** @type {string} */ text) =>
  writeFileSync(join(root, path), text)
const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })

const UNRELEASED = /^## \[Unreleased\]\n([\s\S]*?)(?=^## \[|(?![\s\S]))/m

/** The items of a section: "- …", each with the lines that continue it. */
const itemsOf = (/** @type {string} */ section) =>
  [...section.matchAll(/^- (.*(?:\n {2}.*)*)/gm)].map(([, item = '']) => item.replaceAll(/\s+/g, ' '))

/** Words in lines of at most 80 columns. */
const wrap = (/** @type {string} */ text, /** @type {string} */ first, /** @type {string} */ indent) => {
  const lines = [first]
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last.length + 1 + word.length > 80) lines.push(`${indent}${word}`)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.join('\n')
}

/** An entry of debian/changelog. */
const debianEntry = (
  /** @type {string} */ version,
  /** @type {string[]} */ items,
  /** @type {Date} */ date,
) => {
  const changes = items.map((item) => wrap(item, '  *', '    ')).join('\n')
  const maintainer = /^Maintainer: (.*)$/m.exec(read('debian/control'))?.[1]
  const time = date.toUTCString().replace('GMT', '+0000')
  return `portward (${version}) unstable; urgency=medium\n\n${changes}\n\n -- ${maintainer}  ${time}\n`
}

/** Is version `a` the later one? */
const isAfter = (/** @type {string} */ a, /** @type {string} */ b) =>
  a.localeCompare(b, 'en', { numeric: true }) > 0

/** Why there can be no such release now; undefined if there can. */
const findObstacle = (/** @type {string} */ version, /** @type {string[]} */ items) => {
  const { version: current, released } = readVersions(root)
  if (!/^\d+\.\d+\.\d+$/.test(version)) return 'usage: npm run release -- MAJOR.MINOR.PATCH'
  if (isAfter(current, version)) return `${version} is before ${current}, the version of package.json`
  if (released['debian/changelog'] === version) return `${version} is already released`
  if (items.length === 0) return 'CHANGELOG.md has no item under "Unreleased"'
  if (git('status', '--porcelain') !== '') return 'there are changes that are not committed'
  if (git('tag', '--list', `v${version}`) !== '') return `there already is a tag v${version}`
  return undefined
}

const [version = ''] = process.argv.slice(2)
const changelog = read('CHANGELOG.md')
const items = itemsOf(UNRELEASED.exec(changelog)?.[1] ?? '')
const obstacle = findObstacle(version, items)
if (obstacle !== undefined) {
  console.error(obstacle)
  process.exit(1)
}

const date = new Date()
run('npm', ['version', version, '--no-git-tag-version', '--allow-same-version'])
for (const [path, pattern] of Object.entries(VERSION_PLACES))
  write(path, read(path).replace(pattern, version))
const title = `## [${version}] - ${date.toISOString().slice(0, 10)}`
write('CHANGELOG.md', changelog.replace('## [Unreleased]\n', `## [Unreleased]\n\n${title}\n`))
// An entry that was never released gives way.
const earlier = read('debian/changelog').replace(/^portward \(\S+\) UNRELEASED;[\s\S]*?\n -- .*\n\n?/, '')
const entry = debianEntry(version, items, date)
write('debian/changelog', earlier === '' ? entry : `${entry}\n${earlier}`)

git('commit', '--quiet', '--all', '--message', `Release ${version}`)
git('tag', '--annotate', '--message', `portward ${version}`, `v${version}`)
console.log(`Release ${version} is committed and tagged. To publish it: git push --follow-tags`)
