// `npm run bench`: what portward costs, each next to peers measured in turn with it in the same run. `npm run bench -- NAME`
// runs test/bench/NAME.test.ts alone; --write keeps the tables in docs/benchmarks.md. Installs what the peers need.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { byPart, renderTable, updateDocument } from './bench-table.mjs'
import { installDebianPackages, installPackages, root } from './install.mjs'

const names = process.argv.slice(2).filter((name) => name !== '--write')
const isKept = process.argv.includes('--write')

installPackages()
installDebianPackages()

const directory = mkdtempSync(join(tmpdir(), 'portward-bench-'))
const [rowsFile, report] = [join(directory, 'rows.jsonl'), join(directory, 'report.json')]
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const vitest = spawnSync(
  'npx',
  ['--no-install', 'vitest', 'run', '--project=bench', ...reporters, ...names.map((name) => `bench/${name}`)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, PORTWARD_BENCH_ROWS: rowsFile } },
)
process.exitCode = vitest.status ?? 1

/** @type {import('./bench-table.mjs').Row[]} */
const rows = existsSync(rowsFile)
  ? readFileSync(rowsFile, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  : []
/** @type {{ assertionResults: { status: string, fullName: string }[] }[]} */
const results = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : []
rmSync(directory, { recursive: true, force: true })

const [{ model = 'unknown' } = {}] = cpus()
const memory = `${(totalmem() / 1e9).toFixed(0)} GB of memory`
const machine = `${cpus().length} cores of ${model.trim()}, ${memory}, Linux ${release()}, node ${process.versions.node}`
const today = new Date().toISOString().slice(0, 10)

console.log(`\n${machine}`)
for (const [part, ofPart] of byPart(rows)) console.log(`\n${part}\n\n${renderTable(ofPart)}`)
for (const { assertionResults } of results) {
  for (const { status, fullName } of assertionResults) {
    if (status !== 'passed')
      console.log(`\n${status === 'failed' ? 'FAILED' : 'SKIPPED, see above'}: ${fullName}`)
  }
}
if (isKept) {
  const path = join(root, 'docs/benchmarks.md')
  writeFileSync(path, updateDocument(readFileSync(path, 'utf8'), rows, `${today}: ${machine}.`))
}
