import { CommanderError } from 'commander'
import { HostError } from '../system/host-error.ts'
import { reportingWaits } from '../system/waiting.ts'
import { EXIT, type GlobalOptions, type Output, openOutput, type Terminal } from './output.ts'
import { createProgram } from './program.ts'

/** A failed effect is one line; any other error is a bug, and is reported as one. */
const reportError = (error: unknown, { complain }: Output): void => {
  if (error instanceof HostError) complain(`portward: ${error.message} — ${error.hint}`)
  else if (error instanceof Error && 'syscall' in error) complain(`portward: ${error.message}`)
  else complain(`portward: this is a bug in portward ${PORTWARD_VERSION}: ${error} — please report it`)
}

/** Runs portward with these arguments, without the program's name. Returns the exit code; never throws. */
export const run = async (terminal: Terminal & { readonly argv: readonly string[] }): Promise<number> => {
  let code: number = EXIT.ok
  const program = createProgram(terminal, (exitCode) => {
    code = exitCode
  })
  const output = () => openOutput({ ...program.opts<GlobalOptions>(), terminal })
  try {
    await reportingWaits(
      (text) => output().note(text),
      () => program.parseAsync(terminal.argv, { from: 'user' }),
    )
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    const { verbose } = program.opts<GlobalOptions>()
    reportError(error, output())
    if (verbose && error instanceof Error) output().complain(`${error.stack}`)
    return EXIT.failed
  }
}
