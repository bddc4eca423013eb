// `npm run package`: builds dist/portward_VERSION_all.deb. The same sources give the same bytes, whoever builds where.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bashCompletion, readCommandLine, zshCompletion } from './completions.mjs'
import { installPackages, root, run } from './install.mjs'

const read = (/** @type {string} */ path) => readFileSync(join(root, path), 'utf8')

/** Version and time of the latest release, as the changelog has them. */
const readRelease = () => {
  const changelog = read('packaging/changelog')
  const [, version] = /^portward \((\S+)\) /.exec(changelog) ?? []
  const [, date = ''] = /^ -- .*> {2}(.*)$/m.exec(changelog) ?? []
  const wanted = JSON.parse(read('package.json')).version
  if (version === undefined || version !== wanted) {
    throw new Error(`packaging/changelog begins with ${version}, package.json says ${wanted}: add an entry`)
  }
  return { version, seconds: Date.parse(date) / 1000 }
}

/** A packed file's bytes: without name and time, as policy asks. */
const gzip = (/** @type {string} */ text) => execFileSync('gzip', ['-9n'], { input: text })

/** Names of the npm packages whose code is in the bundle. */
const bundledPackages = () => {
  const { outputs } = JSON.parse(read('dist/portward.meta.json'))
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs))
  const names = inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [])
  return [...new Set(names)].sort()
}

/** A package's licence as it states it; Debian keeps the text of the Apache licence in one place. */
const readLicence = (/** @type {string} */ name) => {
  const directory = join('node_modules', name)
  const { version, license } = JSON.parse(read(join(directory, 'package.json')))
  const file = readdirSync(join(root, directory)).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${directory} has no licence to be passed on`)
  const text = read(join(directory, file)).replaceAll('\r', '').trim()
  const holders = text.match(/^ *Copyright (?:\(c\) )?\d.*$/gim) ?? []
  const reference = `Licensed under the Apache License, Version 2.0: see\n/usr/share/common-licenses/Apache-2.0`
  return {
    title: `${name} ${version} (${license})`,
    text: license === 'Apache-2.0' ? [...holders.map((line) => line.trim()), reference].join('\n') : text,
  }
}

/** The package's copyright file: packages with the very same text share it. */
const copyright = () => {
  /** @type {Map<string, string[]>} */
  const texts = new Map()
  for (const { title, text } of bundledPackages().map(readLicence)) {
    texts.set(text, [...(texts.get(text) ?? []), title])
  }
  const sections = [...texts].map(
    ([text, titles]) => `${titles.map((it) => `* ${it}\n`).join('')}\n${text}\n`,
  )
  return [read('packaging/copyright').replace('@LICENSE@', read('LICENSE').trim()), ...sections].join('\n')
}

/** Everything that the package installs: path → content; what is executable says so. */
const contents = async () => {
  const bundle = read('dist/portward.mjs')
  const commandLine = await readCommandLine()
  const trees = [
    ['schema', 'usr/share/portward/schema'],
    ['examples', 'usr/share/doc/portward/examples'],
  ].flatMap(([from = '', to = '']) =>
    existsSync(join(root, from))
      ? readdirSync(join(root, from), { recursive: true, encoding: 'utf8', withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(join(root, from).length + 1))
          .map((path) => /** @type {const} */ ([join(to, path), read(join(from, path))]))
      : [],
  )
  /** @type {Record<string, string | Buffer>} */
  const files = {
    'usr/bin/portward': read('packaging/portward'),
    'usr/lib/portward/portward.mjs': bundle,
    'usr/lib/systemd/system/portward-first-boot.service': read('packaging/portward-first-boot.service'),
    'usr/share/man/man8/portward.8.gz': gzip(read('packaging/portward.8')),
    'usr/share/man/man5/portward-config.env.5.gz': gzip(read('packaging/portward-config.env.5')),
    'usr/share/bash-completion/completions/portward': bashCompletion(commandLine),
    'usr/share/zsh/vendor-completions/_portward': zshCompletion(commandLine),
    'usr/share/doc/portward/copyright': copyright(),
    'usr/share/doc/portward/changelog.gz': gzip(read('packaging/changelog')),
    'usr/share/doc/portward/README.md.gz': gzip(read('README.md')),
    'usr/share/lintian/overrides/portward': read('packaging/lintian-overrides'),
    ...Object.fromEntries(trees),
  }
  return files
}

/** Writes a file with its directories; modes are set, whatever the umask. */
const put = (/** @type {string} */ path, /** @type {string | Buffer} */ content, mode = 0o644) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  chmodSync(path, mode)
}

const stage = async (/** @type {string} */ directory, /** @type {{ version: string }} */ { version }) => {
  const files = Object.entries(await contents()).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [path, content] of files) {
    put(join(directory, path), content, path.startsWith('usr/bin/') ? 0o755 : 0o644)
  }
  // Counted as policy does: files in whole KiB, and one for each directory.
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((path) =>
    statSync(join(directory, path)),
  )
  const size = entries.reduce(
    (sum, entry) => sum + (entry.isDirectory() ? 1 : Math.ceil(entry.size / 1024)),
    0,
  )
  const control = read('packaging/control')
    .replace('@VERSION@', version)
    .replace('@INSTALLED_SIZE@', String(size))
  const sums = files.map(([path, content]) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`)
  put(join(directory, 'DEBIAN/control'), control)
  put(join(directory, 'DEBIAN/md5sums'), sums.join(''))
  for (const script of ['prerm', 'postrm']) {
    put(join(directory, 'DEBIAN', script), read(join('packaging', script)), 0o755)
  }
}

/** Gives every entry the release's time, and directories their mode. */
const settle = (/** @type {string} */ directory, /** @type {number} */ seconds) => {
  for (const path of ['.', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })]) {
    const entry = join(directory, path)
    if (statSync(entry).isDirectory()) chmodSync(entry, 0o755)
    lutimesSync(entry, seconds, seconds)
  }
}

installPackages()
run('node', ['scripts/build.mjs'])
const release = readRelease()
const staging = mkdtempSync(join(tmpdir(), 'portward-package-'))
const name = `portward_${release.version}_all.deb`
try {
  const tree = join(staging, 'tree')
  mkdirSync(tree)
  await stage(tree, release)
  settle(tree, release.seconds)
  // One thread: more would cut the data in other places.
  const options = ['--root-owner-group', '--uniform-compression', '-Zxz', '-z6', '--threads-max=1']
  execFileSync('dpkg-deb', [...options, '--build', tree, join(staging, name)], {
    stdio: ['ignore', 2, 'inherit'],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC', SOURCE_DATE_EPOCH: String(release.seconds) },
  })
  // Beside its place first: nobody may see half of it.
  const target = join(root, 'dist', name)
  const beside = `${target}.${process.pid}`
  writeFileSync(beside, readFileSync(join(staging, name)))
  renameSync(beside, target)
  console.log(`dist/${name}`)
} finally {
  rmSync(staging, { recursive: true, force: true })
}
