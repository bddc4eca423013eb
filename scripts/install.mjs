// Installs the npm packages when they are missing or older than package-lock.json, so that the
// two commands of the README work in a fresh clone.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
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

export const installPackages = () => {
  if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
    // Not `npm ci`: npm 11 refuses a lock file that leaves out what other platforms would install optionally.
    run('npm', ['install', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  }
}
