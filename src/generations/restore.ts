import { purge } from '../apply/packages.ts'
import { disable, discardOutput, stopBanUnit, stopServices } from '../apply/services.ts'
import {
  loadBanSet,
  readBanSet,
  removeBanSet,
  removeLeftovers as removeBanSetLeftovers,
  removeOtherBanSets,
} from '../bans/ban-set.ts'
import { redoBans } from '../bans/firewall.ts'
import { releaseDenied } from '../bans/hosts-deny.ts'
import { ban } from '../bans/jail.ts'
import { clearBanProgram, startBanProgram, startBanProgramUnits } from '../bans/legacy.ts'
import { readInit } from '../facts/systemd.ts'
import type { Network } from '../network.ts'
import type { BanSet } from '../policy/backends/definition.ts'
import { BAN_SET_FILES, BANS_CONF, LOADER, protectedBy, UNIT_PATH } from '../policy/ban-set.ts'
import {
  LEGACY_CONF,
  LEGACY_FILES,
  LEGACY_PROGRAM,
  legacyBackend,
  legacyProtected,
} from '../policy/legacy-bans.ts'
import { outputIn, TIMERS, timerPaths } from '../policy/timers.ts'
import { messageOf } from '../system/host-error.ts'
import { activity, step } from '../system/progress.ts'
import { releasedBy, releaseJailed, undoFirewallBans } from './bans.ts'
import type { Restoration, RestoredFile } from './merge.ts'
import type { Undone } from './record.ts'
import {
  findLeftovers,
  keepPresent,
  readCopy,
  removeDirectories,
  removeLeftovers,
  removeTemporary,
  restoreFile,
} from './restore-files.ts'
import { activeUnits, restoreServices } from './services.ts'
import { readBytes } from './store.ts'

const fileOf = ({ files }: Restoration, path: string): RestoredFile | undefined =>
  files.find((file) => file.path === path)

/** Whether a file is to be there again, is to go, or is not part of this. */
const changeOf = (restoration: Restoration, path: string): 'restored' | 'removed' | null => {
  const file = fileOf(restoration, path)
  return file === undefined ? null : file.copy === null ? 'removed' : 'restored'
}

/** How bans were made before the apply, and how they are made until everything is restored. */
interface BanPath {
  /** The set that is loaded now; null: there is none, or an interrupted rollback has removed its configuration. */
  readonly present: BanSet | null
  readonly removesBanSet: boolean
  /** The networks that the earlier configuration protects; null: portward did not ban then. */
  readonly allowed: readonly Network[] | null
  /** The ban program of the first version. */
  readonly program: 'restored' | 'removed' | null
  /** The backend of that program if it is restored: its rules are in force before the set is removed. */
  readonly legacyBackend: string | undefined
}

const readBanPath = async (state: string, restoration: Restoration): Promise<BanPath> => {
  const textOf = async (path: string): Promise<string | null> => {
    const file = fileOf(restoration, path)
    const bytes = file === undefined ? await readBytes(path) : await readCopy(state, file)
    return bytes?.toString('latin1') ?? null
  }
  const program = changeOf(restoration, LEGACY_PROGRAM)
  const [conf, legacy] = await Promise.all([textOf(BANS_CONF), textOf(LEGACY_CONF)])
  return {
    present: await readBanSet(),
    removesBanSet: changeOf(restoration, BANS_CONF) === 'removed',
    allowed: conf !== null ? protectedBy(conf) : legacy !== null ? legacyProtected(legacy) : null,
    program,
    legacyBackend: program === 'restored' ? legacyBackend(legacy ?? '') : undefined,
  }
}

/** Loads the earlier set, whose files have been restored; by its loader alone if it had no unit. */
const reloadBanSet = async (restoration: Restoration): Promise<void> => {
  const isOther = BAN_SET_FILES.some((path) => changeOf(restoration, path) === 'restored')
  const now = await readBanSet()
  if (!isOther || now === null || changeOf(restoration, LOADER) === 'removed') return
  await loadBanSet(changeOf(restoration, UNIT_PATH) === 'removed' ? 'sysv' : readInit())
  // It is not known any more which set an interrupted rollback was replacing.
  if (changeOf(restoration, BANS_CONF) === 'restored') await removeOtherBanSets(now)
}

/** Removes what timers write now and will not write again once their unit files are restored. */
const discardOutputs = async (state: string, restoration: Restoration): Promise<void> => {
  for (const timer of TIMERS) {
    const [service = ''] = timerPaths(timer)
    const file = fileOf(restoration, service)
    if (file === undefined) continue
    const texts = [await readBytes(file.real), await readCopy(state, file)]
    const [now = null, then] = texts.map((bytes) => outputIn(bytes?.toString('latin1') ?? ''))
    if (now !== null && now !== then) await discardOutput(`${timer.unit}.timer`, now)
  }
}

/** The result of a restoration. */
export interface Outcome {
  /** What could not be restored and has to be tried again. */
  readonly failures: readonly string[]
  /** What differs from before although all files are restored, and would differ after another attempt, too. */
  readonly unrestored: readonly string[]
}

/**
 * Restores the state before some generations. Idempotent, so that it can be repeated after a crash: what is as before already
 * is not touched. Continues after a failure, to restore as much as possible.
 */
export const restore = async (state: string, restoration: Restoration, as: Undone): Promise<Outcome> => {
  const { files, packages, services, releases } = restoration
  const failures: string[] = []
  const unrestored: string[] = []
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: unknown) => failures.push(messageOf(error)))
  }
  /** The same as a step of its own. */
  const attemptStep = (what: string, work: () => Promise<unknown>): Promise<void> =>
    attempt(() => step(`rolling back: ${what}`, work))
  const restoreFiles = async (): Promise<void> => {
    for (const file of files) {
      await attemptStep(file.path, () => restoreFile(state, file))
    }
    await attempt(() => removeTemporary(restoration))
  }
  if (restoration.root !== '/') {
    await restoreFiles()
    await attempt(() => removeDirectories(restoration))
    return { failures, unrestored }
  }
  // While their files exist. Those that were enabled before are started again with the services.
  for (const timer of TIMERS)
    if (timerPaths(timer).some((path) => changeOf(restoration, path) === 'removed'))
      await attempt(() => disable(`${timer.unit}.timer`))
  await attempt(() => discardOutputs(state, restoration))
  const { present, removesBanSet, allowed, program, legacyBackend } = await readBanPath(state, restoration)
  const isReleased = releasedBy(as, restoration.bans, allowed)
  const purges = packages.length > 0
  await attempt(() => undoFirewallBans(restoration.bans, removesBanSet, isReleased))
  if (program === 'removed') await attempt(clearBanProgram)
  await attempt(() => releaseJailed(isReleased))
  if (removesBanSet) await attempt(stopBanUnit)
  // The old program bans all hosts before the set is removed, while fail2ban can still list them.
  if (program === 'restored')
    await attempt(async () => {
      for (const file of files) if (LEGACY_FILES.includes(file.path)) await restoreFile(state, file)
      await startBanProgram((address) => !isReleased(address))
    })
  // While their init scripts still exist, and before the files with their state are removed.
  if (purges || (await findLeftovers(restoration)).length > 0)
    await attemptStep('the daemons are stopped', stopServices)
  // While its programs are installed. Otherwise later: as long as fail2ban's action is loaded, it would restore the rules.
  if (purges && removesBanSet) await attemptStep('the ban set', () => removeBanSet(present, legacyBackend))
  let kept: ReadonlyMap<string, readonly string[]> = new Map()
  if (purges) {
    await attemptStep(`packages ${packages.join(', ')}`, async () => {
      // The packages' scripts also remove files that are restored afterwards: first copy what others wrote to them.
      for (const file of files) await keepPresent(state, file)
      kept = await purge(packages, restoration.configured)
    })
    for (const [name, others] of kept)
      unrestored.push(`${name} was not removed: ${others.join(', ')} would be removed with it`)
  }
  await restoreFiles()
  await attempt(() => releaseDenied('/', isReleased))
  await attempt(() => removeLeftovers(restoration, [...kept.keys()]))
  if (removesBanSet) await attempt(removeBanSetLeftovers)
  await attempt(() => removeDirectories(restoration))
  if (!removesBanSet) await attempt(() => activity('reloading the bans', () => reloadBanSet(restoration)))
  unrestored.push(
    ...(await step('rolling back: services', () =>
      restoreServices(
        services,
        Date.parse(restoration.started),
        files.map(({ path }) => path),
      ),
    )),
  )
  if (program === 'restored') await attempt(startBanProgramUnits)
  if (!purges && removesBanSet) await attemptStep('the ban set', () => removeBanSet(present, legacyBackend))
  await attempt(() => redoBans(releases.flatMap(({ undo }) => undo)))
  const isAnswering = activeUnits(services, 'fail2ban').length > 0
  for (const { address, jailed } of releases) {
    await attemptStep(`the ban of ${address}`, async () => {
      if (jailed && isAnswering) await ban('portsentry', address)
    })
  }
  return { failures, unrestored }
}
