import { setTimeout as sleep } from 'node:timers/promises'
import { askJails, readOption } from '../facts/fail2ban.ts'
import { formatCidr } from '../network.ts'
import type { Plan } from '../plan/plan.ts'
import { deafDaemons, lostFrom, wrongDaemons } from '../plan/services.ts'
import { readFileState } from './files.ts'
import { HostError } from './host-error.ts'
import { readDaemonsOf } from './services.ts'
import { waitingFor } from './waiting.ts'

/** fail2ban waits for name servers that do not answer before it is ready. */
const ANSWER_TIMEOUT_MS = 60_000
const START_TIMEOUT_MS = 15_000
const POLL_MS = 100
/** A daemon that dies over its configuration does so well within this time after it appeared. */
const SETTLE_MS = 1000

/** The processes that run as they should, or what is wrong. */
type Outcome = { readonly pids: readonly number[] } | { readonly complaint: string }
type Check = () => Promise<Outcome>

interface Wait {
  readonly what: string
  readonly check: Check
  readonly timeoutMs: number
  readonly hint: string
}

/**
 * Waits until a check passes twice, the settling time apart, with the same processes: one that dies and is
 * started again by systemd would pass each time. Throws HostError with the last complaint.
 */
const waitFor = async ({ check, timeoutMs, hint }: Wait, signal: AbortSignal): Promise<void> => {
  const deadline = performance.now() + timeoutMs
  let outcome = await check()
  while (performance.now() < deadline) {
    if (signal.aborted) throw new HostError('interrupted', 'apply again when you are ready')
    if ('pids' in outcome) {
      await sleep(SETTLE_MS)
      const again = await check()
      if ('pids' in again && again.pids.join() === outcome.pids.join()) return
      outcome = again
    } else {
      await sleep(POLL_MS)
      outcome = await check()
    }
  }
  throw new HostError('complaint' in outcome ? outcome.complaint : 'the daemons come and go', hint)
}

const checkPortsentry =
  ({ desired }: Plan): Check =>
  async () => {
    const { release } = desired
    const daemons = await readDaemonsOf('portsentry')
    const wrong = wrongDaemons(desired, daemons) ?? deafDaemons(daemons)
    if (wrong !== null) return { complaint: `portsentry ${wrong}` }
    const text = (await readFileState('/', release.builtIgnorePath))?.text ?? ''
    const [missing] = lostFrom(text, desired)
    return missing === undefined
      ? { pids: daemons.map(({ pid }) => pid) }
      : { complaint: `portsentry would not ignore ${formatCidr(missing)}: not in ${release.builtIgnorePath}` }
  }

const checkServer: Check = async () => {
  const pids = (await readDaemonsOf('fail2ban')).map(({ pid }) => pid)
  return pids.length > 0 ? { pids } : { complaint: 'fail2ban does not run' }
}

const checkJail =
  ({ desired }: Plan): Check =>
  async () => {
    const server = await checkServer()
    if ('complaint' in server) return server
    const jails = await askJails()
    if (jails === null) return { complaint: 'fail2ban runs but does not answer' }
    const isWanted = desired.jails.get('portsentry')?.get('enabled') === 'true'
    if (jails.includes('portsentry') !== isWanted) {
      return { complaint: `fail2ban ${isWanted ? 'has not loaded' : 'still has'} the portsentry jail` }
    }
    const logs = isWanted ? await readOption('portsentry', 'logpath') : desired.historyPath
    return logs?.includes(desired.historyPath)
      ? server
      : { complaint: `the portsentry jail does not watch ${desired.historyPath}` }
  }

/** Waits until both daemons really run as planned. Throws HostError where they do not, or when interrupted. */
export const confirmRunning = async (plan: Plan, signal: AbortSignal): Promise<void> => {
  // When one of them has failed, nobody waits for the other.
  const failure = new AbortController()
  const either = AbortSignal.any([signal, failure.signal])
  const until = (wait: Wait) => waitingFor(wait.what, wait.timeoutMs, () => waitFor(wait, either))
  const portsentry = () =>
    until({
      what: 'portsentry to run as planned',
      check: checkPortsentry(plan),
      timeoutMs: START_TIMEOUT_MS,
      hint: 'see journalctl -t portsentry, or /var/log/syslog',
    })
  const fail2ban = async () => {
    const hint = 'see /var/log/fail2ban.log'
    await until({ what: 'fail2ban to run', check: checkServer, timeoutMs: START_TIMEOUT_MS, hint })
    const what = 'fail2ban to answer and load its jails'
    await until({ what, check: checkJail(plan), timeoutMs: ANSWER_TIMEOUT_MS, hint })
  }
  const waits = [portsentry(), fail2ban()]
  try {
    await Promise.all(waits)
  } catch (error) {
    failure.abort()
    await Promise.allSettled(waits)
    throw error
  }
}
