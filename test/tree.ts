import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
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

/** The bytes (latin1-decoded) of every file below a directory, by its path from there. */
export const contentsOf = (root: string): Map<string, string> =>
  new Map(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => statSync(join(root, path)).isFile())
      .map((path) => [path, readFileSync(join(root, path), 'latin1')]),
  )

/** Writes files (latin1) below a directory, by their paths from there. */
export const writeInto = (root: string, files: Readonly<Record<string, string>>): void => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, 'latin1')
  }
}

/** Dpkg's files of a server with portsentry 2.x. */
export const DPKG_2 = {
  'var/lib/dpkg/status': 'Package: portsentry\nStatus: install ok installed\nVersion: 2.0.7-1\n',
  'var/lib/dpkg/info/portsentry.list': '/usr/lib/systemd/system/portsentry.service\n',
}
