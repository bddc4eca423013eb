import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { FORMATS } from '../plan/formats/report.ts'
import { RELEASE_NAMES } from '../policy/release.ts'
import { HostError } from '../system/host-error.ts'
import { parseDuration } from '../time.ts'
import { LAB_COMMAND } from '../verify/lab/lab-command.ts'
import { canonicalAddress } from './address.ts'
import { type DetectOptions, MODES } from './detect-options.ts'
import type { ApplyOptions } from './execute.ts'
import { type GlobalOptions, openOutput, type Terminal } from './output.ts'
import type { PlanOptions } from './plan.ts'
import type { RollbackOptions } from './rollback.ts'

/** An address in canonical form. */
const parseAddress = (text: string): string => {
  const address = canonicalAddress(text)
  if (address === null) throw new InvalidArgumentError('Not a valid IPv4 or IPv6 address.')
  return address
}

const parseGeneration = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Not the number of a generation.')
  return Number(text)
}

/** Less than the minimum leaves no time to log in; after more than the maximum people have forgotten it. */
const [MIN_CONFIRM_MS, MAX_CONFIRM_MS] = [10_000, 24 * 3_600_000]

const parseConfirmWithin = (text: string): number => {
  const duration = parseDuration(text) ?? 0
  if (duration >= MIN_CONFIRM_MS && duration <= MAX_CONFIRM_MS) return duration
  throw new InvalidArgumentError('Must be from 10s to 24h, such as 5m.')
}

const parseMode = (text: string, previous: readonly string[] = []): readonly string[] => {
  if (!MODES.includes(text)) throw new InvalidArgumentError(`Allowed choices are ${MODES.join(', ')}.`)
  return [...previous, text]
}

/**
 * The command line. A command's own module is loaded when it is run: what it takes to load all of them is more than the rest of
 * `portward --version`. Each command gets all options; `finish` gets its exit code.
 */
export const createProgram = (terminal: Terminal, finish: (code: number) => void): Command => {
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
        'with --root: the release of portsentry, for a copy of /etc that does not show it',
      ).choices(RELEASE_NAMES),
    )
    .option('--json', 'print one JSON document on stdout, and nothing else there')
    .option('--quiet', 'print errors and results only')
    .option('--verbose', 'print failures in full, with the stack trace')
    .option('--no-color', 'print without colours')
    .option('--no-pager', 'print a long result without $PAGER')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => openOutput({ color: false, terminal }).complain(text.trimEnd()),
    })
    .exitOverride()

  /** Checks the options that all commands have. */
  const readOptions = async <Options extends GlobalOptions>(
    command: Command,
    serverOnly: boolean,
  ): Promise<Options> => {
    const given: Options = command.optsWithGlobals()
    if (given.root === '' || given.config === '') command.error('error: --root and --config need a value')
    const root = resolve(given.root)
    if (given.release !== undefined && root === '/') command.error('error: --release needs --root')
    if (serverOnly && root !== '/')
      command.error(`error: ${command.name()} works on the running server only, not with --root`)
    const { isDirectory } = await import('../system/paths.ts')
    if (!isDirectory(root)) command.error(`error: ${root} is not a directory`)
    return { ...given, root, terminal }
  }

  const add = <Options extends GlobalOptions, Args extends readonly unknown[]>(
    name: string,
    summary: string,
    run: (options: Options, ...args: Args) => Promise<number>,
    { serverOnly = false } = {},
  ): Command =>
    program
      .command(name)
      .description(summary)
      .action(async (...received) => {
        const { useCodeCache } = await import('../system/code-cache.ts')
        useCodeCache()
        const args = received.slice(0, -2) as unknown as Args
        const options = await readOptions<Options>(received.at(-1), serverOnly)
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

  add(
    'plan',
    'show exactly what apply would do, as steps and a diff; change nothing',
    async (options: PlanOptions) => (await import('./plan.ts')).planCommand(options),
  )
    .addOption(new Option('--format <format>', 'how to print it (default: text)').choices(FORMATS))
    .hook('preAction', (_, command) => {
      const { json, format } = command.optsWithGlobals()
      if (json && format !== undefined && format !== 'json')
        command.error('error: --json cannot be used with another --format')
      if (format === 'json') command.setOptionValue('json', true)
    })
  add('apply', 'install, configure, restart, verify; ask first', async (options: ApplyOptions) =>
    (await import('./apply.ts')).applyCommand(options),
  )
    .option('--yes', 'do not ask (needed without a terminal)')
    .option('--allow-lockout', 'go on even if an SSH session here is not protected from being banned')
    .option(
      '--confirm-within <time>',
      'roll back unless "portward confirm" is run in time, such as 5m',
      parseConfirmWithin,
    )
    .hook('preAction', (_, command) => {
      const { root, confirmWithin } = command.optsWithGlobals()
      if (confirmWithin !== undefined && resolve(root) !== '/')
        command.error('error: --confirm-within works on the running server only, not with --root')
    })
  add(
    'confirm',
    'keep the changes applied with --confirm-within',
    async (options: GlobalOptions) => (await import('./confirm.ts')).confirmCommand(options),
    { serverOnly: true },
  )
  add(
    'generations',
    'list what earlier applies replaced',
    async (options: GlobalOptions) => (await import('./generations.ts')).generationsCommand(options),
    { serverOnly: true },
  )
  add(
    'rollback',
    'restore what an apply replaced, and all that came after it',
    async (options: RollbackOptions, generation?: number) =>
      (await import('./rollback.ts')).rollbackCommand(options, generation),
    {
      serverOnly: true,
    },
  )
    .argument('[generation]', 'its number: the state before it (default: the latest)', parseGeneration)
    .option('--yes', 'do not ask')
    .option('--force', 'also restore files changed since; the changed ones are kept with the generation')
    .addOption(new Option('--unconfirmed').hideHelp())
  add('status', 'show what runs, in which modes, and what has drifted', async (options: GlobalOptions) =>
    (await import('./status.ts')).statusCommand(options),
  )
  add('bans', 'list banned hosts: since and until when, why, and where', async (options: GlobalOptions) =>
    (await import('./bans.ts')).bansCommand(options),
  )
  add(
    'unban',
    'release addresses wherever they are banned',
    async (options: GlobalOptions, addresses: readonly string[]) =>
      (await import('./unban.ts')).unbanCommand(options, addresses),
  ).argument('<address...>', 'IPv4 or IPv6', (text, previous: readonly string[] = []) => [
    ...new Set([...previous, parseAddress(text)]),
  ])
  add(
    'explain',
    'show what a scan from an address would lead to, and why; send no packet',
    async (options: GlobalOptions, address: string) =>
      (await import('./explain.ts')).explainCommand(options, address),
  ).argument('<address>', 'IPv4 or IPv6', parseAddress)
  add(
    'verify',
    'prove that scanners are banned here and the LAN is not; change nothing',
    async (options: GlobalOptions) => (await import('./verify.ts')).verifyCommand(options),
  )
  add(
    'detect',
    'notice what portsentry would notice, live or in a capture; live, do what it would do',
    async (options: DetectOptions) => (await import('./detect.ts')).detectCommand(options),
  )
    .option('--listen', 'open the configured ports and wait for connections (modes tcp, udp, connect)')
    .option('--interface <interface>', 'watch an interface with tcpdump; any: all of them')
    .option('--pcap <file>', 'read a pcap or pcapng file (-: standard input); always a dry run')
    .addOption(
      new Option('--mode <mode>', "portsentry's mode, may be repeated (default: those of config.env)")
        .choices(MODES)
        .argParser(parseMode),
    )
    .option('--dry-run', 'live: report what would be done, but do nothing')
    .option('--summary', 'report each host at the end, and no decision by itself')
    .option('--in-use <ports>', '--pcap: ports that services had, such as 22/tcp,80,53/udp')
    .option('--address <addresses>', "--pcap: the server's own addresses (default: any destination)")
    .addOption(
      new Option(
        '--method <method>',
        'how portsentry 2.x reads packets in the mode stealth (default: pcap)',
      ).choices(['pcap', 'raw']),
    )
  program.command(LAB_COMMAND, { hidden: true }).action(async () => {
    const { labCommand } = await import('./lab.ts')
    finish(await labCommand(terminal))
  })
  return program
}
