import { setTimeout as sleep } from 'node:timers/promises'
import { readDaemons } from '../facts/daemons.ts'
import { askJails, readOption } from '../facts/fail2ban.ts'
import { formatCidr } from '../network.ts'
import type { Plan } from '../plan/plan.ts'
import { lostFrom } from '../plan/services.ts'
import { judgeWatching, wrongDaemons } from '../policy/daemons.ts'
import { isJailWanted } from '../policy/jail.ts'
import { monotonicMs } from '../system/clock.ts'
import { readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { waitingFor } from '../system/progress.ts'

const START_TIMEOUT_MS = 15_000
/** Before fail2ban is ready it may wait for name servers that do not answer. */
const ANSWER_TIMEOUT_MS = 60_000
const POLL_MS = 100
/** A daemon that exits because of its configuration does so well within this time after its start. */
const SETTLE_MS = 1000

interface Finding {
  /** Of the processes that run now. */
  readonly pids: readonly number[]
  /** What is not as planned; null: all is. */
  readonly wrong: string | null
}

const checkPortsentry = async ({ desired }: Plan): Promise<Finding> => {
  const { release } = desired
  const daemons = await readDaemons('portsentry')
  const pids = daemons.map(({ pid }) => pid)
  const wrong = wrongDaemons(desired, daemons) ?? judgeWatching(daemons).deaf
  if (wrong !== null) return { pids, wrong: `portsentry ${wrong}` }
  const text = (await readFileState('/', release.builtIgnorePath))?.text ?? ''
  const [missing] = lostFrom(text, desired)
  if (missing === undefined) return { pids, wrong: null }
  return {
    pids,
    wrong: `portsentry would not ignore ${formatCidr(missing)}: not in ${release.builtIgnorePath}`,
  }
}

/** What is wrong with the portsentry jail of a fail2ban that runs. */
const findWrongJail = async ({ desired }: Plan): Promise<string | null> => {
  const jails = await askJails()
  if (jails === null) return 'fail2ban runs but does not answer'
  const isWanted = isJailWanted(desired)
  if (jails.includes('portsentry') !== isWanted)
    return `fail2ban ${isWanted ? 'has not loaded' : 'still has'} the portsentry jail`
  const logs = isWanted ? await readOption('portsentry', 'logpath') : desired.historyPath
  return logs?.includes(desired.historyPath)
    ? null
    : `the portsentry jail does not watch ${desired.historyPath}`
}

const checkFail2ban = async (plan: Plan): Promise<Finding> => {
  const pids = (await readDaemons('fail2ban')).map(({ pid }) => pid)
  return { pids, wrong: pids.length === 0 ? 'fail2ban does not run' : await findWrongJail(plan) }
}

/** Waits until a service runs as planned, and its processes have been running for the settling time. */
type Wait = (settleMs: number, signal: AbortSignal) => Promise<void>

/**
 * Returns a function that waits until the check finds nothing wrong; how long the processes have been running, it remembers from
 * one wait to the next. It throws HostError with the last finding; processes have to run within START_TIMEOUT_MS.
 */
const watch = (what: string, timeoutMs: number, hint: string, check: () => Promise<Finding>): Wait => {
  /** Of the processes that were found last, and since when they have been running. */
  let known = ''
  let sinceMs = monotonicMs()
  return (settleMs, signal) =>
    waitingFor(what, timeoutMs, async () => {
      const begunMs = monotonicMs()
      for (;;) {
        signal.throwIfAborted()
        const { pids, wrong } = await check()
        const nowMs = monotonicMs()
        if (pids.join() !== known) {
          known = pids.join()
          sinceMs = nowMs
        }
        const settlesInMs = sinceMs + settleMs - nowMs
        if (wrong === null && settlesInMs <= 0) return
        if (nowMs - begunMs > (pids.length === 0 ? START_TIMEOUT_MS : timeoutMs))
          throw new HostError(wrong ?? 'the daemons keep restarting', hint)
        await sleep(wrong === null ? settlesInMs : POLL_MS)
      }
    })
}

/** Both throw HostError where that does not come to pass, or the reason of the signal when it is aborted. */
interface Confirmation {
  /** Waits until both daemons really run as planned. */
  readonly running: () => Promise<void>
  /** Waits until they have settled: one that exits and is restarted by systemd may be found running each time. */
  readonly settled: () => Promise<void>
}

export const confirmDaemons = (plan: Plan, signal: AbortSignal): Confirmation => {
  const services = [
    watch(
      'portsentry to run as planned',
      START_TIMEOUT_MS,
      'see journalctl -t portsentry, or /var/log/syslog',
      () => checkPortsentry(plan),
    ),
    watch('fail2ban to load its jails', ANSWER_TIMEOUT_MS, 'see /var/log/fail2ban.log', () =>
      checkFail2ban(plan),
    ),
  ]
  const both = async (settleMs: number): Promise<void> => {
    // If one of them fails, do not wait for the other.
    const failure = new AbortController()
    const either = AbortSignal.any([signal, failure.signal])
    const waits = services.map((wait) => wait(settleMs, either))
    try {
      await Promise.all(waits)
    } catch (error) {
      failure.abort()
      await Promise.allSettled(waits)
      throw error
    }
  }
  return { running: () => both(0), settled: () => both(SETTLE_MS) }
}
