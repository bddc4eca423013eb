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
    ? [`portward: unknown command '${word}'`, 'portward --help lists all commands']
    : [`portward: unknown command '${word}' — ${found}`]
}

const COUNTS = ['no argument', 'one argument']

/** What commander says about a value or about the number of arguments, in plain words. */
const inPlainWords = (message: string, command: Command | undefined): string => {
  const name = command?.name()
  const [, option, value, fault] =
    /^(?:command-argument value|option '(\S+)[^']*' argument) '(.*)' is invalid(?: for argument '\S+')?\. (.*)$/s.exec(
      message,
    ) ?? []
  if (fault !== undefined) {
    const what = fault.replace(/^Allowed choices are (.*)\.$/, 'is not one of $1')
    return `${option === undefined ? '' : `${option} `}"${value}" ${what}`
  }
  const [, count] = /^too many arguments .*Expected (\d+)/.exec(message) ?? []
  if (count !== undefined) {
    const given = command?.args.map((argument) => `"${argument}"`).join(' ')
    return `${name} takes ${COUNTS[Number(count)] ?? `${count} arguments`}, but was given ${given}`
  }
  return message
    .replace(/^missing required argument '(.*)'$/, `${name} needs an $1`)
    .replace(/^option '(\S+) (.*)' argument missing$/, '$1 needs a value: $2')
}

/** For any other command line that is wrong. */
const answerWrong = (text: string, command: Command | undefined): readonly string[] => {
  const name = command?.name()
  const message = inPlainWords(text.replace(/^error: /, ''), command)
  const help = `see portward ${name === undefined ? '' : `${name} `}--help`
  const [, flag] = /^unknown option '(-[^']*)'/.exec(message) ?? []
  const found = flag === undefined ? undefined : answerToOption(name, flag)
  if (found !== undefined) return [`portward: unknown option '${flag}' — ${found}`]
  return [`portward: ${message.replace(/\n\(Did you mean (.*)\)$/, ' — did you mean $1')}`, help]
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
  if (!isHelp) return { messages: answerWrong(error.message, command) }
  if (error.exitCode !== 0) return { messages: renderOverview(program, columns).split('\n') }
  return {
    help: command && text ? renderCommandHelp(command, text, columns) : renderMainHelp(program, columns),
  }
}
