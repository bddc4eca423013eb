import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'

// Node compiles all of it at each start.
it('is a bundle of less than 800 kB', () => {
  expect(statSync(join(checkout, 'dist/portward.mjs')).size).toBeLessThan(800_000)
})
