import { readableWords } from '../readable.ts'
import { paint, type Style, styled, withoutStyles } from '../styled.ts'
import { handlingSignals } from '../system/signals.ts'
import { type GlobalOptions, inLocale, isColored, type Terminal } from './output.ts'

// Questions on the terminal. The library is loaded only here: it is the slowest to start.

/** Calls `end` when no more input can come: Ctrl-D, or the terminal was closed. Returns a function that stops listening. */
const onEndOfInput = ({ stdin }: Terminal, end: () => void): (() => void) => {
  const onKey = (_: unknown, key?: { readonly ctrl?: boolean; readonly name?: string }) => {
    if (key?.ctrl && key.name === 'd') end()
  }
  stdin.on('keypress', onKey).on('end', end).on('close', end)
  return () => {
    stdin.off('keypress', onKey).off('end', end).off('close', end)
  }
}

/** How the questions look. The library itself decides about colours by the environment of the process. */
const themeOf = (options: GlobalOptions) => {
  const isPainted = isColored(options, 'stderr')
  const inStyle = (style: Style) => (text: string) => (isPainted ? paint(styled(style, text)) : text)
  return {
    prefix: { idle: inStyle('cyan')('?'), done: inStyle('green')(inLocale('✔', options.terminal.env)) },
    icon: { cursor: '>', checked: inStyle('green')(' [x]'), unchecked: ' [ ]' },
    style: {
      answer: inStyle('cyan'),
      message: inStyle('bold'),
      highlight: inStyle('cyan'),
      description: inStyle('dim'),
      error: inStyle('red'),
      defaultAnswer: (text: string) => inStyle('dim')(`(${text})`),
      renderSelectedChoices: (chosen: readonly { readonly short: string }[]) =>
        chosen.length === 0 ? 'none' : chosen.map(({ short }) => short).join(', '),
    },
  }
}

/** Text that may quote files and the kernel, whose names of interfaces can have any character. */
const shownBy =
  ({ terminal: { env } }: GlobalOptions) =>
  (text: string): string =>
    inLocale(withoutStyles(readableWords(text)), env)

type Theme = ReturnType<typeof themeOf>

/** What the library needs to ask on this terminal. */
interface Context {
  readonly input: Terminal['stdin']
  readonly output: Terminal['stderr']
  readonly signal: AbortSignal
}

/** An answer; null: there was none. */
type Answer<T> = { readonly answer: T } | null

/** Errors that the library throws when there is no answer: after Ctrl-C, and when it is aborted. */
const NO_ANSWER: readonly string[] = ['ExitPromptError', 'AbortPromptError']

const ask = async <T>(
  options: GlobalOptions,
  prompt: (theme: Theme, context: Context) => Promise<T>,
): Promise<Answer<T>> => {
  const { terminal } = options
  const ended = new AbortController()
  const stopListening = onEndOfInput(terminal, () => ended.abort())
  const context = { input: terminal.stdin, output: terminal.stderr, signal: ended.signal }
  try {
    return {
      answer: await handlingSignals(
        () => ended.abort(),
        () => prompt(themeOf(options), context),
      ),
    }
  } catch (error) {
    if (!(error instanceof Error && NO_ANSWER.includes(error.name))) throw error
    terminal.stderr.write('\n')
    return null
  } finally {
    stopListening()
  }
}

/** Asks a question; no answer means no. `usual`: what Enter means. */
export const askWhether = async (
  message: string,
  options: GlobalOptions,
  usual = false,
): Promise<boolean> => {
  const { default: confirm } = await import('@inquirer/confirm')
  const found = await ask(options, (theme, context) =>
    confirm({ message: shownBy(options)(message), default: usual, theme }, context),
  )
  return found?.answer ?? false
}

/** What can be chosen; `description` is shown for the one that the cursor is at. */
export interface Choosable<T> {
  readonly value: T
  readonly name: string
  readonly description?: string
  readonly checked?: boolean
}

const PAGE_SIZE = 12

const showChoices = <T>(choices: readonly Choosable<T>[], show: (text: string) => string): Choosable<T>[] =>
  choices.map(({ name, description, ...rest }) => ({
    ...rest,
    name: show(name),
    ...(description === undefined ? {} : { description: show(description) }),
  }))

/** Has one of them chosen; the cursor is at the first. */
export const askOne = async <T>(
  message: string,
  choices: readonly Choosable<T>[],
  options: GlobalOptions,
): Promise<Answer<T>> => {
  const { default: select } = await import('@inquirer/select')
  const show = shownBy(options)
  const shown = { message: show(message), choices: showChoices(choices, show) }
  const instructions = { navigation: '(arrow keys, then Enter)', pager: '(arrow keys, then Enter)' }
  return ask(options, (theme, context) =>
    select<T>({ ...shown, theme, instructions, pageSize: PAGE_SIZE, loop: false }, context),
  )
}

/** Has any number of them chosen. */
export const askMany = async <T>(
  message: string,
  choices: readonly Choosable<T>[],
  options: GlobalOptions,
): Promise<Answer<T[]>> => {
  const { default: checkbox } = await import('@inquirer/checkbox')
  const show = shownBy(options)
  const shown = { message: show(message), choices: showChoices(choices, show) }
  const instructions = '(arrow keys, Space to change, Enter to go on)'
  return ask(options, (theme, context) =>
    checkbox<T>({ ...shown, theme, instructions, pageSize: PAGE_SIZE, loop: false }, context),
  )
}

/** Has a line typed; `check` returns what is wrong with it, or null. */
export const askText = async (
  message: string,
  check: (text: string) => string | null,
  options: GlobalOptions,
): Promise<Answer<string>> => {
  const { default: input } = await import('@inquirer/input')
  const show = shownBy(options)
  const validate = (text: string): string | true => {
    const fault = check(text)
    return fault === null ? true : show(fault)
  }
  return ask(options, (theme, context) => input({ message: show(message), theme, validate }, context))
}

export const hasTerminal = ({ json, terminal }: GlobalOptions): boolean =>
  terminal.stdin.isTTY === true && !json
