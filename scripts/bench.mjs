// `npm run bench`: how long portward takes, each as a ratio to a peer measured in turn with it in the same run.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages, root, run } from './install.mjs'

installPackages()
run('node', ['scripts/build.mjs'])

const RUNS = 15
const bundle = join(root, 'dist/portward/cli.cjs')
const directory = mkdtempSync(join(tmpdir(), 'portward-bench-'))

const time = (/** @type {string[]} */ [program = '', ...args]) => {
  const start = process.hrtime.bigint()
  const { error } = spawnSync(program, args, { stdio: 'ignore' })
  if (error) throw error
  return Number(process.hrtime.bigint() - start) / 1e6
}

const median = (/** @type {number[]} */ values) =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Medians in milliseconds, the two commands in turn, after one run of each that doesn't count. */
const compare = (
  /** @type {string} */ name,
  /** @type {string[]} */ command,
  /** @type {string} */ peerName,
  /** @type {string[]} */ peer,
) => {
  time(command)
  time(peer)
  const pairs = Array.from({ length: RUNS }, () => /** @type {const} */ ([time(command), time(peer)]))
  const [own, other] = [median(pairs.map(([a]) => a)), median(pairs.map(([, b]) => b))]
  const ratio = median(pairs.map(([a, b]) => a / b))
  console.log(`${name}: ${own.toFixed(0)} ms; ${peerName}: ${other.toFixed(0)} ms; ratio ${ratio.toFixed(2)}`)
}

try {
  const tree = join(directory, 'server')
  cpSync(join(root, 'fixtures/sample-server'), tree, { recursive: true })
  const options = ['--root', tree, '--config', join(tree, 'root/config.env')]
  const node = ['node', '-e', '0']
  compare('portward --version', ['node', bundle, '--version'], 'node -e 0', node)
  compare('a plan with its diff', ['node', bundle, 'plan', ...options], 'node -e 0', node)
  spawnSync('node', [bundle, 'apply', '--yes', ...options], { stdio: 'ignore' })
  compare('a plan in sync', ['node', bundle, 'plan', ...options], 'node -e 0', node)
  const lines = Array.from(
    { length: 100_000 },
    (_, index) => `sshd: 10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
  )
  const long = join(tree, 'etc/hosts.allow')
  writeFileSync(long, `${lines.join('\n')}\n`)
  compare(
    'a plan over 100,000 lines of hosts.allow',
    ['node', bundle, 'plan', ...options],
    'sed over the same',
    ['sed', '-e', 's/^ALL: 192[.]168[.]1[.]10.*/ALL: 192.168.1.0/', long],
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}

// On real servers, where this machine can run them.
run('npx', ['--no-install', 'vitest', 'run', '--project=bench'])
