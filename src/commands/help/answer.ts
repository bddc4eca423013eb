import type { Command, CommanderError, Help } from 'commander'
import { renderCommandHelp, renderMainHelp, renderOverview, textOf } from './render.ts'

/** What is printed instead of running a command: help on stdout, or messages on stderr. */
export type Answer = { readonly help: string } | { readonly messages: readonly string[] }

/** The command that the arguments name, also after "help"; the program itself if they name none. */
const namedCommand = (program: Command): Command => {
  const [word] = program.args.filter((argument) => argument !== 'help' && !argument.startsWith('-'))
  return program.commands.find((command) => command.name() === word) ?? program
}

const helpOf = (program: Command, columns: number): Help =>
  Object.assign(program.createHelp(), { helpWidth: columns, minWidthToWrap: 20 })

const renderHelp = (program: Command, columns: number): string => {
  const command = namedCommand(program)
  const help = helpOf(program, columns)
  const text = textOf(command.name())
  return text === undefined ? renderMainHelp(program, help) : renderCommandHelp(command, text, help)
}

/** Answers what commander stopped over: help that was asked for, no command, or a wrong command line. */
export const answer = (error: CommanderError, program: Command, columns: number): Answer => {
  if (error.exitCode === 0) return { help: renderHelp(program, columns) }
  if (program.args.length === 0 && error.code === 'commander.help')
    return { messages: renderOverview(program, helpOf(program, columns)).split('\n') }
  const command = namedCommand(program)
  const name = command === program ? 'portward' : `portward ${command.name()}`
  return { messages: [error.message, `${name} --help shows what is possible`] }
}
