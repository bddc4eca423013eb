import { findAssignment, parseShellAssignments } from '../documents/shell-assignments.ts'
import type { Problem } from '../problem.ts'
import { VARIABLE_NAMES } from './variables.ts'

/** What portward reads for a variable, and on which line. */
export interface Written {
  readonly value: string
  readonly line: number | undefined
}

/**
 * Variables that a script which sources the text has otherwise than portward, which reads one at the start of a line:
 * `A=1 LAN_NM=16` sets two. What only holds under a condition is left aside.
 */
export const checkShell = (text: string, read: ReadonlyMap<string, Written>, path: string): Problem[] => {
  const file = parseShellAssignments(text)
  if (file.broken) return []
  return [...VARIABLE_NAMES].flatMap((name): Problem[] => {
    const found = findAssignment(file, name)
    if (found === undefined || found.conditional) return []
    const { value, line } = found
    // A value with references takes a shell to know; that it is the same one shows by its line.
    const isSame = value === undefined ? line === read.get(name)?.line : value === read.get(name)?.value
    if (isSame) return []
    return [
      {
        severity: 'error',
        code: 'hidden-assignment',
        message: `sets ${name} where a shell that sources the file sees it, but portward does not`,
        hint: `give it a line of its own: ${name}=value`,
        at: { path, line },
      },
    ]
  })
}
