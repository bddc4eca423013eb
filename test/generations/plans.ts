import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Plan, Step } from '../../src/plan/plan.ts'
import type { Desired } from '../../src/policy/desired.ts'
import { temporaryDirectory } from '../tree.ts'

const HISTORY = '/var/lib/portsentry/portsentry.history'

/** Of what is desired a generation only wants to know which files daemons add to. */
export const planOf = (root: string, steps: readonly Step[]): Plan => {
  const desired: Pick<Desired, 'historyPath' | 'logs'> = { historyPath: HISTORY, logs: [] }
  return { root, steps, desired: desired as Desired, wrapped: [], inexact: [] }
}

export const write = (path: string, after: string, before: string | null = null): Step => ({
  ...{ kind: 'write', path, before, after, mode: 0o644, fromPackage: false, reasons: [] },
})

/** A tree with these files (latin1-encoded), all of them old, and /etc/link, which leads to one at srv/real. */
export const treeOf = (files: readonly (readonly [path: string, text: string, mode: number])[]): string => {
  const root = temporaryDirectory()
  for (const [path, text, mode] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, 'latin1')
    chmodSync(join(root, path), mode)
    utimesSync(join(root, path), 1_000_000_000, 1_111_111_111.5)
  }
  symlinkSync('../srv/real', join(root, 'etc/link'))
  return root
}
