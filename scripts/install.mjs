// Installs the npm packages when they are missing or older than package-lock.json, so that the
// two commands of the README work in a fresh clone; for the bench, Debian packages too.
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const modified = (/** @type {string} */ path) =>
  statSync(`${root}/${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Runs a command with the terminal's own streams; ends this process with its status if it fails. */
export const run = (/** @type {string} */ command, /** @type {string[]} */ args) => {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['inherit', 2, 'inherit'] })
  if (error) console.error(`${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

/** With which these scripts and the npm packages work. The bundle that they build runs from 18.19 on. */
const NODE = [20, 19]

/** Ends this process where Node.js is too old to build portward, as on Debian 12. */
const checkNode = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [wanted = 0, least = 0] = NODE
  if (major > wanted || (major === wanted && minor >= least)) return
  console.error(
    `Node.js ${NODE.join('.')} or newer is needed to build portward, and this is ${process.versions.node}: build the package on another machine, such as a Debian 13. What it builds runs here.`,
  )
  process.exit(1)
}

/** Installs them with one line of remark; npm's own are shown only if it fails. */
export const installPackages = () => {
  checkNode()
  if (modified('node_modules/.package-lock.json') >= modified('package-lock.json')) return
  console.error('Installing the npm packages ...')
  // Not `npm ci`: npm 11 refuses a lock file that leaves out what other platforms would install optionally.
  const args = ['install', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error, stdout, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' })
  if (status === 0) return
  console.error(error?.message ?? stdout + stderr)
  process.exit(status ?? 1)
}

/** Installs the Debian packages that tests and bench need, as root; says otherwise which are missing. */
export const installDebianPackages = () => {
  const names = readFileSync(`${root}/scripts/debian-packages.txt`, 'utf8').trim().split('\n')
  const query = ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names]
  const { stdout, error } = spawnSync('dpkg-query', query, { encoding: 'utf8' })
  const missing = names.filter((name) => error || !stdout.includes(`${name} installed\n`))
  if (missing.length === 0) return
  if (error || process.getuid?.() !== 0) {
    console.error(`These packages of Debian are missing, which root would install: ${missing.join(' ')}`)
    return
  }
  process.env['DEBIAN_FRONTEND'] = 'noninteractive'
  run('apt-get', ['update', '-q'])
  run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...missing])
}
