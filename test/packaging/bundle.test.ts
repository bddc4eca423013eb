import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../checkout.ts'

const BUNDLE = join(checkout, 'dist/portward')

const bytesOf = (names: readonly string[]) =>
  names.reduce((sum, name) => sum + statSync(join(BUNDLE, name)).size, 0)

it('is a bundle of less than 900 kB', () => {
  expect(bytesOf(readdirSync(BUNDLE))).toBeLessThan(900_000)
})

// Node compiles it at each start, of --version and wrong usage, too.
it('starts with less than 80 kB of that', () => {
  expect(bytesOf(['cli.cjs'])).toBeLessThan(80_000)
})
