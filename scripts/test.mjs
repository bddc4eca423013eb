// `npm test`: installs what it needs, then types, lint, dead code, unit and property tests, and the
// end-to-end tests on real Debian servers. Ends with a line that counts.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages, root, run } from './install.mjs'

installPackages()
run('npx', ['--no-install', 'tsc'])
run('npx', ['--no-install', 'biome', 'check', '--error-on-warnings', '.'])
run('npx', ['--no-install', 'knip'])

const directory = mkdtempSync(join(tmpdir(), 'portward-test-'))
const report = join(directory, 'report.json')
const vitest = spawnSync(
  'npx',
  [
    '--no-install',
    'vitest',
    'run',
    '--project=unit',
    '--project=e2e',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ],
  { cwd: root, stdio: 'inherit' },
)
const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'))
rmSync(directory, { recursive: true, force: true })
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`)
process.exitCode = vitest.status ?? 1
