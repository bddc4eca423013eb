// `npm run conformance`: the stock portsentry daemons on real Debian servers and the detector over the same nmap
// scans, in every mode. Standard output gets what each decided as a table; the rest is on standard error.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages, root } from './install.mjs'

installPackages()

const directory = mkdtempSync(join(tmpdir(), 'portward-conformance-'))
const table = join(directory, 'table.txt')
try {
  const { status } = spawnSync(
    'npx',
    ['--no-install', 'vitest', 'run', '--project', 'e2e', 'test/e2e/conformance.test.ts'],
    {
      cwd: root,
      stdio: ['inherit', 2, 'inherit'],
      env: { ...process.env, PORTWARD_CONFORMANCE_TABLE: table },
    },
  )
  process.exitCode = status ?? 1
  process.stdout.write(readFileSync(table, 'utf8'))
} catch (error) {
  console.error(`there is no table: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
