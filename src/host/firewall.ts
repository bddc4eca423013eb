import { type Ban, parseInputBans, parseNftBans, parseRouteBans, ROUTE_TYPES } from '../policy/bans.ts'
import type { Verdict } from '../policy/facts.ts'
import { effect } from './effect.ts'
import { HostError } from './host-error.ts'
import { tryRun } from './process.ts'

/** What a program prints; nothing where it is missing or has nothing by that name. */
const printed = async (program: string, ...args: string[]): Promise<string> => {
  const { exitCode, stdout } = await tryRun(program, args)
  return exitCode === 0 ? stdout : ''
}

export interface Firewall {
  /** Hosts that are banned by rules of INPUT, elements of portward's nft sets and routes that lead nowhere. */
  readonly bans: readonly Ban[]
  /** What INPUT does with IPv4 packets that no rule has decided; null without root or iptables. */
  readonly inputPolicy: string | null
}

/** What the kernel bans now, as far as it is portsentry's kind of ban. */
export const readFirewall = async (): Promise<Firewall> => {
  const input = printed('iptables', '-w', '-S', 'INPUT')
  const inputs = [
    input.then((text) => parseInputBans('iptables', text)),
    printed('ip6tables', '-w', '-S', 'INPUT').then((text) => parseInputBans('ip6tables', text)),
  ]
  const sets = (['banned', 'banned6'] as const).map(async (set) =>
    parseNftBans(set, await printed('nft', '-j', 'list', 'set', 'inet', 'portward', set)),
  )
  const routes = (['-4', '-6'] as const).flatMap((family) =>
    ROUTE_TYPES.map(async (type) =>
      parseRouteBans(family, type, await printed('ip', '-json', family, 'route', 'show', 'type', type)),
    ),
  )
  const bans = (await Promise.all([...inputs, ...sets, ...routes])).flat()
  return { bans, inputPolicy: /^-P INPUT (\S+)$/m.exec(await input)?.[1] ?? null }
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
  const { exitCode, stderr } = await effect(`run ${undo.join(' ')}`, () => tryRun(program, args))
  if (exitCode === 0) return
  const isThere = (await readFirewall()).bans.some((ban) => ban.undo.join(' ') === undo.join(' '))
  if (isThere) throw new HostError(`${undo.join(' ')} failed: ${stderr.trim()}`, 'take the ban away by hand')
}

const INVERSE: Readonly<Record<string, string>> = { '-D': '-I', del: 'add' }

/** Brings a ban back that `undoBan` took away by this command. Throws HostError. */
export const redoBan = async (undo: readonly string[]): Promise<void> => {
  const [program = '', ...args] = undo.map(
    (word) => INVERSE[word] ?? word.replace(/^delete element/, 'add element'),
  )
  const isThere = (await readFirewall()).bans.some((ban) => ban.undo.join(' ') === undo.join(' '))
  if (isThere) return
  const { exitCode, stderr } = await effect(`run ${program} ${args.join(' ')}`, () => tryRun(program, args))
  if (exitCode !== 0)
    throw new HostError(`${program} ${args.join(' ')} failed: ${stderr.trim()}`, 'ban by hand')
}
