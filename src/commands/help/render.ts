import type { Command, Help, Option } from 'commander'
import { COMMAND_TEXTS, type CommandText, GROUPS } from './texts.ts'

/** Exit codes that mean the same for every command. */
const EVERYWHERE = { 64: 'wrong usage' }

/** "--mode <mode>" with what its description says, and its choices as they are typed. */
const describeOption = ({ description, argChoices }: Option): string =>
  argChoices === undefined ? description : `${description}: ${argChoices.join(', ')}`

const asSentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

type Row = readonly [term: string, text: string]

/** A heading, and rows whose texts are wrapped beside their terms. */
const section = (heading: string, rows: readonly Row[], help: Help, termWidth?: number): string[] => {
  if (rows.length === 0) return []
  const width = termWidth ?? Math.max(...rows.map(([term]) => help.displayWidth(term)))
  return [
    help.styleTitle(`${heading}:`),
    ...rows.map(([term, text]) => help.formatItem(term, width, text, help)),
    '',
  ]
}

const optionRows = (options: readonly Option[], help: Help): Row[] =>
  options.map((option) => [help.styleOptionTerm(help.optionTerm(option)), describeOption(option)])

/** The visible options without --help: whoever reads this has found it. */
const ownOptions = (command: Command): Option[] => command.options.filter(({ hidden }) => !hidden)

const isListed = (name: string): name is keyof typeof COMMAND_TEXTS => Object.hasOwn(COMMAND_TEXTS, name)

export const textOf = (name: string): CommandText | undefined =>
  isListed(name) ? COMMAND_TEXTS[name] : undefined

/** In ascending order, as JavaScript keeps keys that are numbers. */
const listExits = (exits: CommandText['exits']): string =>
  Object.entries({ ...exits, ...EVERYWHERE })
    .map(([code, meaning]) => `${code} ${meaning}`)
    .join('; ')

/** `portward COMMAND --help` at this width: one screen of 80 columns and 24 lines. */
export const renderCommandHelp = (command: Command, text: CommandText, help: Help): string => {
  const columns = help.helpWidth ?? 80
  const fill = (line: string) => help.boxWrap(line, columns)
  const examples = text.examples.map(
    ([line, purpose]): Row => [help.styleCommandText(`portward ${line}`), purpose],
  )
  const shown = command.registeredArguments.map(
    (argument): Row => [help.styleArgumentTerm(argument.name()), help.argumentDescription(argument)],
  )
  return [
    fill(`${help.styleTitle('Usage:')} ${help.styleUsage(help.commandUsage(command))}`),
    '',
    fill(asSentence(text.summary)),
    '',
    ...section('Options', [...shown, ...optionRows(ownOptions(command), help)], help),
    ...section('Examples', examples, help),
    fill(`${help.styleTitle('Exit codes:')} ${listExits(text.exits)}`),
    fill(`${help.styleTitle('Global options:')} portward --help; manual: man portward`),
    '',
  ].join('\n')
}

/** The commands under the headings of their groups. */
const listCommands = (program: Command, help: Help): string[] => {
  const known = program.commands.flatMap((command) => {
    const text = textOf(command.name())
    return text === undefined ? [] : [{ command, text }]
  })
  const rows = (group: string): Row[] =>
    known
      .filter(({ text }) => text.group === group)
      .map(({ command, text }) => {
        const args = command.registeredArguments.map(
          (each) => ` ${each.required ? each.name() : `[${each.name()}]`}`,
        )
        return [help.styleSubcommandTerm(`${command.name()}${args.join('')}`), text.summary]
      })
  const width = Math.max(...GROUPS.flatMap(rows).map(([term]) => help.displayWidth(term)))
  return GROUPS.flatMap((group) => section(group, rows(group), help, width))
}

const FILES: readonly Row[] = [
  ['/root/config.env', 'what this server is to be: man portward-config.env'],
  ['/var/lib/portward', 'what earlier applies replaced, for rollback'],
]

const EXITS: readonly Row[] = [
  ['0', 'done; plan: in sync'],
  ['1', 'failed, or declined; verify: a check failed'],
  ['2', 'plan: changes are pending'],
  ['64', 'wrong usage'],
  ['78', 'wrong configuration'],
]

/** `portward --help`. */
export const renderMainHelp = (program: Command, help: Help): string => {
  const columns = help.helpWidth ?? 80
  const fill = (line: string) => help.boxWrap(line, columns)
  return [
    ...renderStart(program, help),
    ...section(
      'Global options, before or after the command',
      optionRows(help.visibleOptions(program), help),
      help,
    ),
    ...section('Exit codes', EXITS, help),
    ...section('Files', FILES, help),
    fill('portward COMMAND --help tells of one command, man portward of all.'),
    '',
  ].join('\n')
}

const renderStart = (program: Command, help: Help): string[] => [
  `${help.styleTitle('Usage:')} portward [options] <command>`,
  '',
  help.boxWrap(
    'Make a Debian server ban port scanners with stock portsentry and fail2ban, from a config.env.',
    help.helpWidth ?? 80,
  ),
  '',
  ...listCommands(program, help),
]

/** For `portward` alone. */
export const renderOverview = (program: Command, help: Help): string =>
  [...renderStart(program, help), 'Options, exit codes and files: portward --help', ''].join('\n')
