// `npm run repository -- --url URL --key FINGERPRINT DIRECTORY`: puts the Debian package of this checkout into a signed apt
// repository in DIRECTORY, which a web server is to serve at URL. What is there already stays: apt offers every version. The
// directory is all the state that there is.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { root, run } from './install.mjs'

const SUITE = 'dists/stable'
const INDEX = 'main/binary-all'

const fail = (/** @type {string} */ message) => {
  console.error(message)
  return process.exit(1)
}

/** Runs a program and returns its standard output. */
const outputOf = (
  /** @type {string} */ program,
  /** @type {string[]} */ args,
  /** @type {{ cwd?: string, input?: string }} */ options = {},
) => {
  const { stdout, error, status } = spawnSync(program, args, {
    ...options,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  if (error) fail(`${program}: ${error.message}: apt-get install apt-utils gpg gpg-agent`)
  if (status !== 0) fail(`${program} has failed`)
  return stdout
}

/** Writes a file beside its place first: nobody may fetch half of it. */
const write = (/** @type {string} */ path, /** @type {string | Uint8Array} */ content) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}

/** Adds a package to the pool. A version that is published never changes: apt would refuse the other bytes. */
const addPackage = (/** @type {string} */ directory, /** @type {string} */ path) => {
  const name = outputOf('dpkg-deb', [
    '--show',
    '--showformat',
    '${Package}_${Version}_${Architecture}.deb',
    path,
  ])
  if (!/^portward_\S+_all\.deb$/.test(name)) fail(`${path} is not a package of portward, but ${name}`)
  const bytes = readFileSync(path)
  const target = join(directory, 'pool', name)
  if (!existsSync(target)) write(target, bytes)
  else if (!readFileSync(target).equals(bytes))
    fail(`${target} has other bytes: a version that is published stays as it is, so release a new one`)
}

/**
 * The lists of the pool. Each is also there by its hash and stays so, so that apt finds the one that the InRelease file names which
 * it has read, while the next one is being published.
 */
const writeIndex = (/** @type {string} */ directory) => {
  const packages = outputOf('apt-ftparchive', ['--arch', 'all', 'packages', 'pool'], { cwd: directory })
  const files = /** @type {const} */ ([
    ['Packages', Buffer.from(packages)],
    ['Packages.gz', gzipSync(packages)],
  ])
  for (const [name, bytes] of files) {
    const hash = createHash('sha256').update(bytes).digest('hex')
    write(join(directory, SUITE, INDEX, 'by-hash/SHA256', hash), bytes)
    write(join(directory, SUITE, INDEX, name), bytes)
  }
}

const RELEASE = {
  Origin: 'portward',
  Label: 'portward',
  Suite: 'stable',
  Codename: 'stable',
  Architectures: 'all',
  Components: 'main',
  Description: 'portward for Debian',
  'Acquire-By-Hash': 'yes',
}

/** The signed list of the lists, which apt reads first; it is written last. */
const signRelease = (/** @type {string} */ directory, /** @type {string} */ key) => {
  const fields = Object.entries(RELEASE).flatMap(([name, value]) => [
    '-o',
    `APT::FTPArchive::Release::${name}=${value}`,
  ])
  const weak = ['MD5', 'SHA1'].flatMap((name) => ['-o', `APT::FTPArchive::${name}=false`])
  const release = outputOf('apt-ftparchive', [...fields, ...weak, 'release', SUITE], { cwd: directory })
  return outputOf('gpg', ['--batch', '--local-user', key, '--digest-algo', 'SHA256', '--clearsign'], {
    input: release,
  })
}

const publicKeyOf = (/** @type {string} */ key) => {
  const options = ['--batch', '--armor', '--export-options', 'export-minimal', '--export', key]
  return outputOf('gpg', options) || fail(`gpg has no public key ${key}`)
}

/** What a server needs to install from the repository: one file, with the public key in it. */
const writeSources = (
  /** @type {string} */ directory,
  /** @type {string} */ url,
  /** @type {string} */ publicKey,
) => {
  write(join(directory, 'portward.asc'), publicKey)
  const lines = publicKey.trimEnd().split('\n')
  const indented = lines.map((line) => ` ${line === '' ? '.' : line}\n`).join('')
  write(
    join(directory, 'portward.sources'),
    `Types: deb\nURIs: ${url}\nSuites: stable\nComponents: main\nArchitectures: all\nSigned-By:\n${indented}`,
  )
}

const USAGE = 'usage: npm run repository -- --url URL --key FINGERPRINT DIRECTORY [PACKAGE.deb…]'

const readArguments = () => {
  try {
    const { values, positionals } = parseArgs({
      options: { url: { type: 'string' }, key: { type: 'string' } },
      allowPositionals: true,
    })
    const [directory, ...packages] = positionals
    const { url = '', key = '' } = values
    if (/^https?:\/\/\S+$/.test(url) && /^[\dA-F]{40}$/i.test(key) && directory)
      return { url, key, directory: resolve(directory), packages }
  } catch {}
  console.error(USAGE)
  return process.exit(64)
}

const { url, key, directory, packages } = readArguments()
if (packages.length === 0) {
  run(process.execPath, ['scripts/package.mjs'])
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  packages.push(join(root, `dist/portward_${version}_all.deb`))
}
const publicKey = publicKeyOf(key)
for (const path of packages) addPackage(directory, path)
writeIndex(directory)
// Until it is signed, servers have what was published before, and the key of that.
const signed = signRelease(directory, key)
writeSources(directory, url, publicKey)
write(join(directory, SUITE, 'InRelease'), signed)
console.log(`${directory} is ready to be served at ${url}: servers need ${url}/portward.sources`)
