import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { RELEASE_NAMES } from '../policy/release.ts'
import { HostError } from '../system/host-error.ts'
import { LAB_COMMAND } from '../verify/lab/lab-command.ts'
import { type AddCommand, addCommands } from './commands.ts'
import type { CommandName } from './help/texts.ts'
import { type GlobalOptions, openOutput, type Terminal } from './output.ts'
import { showingProgress } from './progress.ts'

/** Checks the options that all commands have. */
const readOptions = async <Options extends GlobalOptions>(
  command: Command,
  terminal: Terminal,
  serverOnly: boolean,
): Promise<Options> => {
  const given: Options = command.optsWithGlobals()
  if (given.root === '' || given.config === '') command.error('--root and --config need a value')
  const root = resolve(given.root)
  if (given.release !== undefined && root === '/') command.error('--release needs --root')
  if (serverOnly && root !== '/')
    command.error(`${command.name()} works on the running server only, not with --root`)
  const { isDirectory } = await import('../system/paths.ts')
  if (!isDirectory(root)) command.error(`${root} is not a directory`)
  return { ...given, root, terminal }
}

/**
 * The command line. A command's own module is loaded when it is run, the texts of help when they are shown (run.ts): what it takes
 * to load all of them is more than the rest of `portward --version`. `finish` gets the command's exit code.
 */
export const createProgram = (terminal: Terminal, finish: (code: number) => void): Command => {
  const program = new Command('portward')
    .option('--config <file>', 'the variables to follow (default: /root/config.env, or $PORTWARD_CONFIG)')
    .option('--root <dir>', 'work on the files of this tree instead of the running server', '/')
    .addOption(
      new Option(
        '--release <name>',
        'with --root: the release of portsentry, for a copy of /etc that does not show it',
      ).choices(RELEASE_NAMES),
    )
    .option('--json', 'print one JSON document on stdout, and nothing else there')
    .option('-q, --quiet', 'print errors and results only')
    .option('-v, --verbose', 'print versions of packages, and failures with the stack trace')
    .option('--no-color', 'print without colours')
    .option('--no-pager', 'print a long result without $PAGER')
    .version(PORTWARD_VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help, or that of a command')
    // The caller prints help and errors, from what commander throws.
    .configureHelp({ formatHelp: () => '' })
    .configureOutput({ writeOut: (text) => terminal.stdout.write(text), outputError: () => {} })
    .exitOverride()

  const add: AddCommand = <Options extends GlobalOptions, Args extends readonly unknown[]>(
    name: CommandName,
    run: (options: Options, ...args: Args) => Promise<number>,
    { serverOnly } = { serverOnly: false },
  ) =>
    program.command(name).action(async (...received) => {
      const { useCodeCache } = await import('../system/code-cache.ts')
      useCodeCache()
      const args = received.slice(0, -2) as unknown as Args
      const options = await readOptions<Options>(received.at(-1), terminal, serverOnly)
      try {
        finish(await showingProgress(options, () => run(options, ...args)))
      } catch (error) {
        if (error instanceof HostError) {
          const { message, hint } = error
          openOutput(options).document(name, { error: { message, hint } })
        }
        throw error
      }
    })

  addCommands(add)
  program.command(LAB_COMMAND, { hidden: true }).action(async () => {
    const { labCommand } = await import('./lab.ts')
    finish(await labCommand(terminal))
  })
  return program
}
