import type { Verdict } from '../policy/facts.ts'
import { run, tryRun } from './process.ts'

/** Rules of INPUT as `iptables -S INPUT` prints them, the policy first; null where they cannot be read. */
export const readInputRules = async (): Promise<string[] | null> => {
  const { exitCode, stdout } = await tryRun('iptables', ['-w', '-S', 'INPUT'])
  return exitCode === 0 ? stdout.split('\n').filter(Boolean) : null
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

/** Takes one rule, given as the words behind `-A INPUT`, out of INPUT. */
export const deleteInputRule = async (words: readonly string[]): Promise<void> => {
  await run('iptables', ['-w', '-D', 'INPUT', ...words], 'see iptables -S INPUT')
}
