import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// `unit` is quick and needs nothing; `e2e` boots real Debian servers and says loudly what it skips.
const define = { PORTWARD_VERSION: '"test"', PORTWARD_FAULTS: 'false' }

/** Unit tests that use vi.mock. */
const MOCKED = 'test/**/*.mocked.test.ts'

/** The files that take longest begin first, else one of them runs alone at the end. The others: the largest first. */
const LONGEST = [
  ...['lifetime-12', 'lifetime-13', 'sweep', 'migration', 'ansible', 'lifetime-testing', 'confirm'],
  ...['verify-12', 'neighbours', 'bans', 'hostile', 'debian-testing', 'rollback', 'surroundings'],
  ...[
    'cloud-init',
    'package',
    'repository',
    'upgrade',
    'verify-testing',
    'crash-install',
    'fail2ban',
    'preseed',
  ],
  ...['debian-12', 'debian-13', 'documentation', 'notifications'],
].map((name) => `/e2e/${name}.test.ts`)

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = LONGEST.findIndex((name) => moduleId.endsWith(name))
      return index < 0 ? LONGEST.length : index
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

const globalSetup = './test/build-bundles.ts'
const setupFiles = ['./test/processor-time.ts', './test/fast-check.ts']

const unit = {
  globalSetup,
  setupFiles,
  testTimeout: 60_000,
  maxWorkers: availableParallelism(),
  sequence: { groupOrder: 0 },
  // A style sheet is imported as text, and would be empty.
  css: true,
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // For --changed: these are read by tests that do not import them.
    forceRerunTriggers: [
      ...configDefaults.forceRerunTriggers,
      '**/{ansible,bin,debian,examples,fixtures,man,schema,scripts,templates}/**',
    ],
    projects: [
      {
        define,
        test: {
          ...unit,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/bench/**', MOCKED],
          // Many small files: to load all modules anew for each would take as long again.
          isolate: false,
        },
      },
      // Replaced modules would stay replaced for the next file of the same process.
      { define, test: { ...unit, name: 'mocked', include: [MOCKED] } },
      {
        define,
        test: {
          name: 'e2e',
          globalSetup,
          setupFiles,
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 900_000,
          // Servers wait for their daemons half of the time.
          maxWorkers: 6,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // The property tests, with more and other values: `npm run fuzz` alone runs it.
        define,
        test: {
          name: 'fuzz',
          globalSetup,
          setupFiles,
          include: [
            'test/{detector,documents,fuzz,plan,policy,settings}/**/*.test.ts',
            'test/{network,readable}.test.ts',
          ],
          env: { PORTWARD_FUZZ: 'long' },
          testTimeout: 3_600_000,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Figures, not tests: `npm run bench` alone runs it.
        define,
        test: {
          name: 'bench',
          globalSetup,
          include: ['test/bench/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
