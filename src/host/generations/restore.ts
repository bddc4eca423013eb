import {
  loadBanSet,
  readBanSet,
  removeBanSet,
  removeLeftovers as removeBanSetLeftovers,
  removeOtherBanSets,
  stopBanUnit,
} from '../../bans/ban-set.ts'
import { redoBans } from '../../bans/firewall.ts'
import { ban } from '../../bans/jail.ts'
import { clearBanProgram, startBanProgram, startBanProgramUnits } from '../../bans/legacy.ts'
import type { Network } from '../../network.ts'
import type { BanSet } from '../../policy/backends/definition.ts'
import { BAN_SET_FILES, BANS_CONF, LOADER, protectedBy, UNIT_PATH } from '../../policy/ban-set.ts'
import {
  LEGACY_CONF,
  LEGACY_FILES,
  LEGACY_PROGRAM,
  legacyBackend,
  legacyProtected,
} from '../../policy/legacy-bans.ts'
import { messageOf } from '../host-error.ts'
import { purge } from '../packages.ts'
import { readInit, restoreServices, stopServices } from '../services.ts'
import { emptyJail, liftBans, liftedBy, trimHostsDeny } from './bans.ts'
import type { MergedFile, Restoration } from './merge.ts'
import type { Undoing } from './record.ts'
import {
  keepPresent,
  leftoversOf,
  readBytes,
  removeDirectories,
  removeLeftovers,
  removeTemporary,
  restoreFile,
} from './restore-files.ts'
import { copyPath } from './store.ts'

const recordOf = ({ files }: Restoration, path: string): MergedFile | undefined =>
  files.find(({ record }) => record.path === path)

/** Whether a file is to be there again, is to go, or is no part of this. */
const fateOf = (restoration: Restoration, path: string): 'returns' | 'goes' | null => {
  const file = recordOf(restoration, path)
  return file === undefined ? null : file.record.copy === null ? 'goes' : 'returns'
}

/** What the bans were made with, and what they are made with until all is given back. */
interface BanPath {
  /** The set that is loaded now; null: there is none, or an interrupted rollback has taken its configuration away. */
  readonly present: BanSet | null
  readonly setGoes: boolean
  /** The networks that the configuration of before protects; null: nothing of portward's banned then. */
  readonly allowed: readonly Network[] | null
  /** The ban program of the first version. */
  readonly program: 'returns' | 'goes' | null
  /** The backend of that program where it returns: its rules are in force before the set goes. */
  readonly legacyBackend: string | undefined
}

const readBanPath = async (state: string, restoration: Restoration): Promise<BanPath> => {
  const present = await readBanSet()
  const textOf = async (path: string): Promise<string | null> => {
    const file = recordOf(restoration, path)
    if (file?.record.copy === null) return null
    const real = file === undefined ? path : copyPath(state, file.number, file.record.copy)
    return (await readBytes(real))?.toString('latin1') ?? null
  }
  const program = fateOf(restoration, LEGACY_PROGRAM)
  const [conf, legacy] = await Promise.all([textOf(BANS_CONF), textOf(LEGACY_CONF)])
  return {
    present,
    setGoes: fateOf(restoration, BANS_CONF) === 'goes',
    allowed: conf !== null ? protectedBy(conf) : legacy !== null ? legacyProtected(legacy) : null,
    program,
    legacyBackend: program === 'returns' ? legacyBackend(legacy ?? '') : undefined,
  }
}

/** The set of before is loaded by its files, which are back; where its unit is not, by its loader alone. */
const reload = async (restoration: Restoration): Promise<void> => {
  const isOther = restoration.files.some(
    ({ record }) => BAN_SET_FILES.includes(record.path) && record.copy !== null,
  )
  const now = await readBanSet()
  if (!isOther || now === null || fateOf(restoration, LOADER) === 'goes') return
  await loadBanSet(fateOf(restoration, UNIT_PATH) === 'goes' ? 'sysv' : readInit())
  // Which one an interrupted rollback has begun to replace is not known any more.
  if (fateOf(restoration, BANS_CONF) === 'returns') await removeOtherBanSets(now)
}

const resumeBanProgram = async (
  state: string,
  restoration: Restoration,
  isLifted: (address: string) => boolean,
): Promise<void> => {
  for (const file of restoration.files)
    if (LEGACY_FILES.includes(file.record.path)) await restoreFile(state, file)
  const before = new Set(restoration.bans.addresses)
  await startBanProgram((address) => before.has(address) || !isLifted(address))
}

/** What became of giving things back. */
export interface Outcome {
  /** What was not given back: to be tried again. */
  readonly failures: readonly string[]
  /** What is not as before though all files are, and trying again would not help. */
  readonly remarks: readonly string[]
}

/** Their own scripts take files away, too, some that are given back after that; what others wrote into them is kept. */
const removePackages = async (
  state: string,
  { packages, configured, files }: Restoration,
): Promise<Map<string, readonly string[]>> => {
  for (const file of files) await keepPresent(state, file)
  return purge(packages, configured)
}

/**
 * Gives back the state before some generations. May be done again after a crash, any number of times: what is as it was
 * is left alone. Goes on where something fails, so that as much as can be is given back.
 */
export const restore = async (
  state: string,
  restoration: Restoration,
  as: Undoing,
  tell: (what: string) => void,
): Promise<Outcome> => {
  const failures: string[] = []
  const remarks: string[] = []
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    await work().catch((error: unknown) => failures.push(messageOf(error)))
  }
  const isLive = restoration.root === '/'
  const purges = isLive && restoration.packages.length > 0
  const banPath = isLive ? await readBanPath(state, restoration) : null
  const isLifted = liftedBy(as, banPath?.allowed ?? null)
  /** While fail2ban's action is loaded, it would bring the rules back. */
  const removeSet = async (): Promise<void> => {
    if (banPath?.setGoes !== true) return
    await removeBanSet(banPath.present, banPath.legacyBackend)
  }
  if (banPath !== null) await attempt(() => liftBans(restoration.bans, banPath.setGoes, isLifted))
  if (banPath?.program === 'goes') await attempt(clearBanProgram)
  if (isLive) await attempt(() => emptyJail(restoration.bans, isLifted))
  if (banPath?.setGoes) await attempt(stopBanUnit)
  // It bans everyone before the set goes, while fail2ban can say who that is.
  if (banPath?.program === 'returns') await attempt(() => resumeBanProgram(state, restoration, isLifted))
  // While their init scripts are there, and before what they remember goes.
  if (isLive && (purges || leftoversOf(restoration).length > 0)) await attempt(stopServices)
  // While its programs are there.
  if (purges) await attempt(removeSet)
  let kept: ReadonlyMap<string, readonly string[]> = new Map()
  if (purges) {
    tell(`packages ${restoration.packages.join(', ')}`)
    await attempt(async () => {
      kept = await removePackages(state, restoration)
    })
    for (const [name, others] of kept) remarks.push(`${name} stays: ${others.join(', ')} would go with it`)
  }
  for (const file of restoration.files) {
    tell(file.record.path)
    await attempt(() => restoreFile(state, file))
  }
  await attempt(() => removeTemporary(restoration))
  if (isLive) await attempt(() => trimHostsDeny(restoration.bans, isLifted))
  if (isLive) await attempt(() => removeLeftovers(restoration, [...kept.keys()]))
  if (banPath?.setGoes) await attempt(removeBanSetLeftovers)
  await attempt(() => removeDirectories(restoration))
  if (!isLive) return { failures, remarks }
  if (banPath?.setGoes === false) await attempt(() => reload(restoration))
  const { enabled, daemons } = restoration.services
  const active = new Map(restoration.services.active)
  tell('services')
  remarks.push(...(await restoreServices({ enabled: new Set(enabled), active, daemons })))
  if (banPath?.program === 'returns') await attempt(startBanProgramUnits)
  if (!purges) await attempt(removeSet)
  const isAnswering = (active.get('fail2ban') ?? []).length > 0
  const { releases } = restoration
  await attempt(() => redoBans(releases.flatMap(({ undo }) => undo)))
  for (const { address, jailed } of releases) {
    tell(`the ban of ${address}`)
    if (jailed && isAnswering) await attempt(() => ban('portsentry', address))
  }
  return { failures, remarks }
}
