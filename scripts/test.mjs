// `npm test`: installs what it needs, then `npm run lint`, unit and property tests, and the
// end-to-end tests on real Debian servers. Ends with a line that counts.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { installPackages, root, run } from './install.mjs'
import { processorSeconds } from './processor-time.mjs'

/** How long each part took, in milliseconds. @type {[string, number][]} */
const parts = []
const timed = (/** @type {string} */ name, /** @type {() => void} */ work) => {
  const started = Date.now()
  work()
  parts.push([name, Date.now() - started])
}

timed('npm packages', installPackages)
timed('lint', () => run('node', ['scripts/lint.mjs']))

const directory = mkdtempSync(join(tmpdir(), 'portward-test-'))
const report = join(directory, 'report.json')
const times = join(directory, 'processor-times.jsonl')
const started = Date.now()
const vitest = spawnSync(
  'npx',
  [
    '--no-install',
    'vitest',
    'run',
    '--project=unit',
    '--project=mocked',
    '--project=e2e',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, PORTWARD_PROCESSOR_TIMES: times } },
)
parts.push(['tests', Date.now() - started])
const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
  readFileSync(report, 'utf8'),
)
/** Seconds of processor time by file. @type {Map<string, number>} */
const processor = new Map(
  existsSync(times)
    ? readFileSync(times, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [],
)
rmSync(directory, { recursive: true, force: true })
const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(0).padStart(5)} s`
const slowest = testResults
  .map(
    (/** @type {{ name: string, startTime: number, endTime: number }} */ { name, startTime, endTime }) => ({
      name: relative(root, name),
      ms: endTime - startTime,
      processorMs: (processor.get(name) ?? 0) * 1000,
    }),
  )
  .sort((/** @type {{ ms: number }} */ a, /** @type {{ ms: number }} */ b) => b.ms - a.ms)
  .slice(0, 10)
console.log('\nThe ten slowest files (several run side by side), with their processor time:')
for (const { name, ms, processorMs } of slowest) {
  console.log(`${seconds(ms)} ${seconds(processorMs)}  ${name}`)
}
console.log('\nThe parts:')
for (const [name, ms] of parts) console.log(`${seconds(ms)}  ${name}`)
console.log(`${seconds(processorSeconds() * 1000)}  processor time of all of it, in seconds of one core`)
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`)
process.exitCode = vitest.status ?? 1
