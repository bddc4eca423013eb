import type { Command, Option } from 'commander'
import { heading, type Row, termLines } from '../../layout.ts'
import { styled, wrap } from '../../styled.ts'
import { COMMAND_TEXTS, type CommandText, EXITS, FILES, GROUPS } from './texts.ts'

/** An option with its choices as they are typed. */
const optionRow = ({ flags, description, argChoices }: Option): Row => [
  flags,
  argChoices === undefined ? description : `${description}: ${argChoices.join(', ')}`,
]

const asSentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

/** "Exit codes: 0 in sync; 1 …": broken only between two codes. */
const listExits = (exits: CommandText['exits'], columns: number): string => {
  const title = 'Exit codes:'
  // JavaScript keeps keys that are numbers in ascending order.
  const items = Object.entries({ ...exits, 64: EXITS[64] }).map(([code, meaning]) => `${code} ${meaning}`)
  const line = `${title} ${items.map((item) => item.replaceAll(' ', '\u00a0')).join('; ')}`
  return wrap(line, columns, title.length + 1)
    .replaceAll('\u00a0', ' ')
    .replace(title, styled('bold', title))
}

const isListed = (name: string): name is keyof typeof COMMAND_TEXTS => Object.hasOwn(COMMAND_TEXTS, name)

/** Undefined for the program itself, and for commands that are not for people. */
export const textOf = (name: string): CommandText | undefined =>
  isListed(name) ? COMMAND_TEXTS[name] : undefined

/** `portward COMMAND --help`: with 80 columns it fits in 24 lines. */
export const renderCommandHelp = (command: Command, text: CommandText, columns: number): string => {
  const args = command.registeredArguments.map((each): Row => [each.name(), each.description])
  const options = command.options.filter(({ hidden }) => !hidden).map(optionRow)
  const title = args.length === 0 ? 'Options' : options.length === 0 ? 'Arguments' : 'Arguments and options'
  const examples = text.examples.map(([line, purpose]): Row => [`portward ${line}`, purpose])
  return [
    wrap(`${heading('Usage')} portward ${command.name()} ${command.usage()}`, columns, 7),
    '',
    wrap(asSentence(text.summary), columns),
    '',
    ...termLines(title, [...args, ...options], columns),
    ...termLines('Examples', examples, columns),
    listExits(text.exits, columns),
    `${heading('Global options')} portward --help`,
    '',
  ].join('\n')
}

/** The commands under the headings of their groups. */
const listCommands = (program: Command, columns: number): string[] => {
  const known = program.commands.flatMap((command) => {
    const text = textOf(command.name())
    return text === undefined ? [] : [{ name: command.name(), text }]
  })
  const width = Math.max(...known.map(({ name }) => name.length))
  return GROUPS.flatMap((group) => {
    const members = known.filter(({ text }) => text.group === group)
    return termLines(
      group,
      members.map(({ name, text }): Row => [name, text.summary]),
      columns,
      width,
    )
  })
}

const renderStart = (program: Command, columns: number): string[] => [
  `${heading('Usage')} portward [options] <command>`,
  '',
  wrap(
    'Make a Debian server ban port scanners with stock portsentry and fail2ban, from a config.env.',
    columns,
  ),
  '',
  ...listCommands(program, columns),
]

/** For `portward` alone: what it is, and its commands. */
export const renderOverview = (program: Command, columns: number): string =>
  [
    ...renderStart(program, columns),
    `${heading('More')} portward <command> --help, portward --help, man portward`,
    '',
  ].join('\n')

/** `portward --help`: its commands, and what all of them have in common. */
export const renderMainHelp = (program: Command, columns: number): string => {
  const options = program.createHelp().visibleOptions(program)
  return [
    ...renderStart(program, columns),
    ...termLines('Global options, before or after the command', options.map(optionRow), columns),
    ...termLines('Exit codes', Object.entries(EXITS), columns),
    ...termLines('Files', FILES, columns),
    `${heading('More')} portward <command> --help, man portward, man portward-config.env`,
    '',
  ].join('\n')
}
