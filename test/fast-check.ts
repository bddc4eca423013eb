import fc from 'fast-check'

// How fast-check runs, in every test: the same values each time, or, in `npm run fuzz`, more and other ones.
const isLong = process.env['PORTWARD_FUZZ'] === 'long'
const SEED = 20_261_121
const [seed = '', ...path] = (process.env['PORTWARD_FUZZ_REPLAY'] ?? '').split(':')

/** How many values a property takes where `npm test` takes `count`. */
export const runs = (count: number): number => (isLong ? 50 * count : count)

/** Whether PORTWARD_FUZZ_REPLAY asks for one value alone: no share of the values says anything then. */
export const isReplay = path.length > 0

const parameters = {
  seed: seed !== '' ? Number(seed) : isLong ? Date.now() % 2 ** 31 : SEED,
  path: path.join(':'),
  numRuns: runs(100),
}
if (isLong) console.info(`fast-check: seed ${parameters.seed}`)

fc.configureGlobal({
  ...parameters,
  reporter: (details) => {
    if (!details.failed) return
    const replay = `${details.seed}${details.counterexamplePath === null ? '' : `:${details.counterexamplePath}`}`
    const message = `${fc.defaultReportMessage(details)}\n\nOnly this again: PORTWARD_FUZZ_REPLAY=${replay}`
    throw new Error(message, { cause: details.errorInstance })
  },
})
