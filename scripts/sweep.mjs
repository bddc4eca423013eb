// `npm run sweep`: portward is killed, or made to fail, at every single effect that it has, on real Debian servers;
// `npm test` takes one of each kind. Prints the numbers of points.
import { spawnSync } from 'node:child_process'
import { installPackages, root, run } from './install.mjs'

installPackages()
run('node', ['scripts/build.mjs'])
const files = ['sweep', 'crash-install'].map((name) => `test/e2e/${name}.test.ts`)
const { status } = spawnSync('npx', ['--no-install', 'vitest', 'run', '--project', 'e2e', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PORTWARD_SWEEP: 'full' },
})
process.exitCode = status ?? 1
