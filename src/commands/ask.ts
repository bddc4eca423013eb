import type { GlobalOptions } from './output.ts'

/** Asks on the terminal. The prompt library is loaded only here: it is the slowest thing to start. */
export const askWhether = async (message: string, { color }: GlobalOptions): Promise<boolean> => {
  if (!color) process.env['NO_COLOR'] = '1'
  const { default: inquirer } = await import('inquirer')
  try {
    const prompt = inquirer.createPromptModule({ output: process.stderr })
    const { go } = await prompt([{ type: 'confirm', name: 'go', message, default: false }])
    return go === true
  } catch (error) {
    // Ctrl-C at the question is an answer.
    if (error instanceof Error && error.name === 'ExitPromptError') return false
    throw error
  }
}

export const hasTerminal = ({ json }: GlobalOptions): boolean => process.stdin.isTTY === true && !json
