import { setTimeout as sleep } from 'node:timers/promises'
import { readDaemons } from '../facts/daemons.ts'
import { askJails, readOption } from '../facts/fail2ban.ts'
import { formatCidr } from '../network.ts'
import type { Plan } from '../plan/plan.ts'
import { lostFrom } from '../plan/services.ts'
import { judgeWatching, wrongDaemons } from '../policy/daemons.ts'
import { isJailWanted } from '../policy/jail.ts'
import { readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { waitingFor } from '../system/waiting.ts'

/** Before fail2ban is ready it may wait for name servers that do not answer. */
const ANSWER_TIMEOUT_MS = 60_000
const START_TIMEOUT_MS = 15_000
const POLL_MS = 100
/** A daemon that exits because of its configuration does so well within this time after its start. */
const SETTLE_MS = 1000

/** The pids of the processes if they run as planned, else a message that says what is wrong. */
type Finding = readonly number[] | string

const checkPortsentry = async ({ desired }: Plan): Promise<Finding> => {
  const { release } = desired
  const daemons = await readDaemons('portsentry')
  const wrong = wrongDaemons(desired, daemons) ?? judgeWatching(daemons).deaf
  if (wrong !== null) return `portsentry ${wrong}`
  const text = (await readFileState('/', release.builtIgnorePath))?.text ?? ''
  const [missing] = lostFrom(text, desired)
  return missing === undefined
    ? daemons.map(({ pid }) => pid)
    : `portsentry would not ignore ${formatCidr(missing)}: not in ${release.builtIgnorePath}`
}

const checkServer = async (): Promise<Finding> => {
  const pids = (await readDaemons('fail2ban')).map(({ pid }) => pid)
  return pids.length > 0 ? pids : 'fail2ban does not run'
}

const checkJail = async ({ desired }: Plan): Promise<Finding> => {
  const server = await checkServer()
  if (typeof server === 'string') return server
  const jails = await askJails()
  if (jails === null) return 'fail2ban runs but does not answer'
  const isWanted = isJailWanted(desired)
  if (jails.includes('portsentry') !== isWanted)
    return `fail2ban ${isWanted ? 'has not loaded' : 'still has'} the portsentry jail`
  const logs = isWanted ? await readOption('portsentry', 'logpath') : desired.historyPath
  return logs?.includes(desired.historyPath)
    ? server
    : `the portsentry jail does not watch ${desired.historyPath}`
}

/**
 * Waits until a check passes twice, the settling time apart, with the same processes: one that exits and is
 * restarted by systemd would pass each time. Throws HostError with the last finding.
 */
const until = (
  what: string,
  timeoutMs: number,
  hint: string,
  signal: AbortSignal,
  check: () => Promise<Finding>,
): Promise<void> =>
  waitingFor(what, timeoutMs, async () => {
    const deadline = performance.now() + timeoutMs
    let finding: Finding = await check()
    while (performance.now() < deadline) {
      if (signal.aborted) throw new HostError('interrupted', 'run apply again when you are ready')
      const before: Finding = finding
      await sleep(typeof before === 'string' ? POLL_MS : SETTLE_MS)
      finding = await check()
      if (typeof before !== 'string' && typeof finding !== 'string' && before.join() === finding.join())
        return
    }
    throw new HostError(typeof finding === 'string' ? finding : 'the daemons keep restarting', hint)
  })

/** Waits until both daemons really run as planned. Throws HostError where they do not, or when interrupted. */
export const confirmRunning = async (plan: Plan, signal: AbortSignal): Promise<void> => {
  // If one of them fails, do not wait for the other.
  const failure = new AbortController()
  const either = AbortSignal.any([signal, failure.signal])
  const portsentry = async () => {
    const hint = 'see journalctl -t portsentry, or /var/log/syslog'
    const check = () => checkPortsentry(plan)
    await until('portsentry to run as planned', START_TIMEOUT_MS, hint, either, check)
  }
  const fail2ban = async () => {
    const hint = 'see /var/log/fail2ban.log'
    await until('fail2ban to run', START_TIMEOUT_MS, hint, either, checkServer)
    const check = () => checkJail(plan)
    await until('fail2ban to answer and load its jails', ANSWER_TIMEOUT_MS, hint, either, check)
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
