import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tryRun } from '../system/process.ts'

/** Whether this kernel accepts a target; `unknown` if not even DROP could be tried. */
export type Verdict = 'accepted' | 'refused' | 'unknown'

/** Targets that iptables itself does not have: each is a library of xtables-addons. */
const ADDONS: ReadonlySet<string> = new Set(['CHAOS', 'TARPIT', 'DELUDE'])

/** Whether iptables finds the library of a target: those of Debian are in a directory for the architecture. */
const hasLibrary = (target: string): boolean =>
  readdirSync('/usr/lib').some((directory) =>
    existsSync(join('/usr/lib', directory, `xtables/libxt_${target}.so`)),
  )

/**
 * Tries an iptables target without any effect on the server: in a network namespace that ends with the command.
 * DROP is tried first: if even that fails, nothing is known about the other.
 */
export const tryTarget = async (target: string, asRoot: boolean): Promise<Verdict> => {
  const accepts = async (tried: string): Promise<boolean> => {
    const namespace = asRoot ? ['--net'] : ['--map-root-user', '--net']
    const rule = ['iptables', '-w', '-A', 'INPUT', '-p', 'tcp', '-j', tried]
    return (await tryRun('unshare', [...namespace, ...rule], { timeoutMs: 20_000 })).exitCode === 0
  }
  if (ADDONS.has(target) && !hasLibrary(target)) return 'refused'
  if (!(await accepts('DROP'))) return 'unknown'
  return (await accepts(target)) ? 'accepted' : 'refused'
}

/** Commands and inputs that show whether each backend would work; none of them changes anything. */
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

/** Whether this process may change routes: CAP_NET_ADMIN of capabilities(7). */
const mayAdministerNet = async (): Promise<boolean> => {
  const status = await readFile('/proc/self/status', 'latin1')
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return (BigInt(`0x${effective}`) & CAP_NET_ADMIN) !== 0n
}

/**
 * Why this backend cannot put bans into the kernel, found by a dry run of its own programs. Null if it can, and if a program is
 * not installed yet. Changes nothing.
 */
export const readFirewallObstacle = async (backend: 'ipset' | 'nft' | 'route'): Promise<string | null> => {
  if (backend === 'route')
    return (await mayAdministerNet()) ? null : 'the capability CAP_NET_ADMIN is missing here'
  for (const [[program = '', ...args], input] of DRY_RUNS[backend]) {
    const { exitCode, stderr } = await tryRun(program, args, { input })
    if (exitCode === 0 || exitCode === 127) continue
    const [reason = ''] = stderr.trim().split('\n')
    return reason === '' ? `${program} ended with exit code ${exitCode}` : reason
  }
  return null
}
