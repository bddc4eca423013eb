import { existsSync } from 'node:fs'
import { readFile, rm, rmdir } from 'node:fs/promises'
import { BACKENDS, removalOf } from '../policy/backends/backends.ts'
import type { Backend, BanSet } from '../policy/backends/definition.ts'
import { BANS_CONF, BANS_UNIT, banSetOf, DENIED, LOADER } from '../policy/ban-set.ts'
import { type Ban, failureOf, parseInputBans, parseOwnBans, parseRouteBans, redoOf } from '../policy/bans.ts'
import type { LiveFacts, Verdict } from '../policy/facts.ts'
import { besideLegacy } from '../policy/legacy-bans.ts'
import { directoryOf } from '../policy/written-paths.ts'
import { effect } from './effect.ts'
import { readFileState } from './files.ts'
import { HostError } from './host-error.ts'
import { run, tryRun } from './process.ts'

type Init = LiveFacts['init']

export interface Firewall {
  /** Hosts that are banned by portward's sets, by rules of INPUT, and by routes that lead nowhere. */
  readonly bans: readonly Ban[]
  /** What INPUT does with IPv4 packets that no rule has decided; null without root or iptables. */
  readonly inputPolicy: string | null
  /** Why there may be more bans; null: all of it was read. */
  readonly unread: string | null
}

const ROUTES = (['-4', '-6'] as const).map((family, index) => ({
  family,
  command: BACKENDS.route.list[index] ?? [],
}))

/** What the kernel bans now, as far as it is portsentry's kind of ban. */
export const readFirewall = async (): Promise<Firewall> => {
  const failures: string[] = []
  // Where IPv6 is switched off, nothing of it can be banned, and its programs fail.
  const hasIPv6 = existsSync('/proc/net/if_inet6')
  const asked = async ([program = '', ...args]: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await tryRun(program, args)
    const failure = failureOf(program, exitCode, stderr)
    if (failure !== null && (hasIPv6 || !(program === 'ip6tables' || args.includes('-6'))))
      failures.push(failure)
    return exitCode === 0 ? stdout : ''
  }
  const [iptables, ip6tables, ipset, nft, ...routes] = await Promise.all([
    asked(['iptables', '-w', '-S', 'INPUT']),
    asked(['ip6tables', '-w', '-S', 'INPUT']),
    ...(['ipset', 'nft'] as const).map((backend) => asked(BACKENDS[backend].list[0] ?? [])),
    ...ROUTES.map(({ command }) => asked(command)),
  ])
  const now = Date.now()
  const bans = [
    ...parseInputBans('iptables', iptables ?? ''),
    ...parseInputBans('ip6tables', ip6tables ?? ''),
    ...parseOwnBans('ipset', ipset ?? '', now),
    ...parseOwnBans('nft', nft ?? '', now),
    ...ROUTES.flatMap(({ family }, index) => [
      ...parseOwnBans('route', routes[index] ?? '', now),
      ...parseRouteBans(family, routes[index] ?? ''),
    ]),
  ]
  const inputPolicy = /^-P INPUT (\S+)$/m.exec(iptables ?? '')?.[1] ?? null
  return {
    // Some targets take two rules for one ban.
    bans: [...new Map(bans.map((ban) => [ban.undo.join(' '), ban])).values()],
    inputPolicy,
    unread: failures.length === 0 ? null : [...new Set(failures)].join('; '),
  }
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
const DRY_RUNS: Readonly<Record<'ipset' | 'nft', readonly (readonly [readonly string[], string])[]>> = {
  ipset: [
    [
      ['iptables-restore', '-w', '--test', '--noflush'],
      '*filter\n:PORTWARD_TEST - [0:0]\n-A INPUT -j PORTWARD_TEST\nCOMMIT\n',
    ],
    [['ipset', 'list', '-name'], ''],
  ],
  nft: [[['nft', '--check', '--file', '-'], 'add table inet portward_test\n']],
}

const CAP_NET_ADMIN = 1n << 12n

/** Whether this process may change routes, as the kernel says (capabilities(7)). */
const mayAdministerNet = async (): Promise<boolean> => {
  const status = await readFile('/proc/self/status', 'latin1')
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return (BigInt(`0x${effective}`) & CAP_NET_ADMIN) !== 0n
}

/**
 * Why bans cannot get into the kernel by this backend, found by a dry run of its own programs. Null where they can, and
 * where a program is not installed yet. Changes nothing.
 */
export const readFirewallObstacle = async (backend: Backend): Promise<string | null> => {
  if (backend === 'route')
    return (await mayAdministerNet()) ? null : 'the capability CAP_NET_ADMIN is missing here'
  for (const [[program = '', ...args], input] of DRY_RUNS[backend]) {
    const { exitCode, stderr } = await tryRun(program, args, { input })
    if (exitCode === 0 || exitCode === 127) continue
    const [said = ''] = stderr.trim().split('\n')
    return said === '' ? `${program} ended with exit code ${exitCode}` : said
  }
  return null
}

/**
 * Brings bans back that `undoBan` took away by these commands, unless they are there by now. Goes on where one fails.
 * Throws HostError.
 */
export const redoBans = async (undos: readonly (readonly string[])[]): Promise<void> => {
  if (undos.length === 0) return
  const present = new Set((await readFirewall()).bans.map(({ undo }) => undo.join(' ')))
  const commands = undos.filter((undo) => !present.has(undo.join(' '))).map(redoOf)
  const failures: string[] = []
  for (const [program = '', ...args] of commands.filter((command) => command !== null)) {
    const command = `${program} ${args.join(' ')}`
    const { exitCode, stderr } = await effect(`run ${command}`, () => tryRun(program, args))
    if (exitCode !== 0) failures.push(`${command} failed: ${stderr.trim()}`)
  }
  if (failures.length > 0) throw new HostError(failures.join('; '), 'ban by hand')
}

/** Whether the ban set is loaded, its rules are in force and its unit sees to it. Changes nothing. */
export const isBanSetLoaded = async ({ backend, target }: BanSet, init: Init): Promise<boolean> => {
  const checks = [
    tryRun('sh', ['-c', BACKENDS[backend].check(target)]),
    ...(init === 'sysv' ? [] : [tryRun('systemctl', ['is-active', '--quiet', BANS_UNIT])]),
  ]
  return (await Promise.all(checks)).every(({ exitCode }) => exitCode === 0)
}

const HINT = 'see whether the firewall can be changed here: nft list ruleset, iptables-save, ipset list -name'

/** Loads the ban set by what is on disk now. Bans that are in force stay so meanwhile. Throws HostError. */
export const loadBanSet = async (init: Init): Promise<void> => {
  if (init === 'sysv') {
    await effect(`run python3 ${LOADER}`, () => run('python3', [LOADER], HINT))
    return
  }
  await effect('run systemctl daemon-reload', () =>
    run('systemctl', ['daemon-reload'], 'see systemctl status'),
  )
  await effect(`run systemctl restart ${BANS_UNIT}`, async () => {
    // One that kept failing is not started again for a while, unless it is told to forget that.
    await tryRun('systemctl', ['reset-failed', BANS_UNIT])
    if ((await tryRun('systemctl', ['restart', BANS_UNIT])).exitCode === 0) return
    // What the loader says, rather than that systemd could not run it.
    await run('python3', [LOADER], HINT)
    throw new HostError(`${BANS_UNIT} does not start`, `see what journalctl -u ${BANS_UNIT} says`)
  })
}

/** The ban set that bans.conf on this server describes; null where there is none. */
export const readBanSet = async (): Promise<BanSet | null> =>
  banSetOf((await readFileState('/', BANS_CONF))?.text)

const ALL_SETS: readonly BanSet[] = [
  { backend: 'ipset', target: 'DROP' },
  { backend: 'ipset', target: 'REJECT' },
  { backend: 'nft', target: 'DROP' },
  { backend: 'route', target: 'DROP' },
]

const remove = (what: string, sets: readonly BanSet[]): Promise<void> =>
  effect(`remove ${what}`, async () => {
    await run('sh', ['-c', ['set -e', ...sets.map(removalOf)].join('\n')], HINT)
  })

/** Takes every ban set away that may be there, but what this one has. Throws HostError. */
export const removeOtherBanSets = (kept: BanSet): Promise<void> =>
  remove(
    'the other ban sets',
    ALL_SETS.filter((set) => removalOf(set) !== removalOf(kept)),
  )

/**
 * Takes a ban set away with all its bans; where it is not known which one there is, all of them. What rules of the first
 * version that are in force (by this backend) have the names of stays. Throws HostError.
 */
export const removeBanSet = (set: BanSet | null, legacy?: string): Promise<void> =>
  remove(
    `the ban set${set === null ? '' : ` of ${set.backend}`}`,
    besideLegacy(set === null ? ALL_SETS : [set], legacy),
  )

/** What a ban set leaves: the list of banned hosts that hosts.deny named, and what Python made of the action. */
const LEFTOVERS = [DENIED, `${directoryOf(LOADER)}/__pycache__`]

export const removeLeftovers = async (): Promise<void> => {
  for (const path of LEFTOVERS)
    await effect(`remove ${path}`, () => rm(path, { recursive: true, force: true }))
  // The first version keeps notes in it.
  await rmdir(directoryOf(DENIED)).catch(() => {})
}
