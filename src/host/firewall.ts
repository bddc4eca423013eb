import { existsSync } from 'node:fs'
import { readFile, rm, stat } from 'node:fs/promises'
import {
  BAN_CHAINS,
  type Ban,
  failureOf,
  parseChainBans,
  parseNftBans,
  parseRouteBans,
  ROUTE_TYPES,
} from '../policy/bans.ts'
import type { LiveFacts, Verdict } from '../policy/facts.ts'
import { ACTIVE_UNITS, FIREWALL, FIREWALL_RUN, FIREWALL_UNIT, SYNC_UNIT } from '../policy/firewall.ts'
import { type InputRules, parseInputRules, redoCommands } from '../policy/redo-bans.ts'
import type { Settings } from '../settings/settings.ts'
import { effect } from './effect.ts'
import { HostError } from './host-error.ts'
import { run, tryRun } from './process.ts'

type Init = LiveFacts['init']

/** What a program prints; nothing where it is missing or has nothing by that name. */
const printed = async (program: string, ...args: string[]): Promise<string> => {
  const { exitCode, stdout } = await tryRun(program, args)
  return exitCode === 0 ? stdout : ''
}

export interface Firewall {
  /** Hosts that are banned by rules of INPUT, in portward's own chain or sets, and by routes that lead nowhere. */
  readonly bans: readonly Ban[]
  /** What INPUT does with IPv4 packets that no rule has decided; null without root or iptables. */
  readonly inputPolicy: string | null
  /** Why there may be more bans; null: all of it was read. */
  readonly unread: string | null
}

/** What the kernel bans now, as far as it is portsentry's kind of ban. */
export const readFirewall = async (): Promise<Firewall> => {
  const failures: string[] = []
  // Where IPv6 is switched off, nothing of it can be banned, and its programs fail.
  const hasIPv6 = existsSync('/proc/net/if_inet6')
  const asked = async (program: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await tryRun(program, args)
    const failure = failureOf(program, exitCode, stderr)
    if (failure !== null && (hasIPv6 || !(program === 'ip6tables' || args.includes('-6'))))
      failures.push(failure)
    return exitCode === 0 ? stdout : ''
  }
  const input = asked('iptables', '-w', '-S', 'INPUT')
  const chains = (['iptables', 'ip6tables'] as const).flatMap((program) =>
    BAN_CHAINS.map(async (chain) => {
      // INPUT tells whether the program can look at all. Of a chain that is not there it says odd things.
      const ask = chain === 'INPUT' ? asked : printed
      const isInput = program === 'iptables' && chain === 'INPUT'
      return parseChainBans(program, chain, await (isInput ? input : ask(program, '-w', '-S', chain)))
    }),
  )
  const sets = ['banned', 'banned6'].map(async (set) =>
    parseNftBans(await asked('nft', '-j', 'list', 'set', 'inet', 'portward', set)),
  )
  const routes = (['-4', '-6'] as const).flatMap((family) =>
    ROUTE_TYPES.map(async (type) =>
      parseRouteBans(family, type, await asked('ip', '-json', family, 'route', 'show', 'type', type)),
    ),
  )
  const all = (await Promise.all([...chains, ...sets, ...routes])).flat()
  // Some targets take two rules for one ban.
  const bans = [...new Map(all.map((ban) => [ban.undo.join(' '), ban])).values()]
  const inputPolicy = /^-P INPUT (\S+)$/m.exec(await input)?.[1] ?? null
  return { bans, inputPolicy, unread: failures.length === 0 ? null : [...new Set(failures)].join('; ') }
}

/**
 * Tries iptables targets where it harms nobody: in a chain of a network namespace that ends with the command.
 * DROP goes first: where even that fails, nothing can be said about the others.
 */
export const tryTargets = async (
  targets: readonly string[],
  asRoot: boolean,
): Promise<Map<string, Verdict>> => {
  const accepts = async (target: string): Promise<boolean> => {
    const namespace = asRoot ? ['--net'] : ['--map-root-user', '--net']
    const rule = ['iptables', '-w', '-A', 'INPUT', '-p', 'tcp', '-j', target]
    return (await tryRun('unshare', [...namespace, ...rule], { timeoutMs: 20_000 })).exitCode === 0
  }
  if ((await tryRun('iptables', ['--version'])).exitCode !== 0) {
    // Without iptables there are none of its extensions either: those packages depend on it.
    const verdict = (target: string): Verdict => (target === 'REJECT' ? 'unknown' : 'refused')
    return new Map(targets.map((target) => [target, verdict(target)]))
  }
  if (!(await accepts('DROP'))) return new Map(targets.map((target) => [target, 'unknown']))
  const verdicts = targets.map(
    async (target): Promise<[string, Verdict]> => [target, (await accepts(target)) ? 'accepted' : 'refused'],
  )
  return new Map(await Promise.all(verdicts))
}

/**
 * Takes one ban away. It may have gone by itself since the plan was made: ended, or taken away by fail2ban when it
 * was restarted. Throws HostError where it is still there.
 */
export const undoBan = async (undo: readonly string[]): Promise<void> => {
  const [program = '', ...args] = undo
  const take = () => effect(`run ${undo.join(' ')}`, () => tryRun(program, args))
  let { exitCode, stderr } = await take()
  if (exitCode === 0 && !args.includes('-D')) return
  // A rule may be there more than once.
  while (exitCode === 0) ({ exitCode, stderr } = await take())
  const isThere = (await readFirewall()).bans.some((ban) => ban.undo.join(' ') === undo.join(' '))
  if (isThere) throw new HostError(`${undo.join(' ')} failed: ${stderr.trim()}`, 'take the ban away by hand')
}

/** What each backend would be given, to see whether it would take it: nothing of this is ever done. */
const DRY_RUNS = {
  iptables: [
    ['iptables-restore', '-w', '--test', '--noflush'],
    '*filter\n:PORTWARD_TEST - [0:0]\n-A INPUT -j PORTWARD_TEST\nCOMMIT\n',
  ],
  nft: [['nft', '--check', '--file', '-'], 'add table inet portward_test\n'],
} as const

const CAP_NET_ADMIN = 1n << 12n

/** Whether this process may change routes, as the kernel says (capabilities(7)). */
const mayAdministerNet = async (): Promise<boolean> => {
  const status = await readFile('/proc/self/status', 'latin1')
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return (BigInt(`0x${effective}`) & CAP_NET_ADMIN) !== 0n
}

/**
 * Why bans cannot get into the kernel by this backend, found by a dry run of its own program. Null where they can, and
 * where the program is not installed yet. Changes nothing.
 */
export const readFirewallObstacle = async (backend: Settings['banBackend']): Promise<string | null> => {
  if (backend === 'none') return null
  if (backend === 'route')
    return (await mayAdministerNet()) ? null : 'the capability CAP_NET_ADMIN is missing here'
  const [[program, ...args], input] = DRY_RUNS[backend]
  const { exitCode, stderr } = await tryRun(program, args, { input })
  if (exitCode === 0 || exitCode === 127) return null
  const [said = ''] = stderr.trim().split('\n')
  return said === '' ? `${program} ended with exit code ${exitCode}` : said
}

/** Whether the program is there, and nobody but root can have written it. */
const hasProgram = async (): Promise<boolean> => {
  const entry = await stat(FIREWALL).catch(() => null)
  return entry?.isFile() === true && entry.uid === 0 && (entry.mode & 0o022) === 0
}

/** The rules of INPUT as they are now. */
export const readInputRules = async (): Promise<InputRules> => {
  const [iptables, ip6tables] = await Promise.all(
    (['iptables', 'ip6tables'] as const).map((program) => printed(program, '-w', '-S', 'INPUT')),
  )
  return { iptables: parseInputRules(iptables ?? ''), ip6tables: parseInputRules(ip6tables ?? '') }
}

/**
 * Brings bans back that `undoBan` took away by these commands, rules where they stood in `before`; those in portward's
 * own place only where that still is. Goes on where one fails. Throws HostError.
 */
export const redoBans = async (undos: readonly (readonly string[])[], before: InputRules): Promise<void> => {
  if (undos.length === 0) return
  const [{ bans }, now, isPlace] = await Promise.all([readFirewall(), readInputRules(), hasProgram()])
  const present = new Set(bans.filter(({ place }) => place === 'route').map(({ undo }) => undo.join(' ')))
  const wanted = undos.filter((undo) => !present.has(undo.join(' ')) && (isPlace || !undo.includes(FIREWALL)))
  const failures: string[] = []
  for (const [program = '', ...args] of redoCommands(wanted, before, now)) {
    const command = `${program} ${args.join(' ')}`
    const { exitCode, stderr } = await effect(`run ${command}`, () => tryRun(program, args))
    if (exitCode !== 0) failures.push(`${command} failed: ${stderr.trim()}`)
  }
  if (failures.length > 0) throw new HostError(failures.join('; '), 'ban by hand')
}

/** Runs the program of the bans' own place. Throws HostError where it fails. */
const runFirewall = async (...args: readonly string[]): Promise<void> => {
  await effect(`run ${FIREWALL} ${args.join(' ')}`, () =>
    run(
      '/bin/sh',
      [FIREWALL, ...args],
      'see whether the firewall can be changed here: iptables -S, nft list ruleset',
    ),
  )
}

/** Whether the bans' own place is made, and nobody has taken it away since. Changes nothing. */
export const hasOwnPlace = async (init: Init): Promise<boolean> => {
  if (!(await hasProgram())) return false
  const { exitCode } = await tryRun('/bin/sh', [FIREWALL, 'check'])
  if (exitCode !== 0 || init === 'sysv') return exitCode === 0
  // One by one: of several together systemctl says whether any of them is active.
  const states = await Promise.all(
    ACTIVE_UNITS.map((unit) => tryRun('systemctl', ['is-active', '--quiet', unit])),
  )
  return states.every((state) => state.exitCode === 0)
}

/** Has these hosts out of the place and its memory, whether or not it has them. Throws HostError. */
export const releaseOwn = async (hosts: Iterable<string>): Promise<void> => {
  if (!(await hasProgram())) return
  for (const host of hosts) await runFirewall('del', host)
}

/** Makes the place by its program alone, whatever units there are. Throws HostError. */
export const makePlace = (): Promise<void> => runFirewall('start')

/** Makes the place anew by what is on disk now, without a moment in which nobody is banned. Throws HostError. */
export const startPlace = async (init: Init): Promise<void> => {
  if (init === 'sysv') return makePlace()
  await effect('run systemctl daemon-reload', () =>
    run('systemctl', ['daemon-reload'], 'see systemctl status'),
  )
  for (const unit of ACTIVE_UNITS) {
    await effect(`run systemctl reload-or-restart ${unit}`, () =>
      run('systemctl', ['reload-or-restart', unit], `see what journalctl -u ${unit} says`),
    )
  }
}

/** Takes the place away with all its bans, and keeps it from coming back at boot. Throws HostError. */
export const removePlace = async (init: Init): Promise<void> => {
  if (init === 'systemd') {
    const units = [`${SYNC_UNIT}.timer`, `${SYNC_UNIT}.service`, `${FIREWALL_UNIT}.service`]
    await effect(`run systemctl disable --now ${FIREWALL_UNIT}`, async () => {
      // Also where one is not known any more.
      await tryRun('systemctl', ['stop', ...units])
      await tryRun('systemctl', ['disable', ...units])
      // One that was ended in the middle of its work would be listed as failed when its file is long gone.
      for (const unit of units) await tryRun('systemctl', ['reset-failed', unit])
    })
  }
  if (await hasProgram()) await runFirewall('clear')
}

/** Takes away what the program noted for the time until the next boot, once the program itself is gone. */
export const forgetPlace = async (): Promise<void> => {
  await effect(`remove ${FIREWALL_RUN}`, () => rm(FIREWALL_RUN, { recursive: true, force: true }))
}
