import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { checkout } from './checkout.ts'

export const fixtures = join(checkout, 'fixtures')

/** An empty directory that goes away with the test. */
export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A copy of a tree that goes away with the test. */
export const copyOf = (tree: string): string => {
  const directory = temporaryDirectory()
  cpSync(tree, directory, { recursive: true, verbatimSymlinks: true })
  return directory
}
