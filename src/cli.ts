import { resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { canonicalAddress } from './commands/address.ts'
import { applyCommand } from './commands/apply.ts'
import { bansCommand } from './commands/bans.ts'
import { confirmCommand } from './commands/confirm.ts'
import { detectCommand } from './commands/detect.ts'
import { MODES } from './commands/detect-options.ts'
import { parseDuration } from './commands/duration.ts'
import { explainCommand } from './commands/explain.ts'
import { generationsCommand } from './commands/generations.ts'
import { labCommand } from './commands/lab.ts'
import { complain, EXIT, type GlobalOptions, openOutput } from './commands/output.ts'
import { planCommand } from './commands/plan.ts'
import { rollbackCommand } from './commands/rollback.ts'
import { statusCommand } from './commands/status.ts'
import { unbanCommand } from './commands/unban.ts'
import { verifyCommand } from './commands/verify.ts'
import { HostError } from './host/host-error.ts'
import { isDirectory } from './host/paths.ts'
import { FORMATS } from './plan/formats/format.ts'
import { RELEASES } from './policy/find-release.ts'
import { LAB_COMMAND } from './verify/lab/laboratory.ts'

/** An address in canonical text. Wrong usage where it is none. */
const addressArgument = (text: string): string => {
  const address = canonicalAddress(text)
  if (address === null) throw new InvalidArgumentError('It is no IPv4 or IPv6 address.')
  return address
}

/** The number of a generation. Wrong usage where it is none. */
const generationArgument = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is not the number of a generation.')
  return Number(text)
}

/** A time in ms. Wrong usage where it is none. */
const durationArgument = (text: string): number => {
  const duration = parseDuration(text)
  if (duration === null) throw new InvalidArgumentError('Give 10s to 24h, such as 5m.')
  return duration
}

/** One more of portsentry's modes. Wrong usage where it is none. */
const modeArgument = (text: string, before: readonly string[] = []): readonly string[] => {
  if (!MODES.includes(text)) throw new InvalidArgumentError(`Allowed choices are ${MODES.join(', ')}.`)
  return [...before, text]
}

/** The command line; each command is given all options and answers with its exit code. */
const buildProgram = (finish: (code: number) => void): Command => {
  const program = new Command('portward')
    .description(
      'Make a Debian server ban port scanners with stock portsentry and fail2ban, from a config.env.',
    )
    .version(PORTWARD_VERSION)
    .option('--config <file>', 'the variables to follow (default: /root/config.env, or $PORTWARD_CONFIG)')
    .option('--root <dir>', 'work on the files of this tree instead of the running server', '/')
    .addOption(
      new Option(
        '--release <name>',
        "--root: whose portsentry this is, for a copy of /etc that doesn't tell",
      ).choices(RELEASES.map(({ name }) => name)),
    )
    .option('--json', 'print one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print errors and results only')
    .option('--verbose', 'print what failed in full, with the stack')
    .option('--no-color', 'print without colours')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: (text) => complain(text.trimEnd()) })
    .exitOverride()

  const add = <Options extends GlobalOptions, Args extends readonly unknown[]>(
    name: string,
    summary: string,
    run: (options: Options, ...args: Args) => Promise<number>,
  ): Command =>
    program
      .command(name)
      .description(summary)
      .action(async (...received) => {
        const command: Command = received.at(-1)
        const args = received.slice(0, -2) as unknown as Args
        const given: Options = command.optsWithGlobals()
        if (given.root === '' || given.config === '') command.error('error: --root and --config need a value')
        const options: Options = { ...given, root: resolve(given.root) }
        if (given.release !== undefined && options.root === '/')
          command.error('error: --release is for a tree, and needs --root')
        if (!(await isDirectory(options.root))) command.error(`error: ${options.root} is not a directory`)
        try {
          finish(await run(options, ...args))
        } catch (error) {
          if (error instanceof HostError) {
            const { message, hint } = error
            openOutput(options).document(name, { error: { message, hint } })
          }
          throw error
        }
      })

  add('plan', 'say exactly what apply would do, as steps and a diff; touch nothing', planCommand)
    .addOption(new Option('--format <format>', 'how to print it (default: text)').choices(FORMATS))
    .hook('preAction', (_, command) => {
      const { json, format } = command.optsWithGlobals()
      if (json && format !== undefined && format !== 'json')
        command.error('error: --json does not go with another --format')
      if (format === 'json') command.setOptionValue('json', true)
    })
  add('apply', 'install, configure, restart, verify; ask first', applyCommand)
    .option('--yes', 'do not ask (needed where there is no terminal)')
    .option('--allow-lockout', 'go on though an SSH session here is not protected from being banned')
    .option(
      '--confirm-within <time>',
      'roll back unless "portward confirm" is run in time, such as 5m',
      durationArgument,
    )
    .hook('preAction', (_, command) => {
      const { root, confirmWithin } = command.optsWithGlobals()
      if (confirmWithin !== undefined && root !== '/')
        command.error('error: --confirm-within is for a running server, not for a tree')
    })
  add('confirm', 'let stay what was applied with --confirm-within', confirmCommand)
  add('generations', 'list what earlier applies replaced', generationsCommand)
  add('rollback', 'give back what an apply replaced, and all that came after it', rollbackCommand)
    .argument('[generation]', 'its number: the state before it (default: the latest)', generationArgument)
    .option('--yes', 'do not ask')
    .option('--force', 'also where others have changed the files since; theirs are kept with the generation')
    .addOption(new Option('--unconfirmed').hideHelp())
  add('status', 'show what runs, in which modes, and what has drifted', statusCommand)
  add('bans', 'list who is banned, since and until when, why, and where', bansCommand)
  add('unban', 'release addresses wherever they are banned', unbanCommand).argument(
    '<address...>',
    'IPv4 or IPv6',
    (text, before: readonly string[] = []) => [...new Set([...before, addressArgument(text)])],
  )
  add(
    'explain',
    'say what a scan from an address would lead to, and why; send no packet',
    explainCommand,
  ).argument('<address>', 'IPv4 or IPv6', addressArgument)
  add(
    'verify',
    'prove that scanners are banned here and the LAN is not, without touching anything',
    verifyCommand,
  )
  add(
    'detect',
    'notice what portsentry would notice, live or in a capture; live, do what it would do',
    detectCommand,
  )
    .option('--listen', 'open the configured ports and wait for connections (modes tcp, udp, connect)')
    .option('--interface <name>', 'watch an interface with tcpdump; any: all of them')
    .option('--pcap <file>', 'read a pcap or pcapng file (-: standard input); always a dry run')
    .option(
      '--mode <mode>',
      "portsentry's mode, may be repeated (default: those of config.env)",
      modeArgument,
    )
    .option('--dry-run', 'live: say what would be done, and do nothing')
    .option('--in-use <ports>', '--pcap: ports that services had, such as 22/tcp,80,53/udp')
    .option('--address <addresses>', "--pcap: the server's own addresses (default: any destination)")
    .addOption(
      new Option(
        '--method <method>',
        'how portsentry 2.x reads packets in the mode stealth (default: pcap)',
      ).choices(['pcap', 'raw']),
    )
  program.command(LAB_COMMAND, { hidden: true }).action(async () => finish(await labCommand()))
  return program
}

/** A failed effect is told in a line; anything else is a bug and says so, with its stack. */
const report = (error: unknown, verbose: boolean): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof HostError) complain(`portward: ${error.message} — ${error.hint}`)
  else if (error instanceof Error && 'syscall' in error) complain(`portward: ${error.message}`)
  else complain(`portward: this is a bug in portward ${PORTWARD_VERSION}: ${error} — please report it`)
  if (verbose && error instanceof Error) complain(`${error.stack}`)
  return EXIT.failed
}

// A reader who has gone, or a terminal that hung up, must not end an apply half-way: it goes on without them.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

try {
  await buildProgram((code) => {
    process.exitCode = code
  }).parseAsync()
} catch (error) {
  process.exitCode = report(error, process.argv.includes('--verbose'))
}
