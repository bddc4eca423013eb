import type { Ban } from '../facts/ban.ts'
import { readFirewallBans } from '../facts/firewall-bans.ts'
import { contains, parseNetwork } from '../network.ts'
import { effect } from '../system/effect.ts'
import { HostError } from '../system/host-error.ts'
import { tryRun } from '../system/process.ts'

/** Whether a ban applies to one of these hosts: by its address, or in a ban set by the network that it is in. */
export const appliesTo = ({ address, isOwn }: Ban, hosts: ReadonlySet<string>): boolean => {
  const network = isOwn && address.includes('/') ? parseNetwork(address) : null
  const covers = (host: string) => {
    const inner = parseNetwork(host)
    return network !== null && inner !== null && contains(network, inner)
  }
  return hosts.has(address) || [...hosts].some(covers)
}

/**
 * The command that restores a ban which this command has removed; null for a member of a ban set, whose timeout only fail2ban
 * knows: it bans the host again if its jail still has the ban. A rule is inserted at the top of INPUT, as portsentry does it.
 */
export const redoOf = (undo: readonly string[]): string[] | null => {
  const [program = ''] = undo
  if (program === 'ipset' || program === 'nft') return null
  // `ip -4 route del …`, and `/bin/sh PROGRAM del …` of the first version.
  const [verb, opposite] = program.endsWith('tables') ? ['-D', '-I'] : ['del', 'add']
  const at = undo.indexOf(verb)
  return [...undo.slice(0, at), opposite, ...undo.slice(at + 1)]
}

/**
 * Removes one ban. It may be missing by now, since the plan was made: expired, or removed by fail2ban when that was
 * restarted. Throws HostError if it is still in force.
 */
export const undoBan = async (undo: readonly string[]): Promise<void> => {
  const [program = '', ...args] = undo
  const remove = () => effect(`run ${undo.join(' ')}`, () => tryRun(program, args))
  let { exitCode, stderr } = await remove()
  if (exitCode === 0 && !args.includes('-D')) return
  // The same rule may exist more than once.
  while (exitCode === 0) ({ exitCode, stderr } = await remove())
  const isStillThere = (await readFirewallBans()).bans.some((ban) => ban.undo.join(' ') === undo.join(' '))
  if (isStillThere)
    throw new HostError(`${undo.join(' ')} failed: ${stderr.trim()}`, 'remove the ban manually')
}

/**
 * Restores bans that `undoBan` has removed with these commands, unless they exist by now. Continues when one fails. Throws
 * HostError.
 */
export const redoBans = async (undos: readonly (readonly string[])[]): Promise<void> => {
  if (undos.length === 0) return
  const present = new Set((await readFirewallBans()).bans.map(({ undo }) => undo.join(' ')))
  const commands = undos.filter((undo) => !present.has(undo.join(' '))).map(redoOf)
  const failures: string[] = []
  for (const [program = '', ...args] of commands.filter((command) => command !== null)) {
    const command = `${program} ${args.join(' ')}`
    const { exitCode, stderr } = await effect(`run ${command}`, () => tryRun(program, args))
    if (exitCode !== 0) failures.push(`${command} failed: ${stderr.trim()}`)
  }
  if (failures.length > 0) throw new HostError(failures.join('; '), 'ban the hosts manually')
}
