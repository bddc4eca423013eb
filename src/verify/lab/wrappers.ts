import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readDenied } from '../../facts/hosts-deny.ts'
import { DENIED } from '../../policy/ban-set.ts'
import { errnoOf } from '../../system/host-error.ts'
import { tryRun } from '../../system/process.ts'

type Access = 'granted' | 'denied'

/** libwrap's verdicts by address and daemon. */
interface Judged {
  readonly access: ReadonlyMap<string, Readonly<Record<string, Access>>>
  /** Why libwrap could not be asked; null if it was, or no daemon here uses it. */
  readonly gap: string | null
}

const PROGRAM = 'tcpdmatch'

const ask = async (daemon: string, address: string): Promise<[string, Access][]> => {
  const { stdout } = await tryRun(PROGRAM, [daemon, address], { timeoutMs: 10_000 })
  const said = /^access:\s+(granted|denied)/m.exec(stdout)?.[1]
  return said === 'granted' || said === 'denied' ? [[daemon, said]] : []
}

/** Adds these hosts to hosts.deny as if they were banned: hosts.allow has to let them in nevertheless. */
const denyAll = async (addresses: readonly string[]): Promise<void> => {
  const patterns = addresses.map((address) => (address.includes(':') ? `[${address}]` : address))
  const lines = (start: string) => patterns.map((pattern) => `${start}${pattern}\n`).join('')
  if ((await readDenied('/', DENIED)).listed === null)
    return appendFile('/etc/hosts.deny', `\n${lines('ALL: ')}`)
  await mkdir(dirname(DENIED), { recursive: true })
  await appendFile(DENIED, lines(''))
}

/** Whether the file that hosts.deny names has these hosts; true if it does not name a file. */
export const areDenied = async (addresses: readonly string[]): Promise<boolean> => {
  const { listed } = await readDenied('/', DENIED)
  return listed === null || addresses.every((address) => listed.includes(address))
}

/**
 * The verdicts of libwrap's tcpdmatch for each daemon and these hosts, after the allowlisted ones have been added to
 * hosts.deny. IPv6 addresses are left out: tcpdmatch does not accept them.
 */
export const judgeAccess = async (
  daemons: readonly string[],
  allowlisted: readonly string[],
  others: readonly string[],
): Promise<Judged> => {
  const none = (gap: string): Judged => ({ access: new Map(), gap })
  if (daemons.length === 0) return { access: new Map(), gap: null }
  if ((await tryRun(PROGRAM, ['sshd', '127.0.0.1'], { timeoutMs: 10_000 })).exitCode === 127) {
    return none("libwrap's tcpdmatch is not installed")
  }
  try {
    await denyAll(allowlisted)
  } catch (error) {
    const code = errnoOf(error)
    if (code === undefined) throw error
    return none(`/etc/hosts.deny cannot be written (${code})`)
  }
  const wanted = [...allowlisted, ...others].filter((address) => !address.includes(':'))
  const verdicts = wanted.map(async (address): Promise<[string, Record<string, Access>]> => {
    const said = await Promise.all(daemons.map((daemon) => ask(daemon, address)))
    return [address, Object.fromEntries(said.flat())]
  })
  return { access: new Map(await Promise.all(verdicts)), gap: null }
}
