import { readableWords } from '../readable.ts'
import { handlingSignals } from '../system/signals.ts'
import { type GlobalOptions, isColored, type Terminal } from './output.ts'

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

const same = (text: string): string => text

/** The library itself decides about colours by the environment of the process. */
const COLORLESS = {
  prefix: { idle: '?', done: '✔' },
  style: { answer: same, message: same, defaultAnswer: (text: string) => `(${text})` },
}

/** Errors that the library throws when there is no answer: after Ctrl-C, and when it is aborted. */
const NO_ANSWER: readonly string[] = ['ExitPromptError', 'AbortPromptError']

/** Asks on the terminal; no answer means no. The prompt library is loaded only here: it is the slowest to start. */
export const askWhether = async (message: string, options: GlobalOptions): Promise<boolean> => {
  const { terminal } = options
  const { default: confirm } = await import('@inquirer/confirm')
  const ended = new AbortController()
  const stopListening = onEndOfInput(terminal, () => ended.abort())
  const theme = isColored(options, 'stderr') ? {} : COLORLESS
  const streams = { input: terminal.stdin, output: terminal.stderr, signal: ended.signal }
  try {
    return await handlingSignals(
      () => ended.abort(),
      () => confirm({ message: readableWords(message), default: false, theme }, streams),
    )
  } catch (error) {
    if (!(error instanceof Error && NO_ANSWER.includes(error.name))) throw error
    terminal.stderr.write('\n')
    return false
  } finally {
    stopListening()
  }
}

export const hasTerminal = ({ json, terminal }: GlobalOptions): boolean =>
  terminal.stdin.isTTY === true && !json
