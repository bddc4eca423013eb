import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../checkout.ts'

export const read = (path: string): string => readFileSync(join(checkout, path), 'utf8')

/**
 * The commands of src/commands/commands.ts and their options, as its text has them: the running program cannot be asked here, since
 * that is what the completions do. '' has the options of all commands; hidden ones are left out.
 */
export const readCommands = (): ReadonlyMap<string, readonly string[]> => {
  const commands = new Map<string, string[]>([['', []]])
  let current = commands.get('')
  const found = `${read('src/commands/program.ts')}${read('src/commands/commands.ts')}`.matchAll(
    /\badd\(\s*'([a-z-]+)'|\.option\(\s*'([^']+)'|\bnew Option\(\s*'([^']+)'([^\n]*)/g,
  )
  for (const [, name, option, explicit, rest = ''] of found) {
    if (name !== undefined) {
      current = []
      commands.set(name, current)
    }
    const flags = option ?? (rest.includes('.hideHelp()') ? undefined : explicit)
    current?.push(...(flags?.match(/--[a-z-]+/g) ?? []))
  }
  return commands
}

/** Programs that come in a Debian package of another name. */
const PACKAGES: Readonly<Record<string, string>> = {
  dh: 'debhelper',
  'dpkg-parsechangelog': 'dpkg-dev',
  man: 'man-db',
}

/** Is a program here that tests ask? Where it is not, that is said loudly; with CI=true it is a failure. */
export const isInstalled = (program: string): boolean => {
  if (spawnSync(program, ['--version']).error === undefined) return true
  const report = `${program} is not installed: apt-get install ${PACKAGES[program] ?? program}`
  if (process.env['CI'] === 'true') throw new Error(report)
  process.stderr.write(`\nSKIPPED: ${report}\n\n`)
  return false
}
