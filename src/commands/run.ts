import { type Command, CommanderError } from 'commander'
import { HostError } from '../system/host-error.ts'
import { EXIT, type GlobalOptions, type Output, openOutput, type Terminal } from './output.ts'
import { createProgram } from './program.ts'

/** A failed effect is one line; any other error is a bug, and is reported as one. */
const reportError = (error: unknown, { complain }: Output): void => {
  if (error instanceof HostError) complain(`portward: ${error.message} — ${error.hint}`)
  else if (error instanceof Error && 'syscall' in error) complain(`portward: ${error.message}`)
  else complain(`portward: this is a bug in portward ${PORTWARD_VERSION}: ${error} — please report it`)
}

/** Prints the help that was asked for, or what is wrong with the command line; its texts are loaded only here. */
const explainUsage = async (error: CommanderError, program: Command, terminal: Terminal): Promise<number> => {
  if (error.code === 'commander.version') return EXIT.ok
  const { answer } = await import('./help/answer.ts')
  const output = openOutput({ ...program.opts<GlobalOptions>(), json: false, terminal })
  const { columns } = output.screen
  const answered = answer(error, program, Number.isFinite(columns) ? columns : 80)
  if ('help' in answered) {
    await output.page(answered.help)
    return EXIT.ok
  }
  for (const message of answered.messages) output.complain(message)
  return EXIT.usage
}

/** Runs portward with these arguments, without the program's name. Returns the exit code; never throws. */
export const run = async (terminal: Terminal & { readonly argv: readonly string[] }): Promise<number> => {
  let code: number = EXIT.ok
  const program = createProgram(terminal, (exitCode) => {
    code = exitCode
  })
  const output = () => openOutput({ ...program.opts<GlobalOptions>(), terminal })
  try {
    await program.parseAsync(terminal.argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return explainUsage(error, program, terminal)
    const { verbose } = program.opts<GlobalOptions>()
    reportError(error, output())
    if (verbose && error instanceof Error) output().complain(`${error.stack}`)
    return EXIT.failed
  }
}
