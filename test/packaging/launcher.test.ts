import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'
import { read } from './command-line.ts'

const isRoot = process.getuid?.() === 0
const NOBODY = 65534

/** A copy of the launcher, a program that tells how it was started, and a node of somebody else's in `mine`. */
const directory = mkdtempSync(join(tmpdir(), 'launcher-'))
chmodSync(directory, 0o755)
for (const name of ['bin', 'dist/portward', 'mine']) mkdirSync(join(directory, name), { recursive: true })
cpSync(join(checkout, 'bin/portward'), join(directory, 'bin/portward'))
writeFileSync(
  join(directory, 'dist/portward/cli.cjs'),
  `const names = Object.keys(process.env).filter((name) => /^(?:NODE|OPENSSL|PERL5|PYTHON)/.test(name))
console.log(JSON.stringify({ by: process.env.BY ?? 'node', args: process.argv.slice(2), names }))\n`,
)
const node = join(directory, 'mine/node')
writeFileSync(node, `#!/bin/sh\nBY=mine exec ${process.execPath} "$@"\n`, { mode: 0o755 })
writeFileSync(join(directory, 'mine/evil.cjs'), 'console.log("evil")\n')

const launch = (env: Record<string, string>, uid?: number) => {
  const { stdout, stderr } = spawnSync(join(directory, 'bin/portward'), ['plan', '--root', 'a b'], {
    env: { PATH: `${join(directory, 'mine')}:${process.env['PATH']}`, ...env },
    encoding: 'utf8',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  return stderr === '' ? JSON.parse(stdout) : stderr
}

/** Variables by which node runs other code, or writes files. */
const FOREIGN = {
  NODE_OPTIONS: `--require ${join(directory, 'mine/evil.cjs')}`,
  NODE_PATH: join(directory, 'mine'),
  NODE_REPL_EXTERNAL_MODULE: join(directory, 'mine/evil.cjs'),
  NODE_EXTRA_CA_CERTS: '/nonexistent',
  NODE_V8_COVERAGE: join(directory, 'coverage'),
  NODE_COMPILE_CACHE: join(directory, 'cache'),
  OPENSSL_CONF: '/nonexistent',
  PERL5OPT: '-Mevil',
  PYTHONPATH: join(directory, 'mine'),
}

const ARGS = ['plan', '--root', 'a b']

it.runIf(isRoot)('runs the node of the system for root, whatever PATH leads to', () => {
  expect(launch({})).toEqual({ by: 'node', args: ARGS, names: [] })
})

it('runs the node of PATH for anybody else', () => {
  const uid = isRoot ? NOBODY : undefined
  expect(launch({}, uid)).toEqual({ by: 'mine', args: ARGS, names: [] })
})

it('finds its program when sh runs it in its own directory', () => {
  const { stdout } = spawnSync('sh', ['portward', 'plan'], { cwd: join(directory, 'bin'), encoding: 'utf8' })
  expect(JSON.parse(stdout)).toMatchObject({ args: ['plan'] })
})

it('lets no variable choose what node runs', () => {
  expect(launch(FOREIGN)).toMatchObject({ args: ARGS, names: [] })
})

it('is as strict in the package', () => {
  const unset = (path: string) => read(path).match(/^unset .*$/gm)
  expect(unset('debian/bin/portward')).toEqual(unset('bin/portward'))
  expect(read('debian/bin/portward')).toMatch(/^exec \/usr\/bin\/node /m)
})
