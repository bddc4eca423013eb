import { setTimeout as sleep } from 'node:timers/promises'
import { ignored, parseIgnoreList } from '../documents/ignore-list.ts'
import { formatCidr } from '../network.ts'
import type { Plan } from '../plan/plan.ts'
import { wantedModes } from '../plan/services.ts'
import { isFail2banServer, isPortsentryDaemon } from './facts.ts'
import { readJails, readOption } from './fail2ban.ts'
import { readFileState } from './files.ts'
import { HostError } from './host-error.ts'
import { readDaemons } from './processes.ts'

/** fail2ban waits for name servers that do not answer before it is ready. */
const FAIL2BAN_TIMEOUT_MS = 60_000
const PORTSENTRY_TIMEOUT_MS = 15_000
const POLL_MS = 100
/** A daemon that dies over its configuration does so well within this time after it appeared. */
const SETTLE_MS = 1000

/** What is wrong, or null where all is well. */
type Check = () => Promise<string | null>

/** Waits until a check passes twice, the settling time apart. Throws HostError with its last complaint. */
const waitFor = async (check: Check, timeoutMs: number, hint: string): Promise<void> => {
  const deadline = Date.now() + timeoutMs
  let complaint = await check()
  while (Date.now() < deadline) {
    if (complaint === null) {
      await sleep(SETTLE_MS)
      complaint = await check()
      if (complaint === null) return
    }
    await sleep(POLL_MS)
    complaint = await check()
  }
  throw new HostError(complaint ?? 'the daemons come and go', hint)
}

const checkPortsentry =
  ({ desired }: Plan): Check =>
  async () => {
    const daemons = await readDaemons(isPortsentryDaemon)
    const running = daemons.map(({ args }) => args.find((word) => word.startsWith('-')) ?? '').sort()
    const wanted = wantedModes(desired).map(desired.release.modeArgument).sort()
    if (running.join(' ') !== wanted.join(' ')) {
      return `portsentry should run as ${wanted.join(' and ')}, but runs as ${running.join(' and ') || 'nothing'}`
    }
    const { builtIgnorePath, dialect } = desired.release
    const list = parseIgnoreList((await readFileState('/', builtIgnorePath))?.text ?? '', dialect)
    const missing = desired.ignored.find((network) => !ignored(list, network))
    return missing === undefined
      ? null
      : `portsentry would not ignore ${formatCidr(missing)}: not in ${builtIgnorePath}`
  }

const checkFail2ban =
  ({ desired }: Plan): Check =>
  async () => {
    if ((await readDaemons(isFail2banServer)).length === 0) return 'fail2ban does not run'
    const jails = await readJails()
    if (jails === null) return 'fail2ban runs but does not answer'
    const isWanted = desired.jails.get('portsentry')?.get('enabled') === 'true'
    if (jails.includes('portsentry') !== isWanted) {
      return isWanted
        ? 'fail2ban has not loaded the portsentry jail'
        : 'fail2ban still has the portsentry jail'
    }
    if (!isWanted) return null
    const logs = (await readOption('portsentry', 'logpath')) ?? ''
    return logs.includes(desired.historyPath)
      ? null
      : `the portsentry jail does not watch ${desired.historyPath}`
  }

/** Waits until both daemons really run as planned. Throws HostError where they do not. */
export const confirmRunning = async (plan: Plan): Promise<void> => {
  await Promise.all([
    waitFor(checkPortsentry(plan), PORTSENTRY_TIMEOUT_MS, 'see journalctl -t portsentry, or /var/log/syslog'),
    waitFor(checkFail2ban(plan), FAIL2BAN_TIMEOUT_MS, 'see /var/log/fail2ban.log'),
  ])
}
