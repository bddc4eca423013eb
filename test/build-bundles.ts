import { execFileSync } from 'node:child_process'
import { checkout } from './checkout.ts'

let isBuilt = false

/** Builds both bundles before the first test of any project: what runs is what is in the checkout. */
export const setup = (): void => {
  if (isBuilt) return
  isBuilt = true
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: checkout })
}
