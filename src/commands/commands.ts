import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { DIFFS, FORMATS } from '../plan/formats/report.ts'
import type { BanOptions } from './ban.ts'
import { type DetectOptions, MODES } from './detect-options.ts'
import type { ApplyOptions } from './execute.ts'
import type { CommandName } from './help/texts.ts'
import type { InitOptions } from './init-answers.ts'
import type { MetricsOptions } from './metrics.ts'
import {
  parseAddress,
  parseAddresses,
  parseBanTime,
  parseConfirmWithin,
  parseGeneration,
  parseMode,
  parseTime,
} from './option-values.ts'
import type { GlobalOptions } from './output.ts'
import type { PlanOptions } from './plan.ts'
import type { RefreshOptions } from './refresh.ts'
import type { ReportOptions } from './report.ts'
import type { RollbackOptions } from './rollback.ts'
import type { StatusOptions } from './status.ts'

/** `run` gets all options, those of all commands included, and returns the exit code. */
export type AddCommand = <Options extends GlobalOptions, Args extends readonly unknown[]>(
  name: CommandName,
  run: (options: Options, ...args: Args) => Promise<number>,
  limits?: { readonly serverOnly: boolean },
) => Command

const serverOnly = { serverOnly: true }

const DIFF_HELP = 'whose changed lines to show (default: folded)'

/**
 * Each command with its arguments and options; its own module is loaded when it is run. What `--help` says beside that is in
 * help/texts.ts.
 */
export const addCommands = (add: AddCommand): void => {
  add('init', async (options: InitOptions) => (await import('./init.ts')).initCommand(options))
    .option('--defaults', 'take every proposed answer without asking')
    .option('--lan <address>', "this server's in its LAN, with the prefix: 192.168.1.10/24")
    .option('--no-lan', 'there is no LAN, as on a VPS')
    .option('--whitelist <list>', 'other networks and hosts that are never banned')
    .option('--untrusted <list>', 'networks of this server that are banned like any other')
    .option('-y, --yes', 'do not ask; needed to change an existing file without a terminal')
  add('plan', async (options: PlanOptions) => (await import('./plan.ts')).planCommand(options))
    .addOption(new Option('--format <format>', 'how to print it (default: text)').choices(FORMATS))
    .addOption(new Option('--diff <files>', DIFF_HELP).choices(DIFFS))
    .hook('preAction', (_, command) => {
      const { json, format, diff } = command.optsWithGlobals()
      if (json && format !== undefined && format !== 'json')
        command.error('--json cannot be used with another --format')
      if (diff !== undefined && (json || (format ?? 'text') !== 'text'))
        command.error('--diff can be used with --format text only')
      if (format === 'json') command.setOptionValue('json', true)
    })
  add('apply', async (options: ApplyOptions) => (await import('./apply.ts')).applyCommand(options))
    .option('-y, --yes', 'do not ask (needed without a terminal)')
    .addOption(new Option('--diff <files>', DIFF_HELP).choices(DIFFS))
    .option('--allow-lockout', 'go on even if an SSH session here could be banned')
    .option(
      '--confirm-within <time>',
      'roll back unless confirmed in this time, such as 5m',
      parseConfirmWithin,
    )
    .hook('preAction', (_, command) => {
      const { root, confirmWithin } = command.optsWithGlobals()
      if (confirmWithin !== undefined && resolve(root) !== '/')
        command.error('--confirm-within works on the running server only, not with --root')
    })
  add(
    'confirm',
    async (options: GlobalOptions) => (await import('./confirm.ts')).confirmCommand(options),
    serverOnly,
  )
  add(
    'refresh',
    async (options: RefreshOptions) => (await import('./refresh.ts')).refreshCommand(options),
    serverOnly,
  ).option('--dry-run', 'show what would change, and change nothing')
  add('status', async (options: StatusOptions) =>
    (await import('./status.ts')).statusCommand(options),
  ).option('--check', 'print one line; exit 2 if a daemon is down or anything has drifted')
  add('verify', async (options: GlobalOptions) => (await import('./verify.ts')).verifyCommand(options))
  add('metrics', async (options: MetricsOptions) => (await import('./metrics.ts')).metricsCommand(options))
    .option('--output <file>', 'write them there as a whole, for node_exporter')
    .hook('preAction', (_, command) => {
      if (command.optsWithGlobals()['json'])
        command.error('--json cannot be used: metrics have a format of their own')
    })
  add('explain-problem', async (options: GlobalOptions, codes: readonly string[]) =>
    (await import('./explain-problem.ts')).explainProblemCommand(options, codes),
  ).argument('[code...]', 'of problems, and of checks of verify (default: list all)')
  add('bans', async (options: GlobalOptions) => (await import('./bans.ts')).bansCommand(options))
  add('report', async (options: ReportOptions) => (await import('./report.ts')).reportCommand(options))
    .option('--since <time>', 'from then on: 24h, 7d, "2026-11-01 18:00" (default: 30d)', parseTime)
    .option('--until <time>', 'up to then (default: now)', parseTime)
    .option('--html <file>', 'write it as a page that needs no network')
    .addOption(new Option('--send', 'send a summary to those in NOTIFY').conflicts('html'))
    .hook('preAction', (_, command) => {
      const { root, send } = command.optsWithGlobals()
      if (send && resolve(root) !== '/')
        command.error('--send works on the running server only, not with --root')
    })
  add('explain', async (options: GlobalOptions, address: string) =>
    (await import('./explain.ts')).explainCommand(options, address),
  ).argument('<address>', 'IPv4 or IPv6', parseAddress)
  add(
    'ban',
    async (options: BanOptions, addresses: readonly string[]) =>
      (await import('./ban.ts')).banCommand(options, addresses),
    serverOnly,
  )
    .usage('<address...> | --file <file> [options]')
    .argument('[address...]', 'IPv4 or IPv6', parseAddresses)
    .option('--file <file>', 'those of a list (-: standard input)')
    .option('--for <time>', 'for that long: 12h, 1d, permanent (default: as the jail does)', parseBanTime)
    .option('--reason <text>', 'shown by bans and explain')
    .option('--dry-run', 'only say what would be done')
    .hook('preAction', (_, command) => {
      if (command.args.length > 0 === (command.opts()['file'] !== undefined))
        command.error('ban needs addresses, or --file with a list of them')
    })
  add('unban', async (options: GlobalOptions, addresses: readonly string[]) =>
    (await import('./unban.ts')).unbanCommand(options, addresses),
  ).argument('<address...>', 'IPv4 or IPv6', parseAddresses)
  add(
    'generations',
    async (options: GlobalOptions) => (await import('./generations.ts')).generationsCommand(options),
    serverOnly,
  )
  add(
    'rollback',
    async (options: RollbackOptions, generation?: number) =>
      (await import('./rollback.ts')).rollbackCommand(options, generation),
    serverOnly,
  )
    .argument('[generation]', 'restore the state before it (default: the latest)', parseGeneration)
    .option('-y, --yes', 'do not ask')
    .option('--force', 'also restore files changed since, and keep the changed ones')
    .addOption(new Option('--unconfirmed').hideHelp())
  add('detect', async (options: DetectOptions) => (await import('./detect.ts')).detectCommand(options))
    .usage('--listen | --interface <name> | --pcap <file> [options]')
    .option('--listen', 'open the configured ports and wait for connections')
    .option('--interface <name>', 'watch an interface with tcpdump; any: all of them')
    .option('--pcap <file>', 'read a capture (-: standard input); always a dry run')
    .addOption(
      new Option('--mode <mode>', 'instead of those of config.env; may be repeated')
        .choices(MODES)
        .argParser(parseMode),
    )
    .option('--dry-run', 'live: report what would be done, and do nothing')
    .option('--summary', 'report each host once, at the end')
    .option('--in-use <ports>', '--pcap: ports that had services: 22/tcp,80,53/udp')
    .option('--address <addresses>', "--pcap: the server's own (default: any destination)")
    .addOption(
      new Option('--method <method>', "portsentry 2.x's, for the mode stealth").choices(['pcap', 'raw']),
    )
}
