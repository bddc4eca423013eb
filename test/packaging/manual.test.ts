import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMAND_TEXTS, type CommandText, EXITS } from '../../src/commands/help/texts.ts'
import { VARIABLES } from '../../src/settings/variables.ts'
import { checkout } from '../checkout.ts'
import { isInstalled, read, readCommands } from './command-line.ts'

const program = read('man/portward.8')
const configuration = read('man/portward-config.env.5')

describe('portward(8)', () => {
  it.each([...readCommands().keys()].filter(Boolean))('has the command %s', (name) => {
    expect(program).toMatch(new RegExp(`^\\.It Cm ${name}\\b`, 'm'))
  })

  it.each([...readCommands()].flatMap(([command, options]) => options.map((option) => [command, option])))(
    'has the option of "%s": %s',
    (command, option) => {
      // The part that tells of the command: up to the next one, or, for all commands', the list after the last.
      const start = command === '' ? /^\.Pp\nThe options,/m : new RegExp(`^\\.It Cm ${command}\\b(?!-)`, 'm')
      const text = program.slice(program.search(start) + 1)
      const [part = ''] = text.split(/^(?:\.It Cm |\.Sh |\.Pp\nThe options,)/m)
      expect(part).toMatch(new RegExp(`^\\.It Fl -${option.slice(2)}\\b`, 'm'))
    },
  )

  it('knows no other command or option', () => {
    const known = readCommands()
    const commands = [...program.matchAll(/^\.It Cm (\S+)/gm)].map(([, name]) => name)
    expect(commands.filter((name) => name !== 'help' && !known.has(name ?? ''))).toEqual([])
    const options = new Set([...known.values()].flat())
    const told = [...program.matchAll(/\bFl -([a-z][a-z-]+)/g)].map(([, name]) => `--${name}`)
    expect(told.filter((name) => !['--version', '--help'].includes(name) && !options.has(name))).toEqual([])
  })
})

const capitalized = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

/** The section about exit codes: what each means, by command. */
const exitStatus = (): string => {
  const meanings = new Map<string, Map<string, string[]>>(Object.keys(EXITS).map((code) => [code, new Map()]))
  for (const [command, { exits }] of Object.entries<CommandText>(COMMAND_TEXTS))
    for (const [code, meaning] of Object.entries(exits)) {
      const commands = meanings.get(code)
      commands?.set(meaning, [...(commands.get(meaning) ?? []), command])
    }
  const items = [...meanings].map(([code, byMeaning]) => {
    const told = [...byMeaning].map(([meaning, names]) => `.Cm ${names.join(' , ')} :\n${meaning}.\n`)
    return `.It ${code}\n${told.length > 0 ? told.join('') : `${capitalized(EXITS[Number(code)] ?? '')}.\n`}`
  })
  return `.Sh EXIT STATUS\n.Bl -tag -width Ds\n${items.join('')}.El\n`
}

it('portward(8) has what each exit code means, from src/commands/help/texts.ts: --update writes it', async () => {
  const page = program.replace(/^\.Sh EXIT STATUS\n.*?(?=^\.Sh )/ms, exitStatus)
  await expect(page).toMatchFileSnapshot(join(checkout, 'man/portward.8'))
})

describe('portward-config.env(5)', () => {
  it.each(VARIABLES.map(({ name }) => name))('has %s', (name) => {
    expect(configuration).toMatch(new RegExp(`^\\.It Ev (?:.* , )?${name}(?: ,|$)`, 'm'))
  })

  it('knows no other variable', () => {
    const told = [...configuration.matchAll(/\b[A-Z]+_[A-Z_]+\b/g)].map(([name]) => name)
    expect(told.filter((name) => !VARIABLES.some((variable) => variable.name === name))).toEqual([])
  })
})

describe.each(['portward.8', 'portward-config.env.5'])('%s', (page) => {
  const path = join(checkout, 'man', page)
  const env = { ...process.env, LC_ALL: 'C.UTF-8', MANROFFSEQ: '', MANWIDTH: '80' }

  it.skipIf(!isInstalled('man'))('is without fault to groff, as man calls it', () => {
    const args = ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', path]
    expect(spawnSync('man', args, { encoding: 'utf8', env })).toMatchObject({ status: 0, stderr: '' })
  })

  it.skipIf(!isInstalled('mandoc'))('is without fault to mandoc', () => {
    const args = ['-T', 'lint', '-W', 'warning', path]
    expect(spawnSync('mandoc', args, { encoding: 'utf8', env })).toMatchObject({ status: 0, stdout: '' })
  })
})
