import { appendFile } from 'node:fs/promises'
import { tryRun } from '../process.ts'

export type Access = 'granted' | 'denied'

/**
 * What libwrap itself says to hosts that want to reach sshd here, by its own tcpdmatch; null for all where that is
 * not installed. IPv6 addresses are left out: tcpdmatch does not take them.
 */
export const judgeAccess = async (addresses: readonly string[]): Promise<Map<string, Access>> => {
  const wanted = addresses.filter((address) => !address.includes(':'))
  const verdicts = await Promise.all(
    wanted.map(async (address): Promise<[string, Access][]> => {
      const { stdout } = await tryRun('tcpdmatch', ['sshd', address], { timeoutMs: 10_000 })
      const said = /^access:\s+(granted|denied)/m.exec(stdout)?.[1]
      return said === 'granted' || said === 'denied' ? [[address, said]] : []
    }),
  )
  return new Map(verdicts.flat())
}

/** As if portsentry had entered these hosts: hosts.allow has to let them in all the same. */
export const denyAll = async (addresses: readonly string[]): Promise<void> => {
  const lines = addresses.map((address) => `ALL: ${address.includes(':') ? `[${address}]` : address}\n`)
  await appendFile('/etc/hosts.deny', `\n${lines.join('')}`)
}
