import type { Command, CommanderError } from 'commander'
import { nearest } from '../../edit-distance.ts'
import { renderCommandHelp, renderMainHelp, renderOverview, textOf } from './render.ts'
import { answerToOption, answerToWord } from './words.ts'

/** What is printed instead of running a command: help on stdout, or messages on stderr. */
export type Answer = { readonly help: string } | { readonly messages: readonly string[] }

/** The word in the place of the command, also after "help"; undefined if there is none. */
const commandWord = (program: Command): string | undefined =>
  program.args.find((argument) => argument !== 'help' && !argument.startsWith('-'))

/** For a command that does not exist. */
const answerUnknown = (word: string, program: Command): readonly string[] => {
  const names = program.commands.map((command) => command.name()).filter((name) => textOf(name) !== undefined)
  const near = nearest(word, names)
  const found = answerToWord(word) ?? (near.length > 0 ? `did you mean ${near.join(' or ')}?` : undefined)
  return found === undefined
    ? [`error: unknown command '${word}'`, 'portward --help lists all commands']
    : [`error: unknown command '${word}' — ${found}`]
}

/** For any other command line that is wrong. */
const answerWrong = (message: string, name: string | undefined): readonly string[] => {
  const help = `see portward ${name === undefined ? '' : `${name} `}--help`
  const [, flag] = /^error: unknown option '(-[^']*)'/.exec(message) ?? []
  const found = flag === undefined ? undefined : answerToOption(name, flag)
  if (found !== undefined) return [`error: unknown option '${flag}' — ${found}`]
  return [message.replace(/\n\(Did you mean (.*)\)$/, ' — did you mean $1'), help]
}

/** Answers what commander stopped over: help that was asked for, no command, or a wrong command line. */
export const answer = (error: CommanderError, program: Command, columns: number): Answer => {
  const word = commandWord(program)
  const command = program.commands.find((each) => each.name() === word)
  const text = command && textOf(command.name())
  const isHelp = error.code === 'commander.help' || error.code === 'commander.helpDisplayed'
  // Asked for help on a command that does not exist, commander shows that of the program.
  if (word !== undefined && text === undefined && (isHelp || error.code === 'commander.unknownCommand'))
    return { messages: answerUnknown(word, program) }
  if (!isHelp) return { messages: answerWrong(error.message, command?.name()) }
  if (error.exitCode !== 0) return { messages: renderOverview(program, columns).split('\n') }
  return {
    help: command && text ? renderCommandHelp(command, text, columns) : renderMainHelp(program, columns),
  }
}
