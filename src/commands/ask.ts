import { handlingSignals } from '../host/signals.ts'
import { readableWords } from '../readable.ts'
import type { GlobalOptions } from './output.ts'

/** Calls `end` when nobody can answer any more: Ctrl-D, or a terminal that has gone. Returns how to stop listening. */
const onEndOfInput = (end: () => void): (() => void) => {
  const onKey = (_: unknown, key?: { readonly ctrl?: boolean; readonly name?: string }) => {
    if (key?.ctrl && key.name === 'd') end()
  }
  process.stdin.on('keypress', onKey).on('end', end).on('close', end)
  return () => {
    process.stdin.off('keypress', onKey).off('end', end).off('close', end)
  }
}

/** What inquirer throws where there is no answer: over Ctrl-C, and when it is told to stop. */
const NO_ANSWER: readonly string[] = ['ExitPromptError', 'AbortPromptError']

/**
 * Asks on the terminal; no answer means no. The prompt library is loaded only here: it is the slowest thing to start.
 */
export const askWhether = async (message: string, { color }: GlobalOptions): Promise<boolean> => {
  if (!color) process.env['NO_COLOR'] = '1'
  const { default: inquirer } = await import('inquirer')
  const ended = new AbortController()
  const stopListening = onEndOfInput(() => ended.abort())
  try {
    const prompt = inquirer.createPromptModule({ output: process.stderr, signal: ended.signal })
    const ask = () =>
      prompt([{ type: 'confirm', name: 'go', message: readableWords(message), default: false }])
    const { go } = await handlingSignals(() => ended.abort(), ask)
    return go === true
  } catch (error) {
    if (error instanceof Error && NO_ANSWER.includes(error.name)) {
      process.stderr.write('\n')
      return false
    }
    throw error
  } finally {
    stopListening()
  }
}

export const hasTerminal = ({ json }: GlobalOptions): boolean => process.stdin.isTTY === true && !json
