import { type Ban, parseInputBans, parseNftBans, parseRouteBans } from '../policy/bans.ts'
import type { Verdict } from '../policy/facts.ts'
import { run, tryRun } from './process.ts'

/** What a program prints; nothing where it is missing or has nothing by that name. */
const printed = async (program: string, ...args: string[]): Promise<string> => {
  const { exitCode, stdout } = await tryRun(program, args)
  return exitCode === 0 ? stdout : ''
}

/** Hosts that are banned by rules of INPUT, elements of portward's nft sets and routes that lead nowhere. */
export const readBans = async (): Promise<Ban[]> => {
  const [input, input6, set, set6, routes, routes6] = await Promise.all([
    printed('iptables', '-w', '-S', 'INPUT'),
    printed('ip6tables', '-w', '-S', 'INPUT'),
    printed('nft', '-j', 'list', 'set', 'inet', 'portward', 'banned'),
    printed('nft', '-j', 'list', 'set', 'inet', 'portward', 'banned6'),
    printed('ip', '-json', '-4', 'route', 'show', 'type', 'blackhole'),
    printed('ip', '-json', '-6', 'route', 'show', 'type', 'blackhole'),
  ])
  return [
    ...parseInputBans('iptables', input),
    ...parseInputBans('ip6tables', input6),
    ...parseNftBans('banned', set),
    ...parseNftBans('banned6', set6),
    ...parseRouteBans('-4', routes),
    ...parseRouteBans('-6', routes6),
  ]
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

/** Runs the command that takes one ban away. Throws HostError where it fails. */
export const undoBan = async ([program = '', ...args]: readonly string[]): Promise<void> => {
  await run(program, args, 'apply again: the ban may be gone already')
}
