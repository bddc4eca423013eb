import { rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Init, loadedQuery } from '../facts/systemd.ts'
import { removalOf } from '../policy/backends/backends.ts'
import type { BanSet } from '../policy/backends/definition.ts'
import { BANS_CONF, BANS_UNIT, banSetOf, DENIED, LOADER } from '../policy/ban-set.ts'
import { besideLegacy } from '../policy/legacy-bans.ts'
import { effect } from '../system/effect.ts'
import { readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { run, tryRun } from '../system/process.ts'
import { ask } from '../system/query.ts'

const HINT = 'see whether the firewall can be changed here: nft list ruleset, iptables-save, ipset list -name'

/** Loads the ban set from the files on disk. Bans that are in force remain so while it loads. Throws HostError. */
export const loadBanSet = async (init: Init): Promise<void> => {
  if (init === 'sysv') {
    await effect(`run python3 ${LOADER}`, () => run('python3', [LOADER], HINT))
    return
  }
  if ((await ask(loadedQuery([BANS_UNIT]))).areStale)
    await effect('run systemctl daemon-reload', () =>
      run('systemctl', ['daemon-reload'], 'see systemctl status'),
    )
  await effect(`run systemctl restart ${BANS_UNIT}`, async () => {
    // systemd does not start a unit that kept failing for a while, unless its failures are reset.
    await tryRun('systemctl', ['reset-failed', BANS_UNIT])
    if ((await tryRun('systemctl', ['restart', BANS_UNIT])).exitCode === 0) return
    // For the loader's own error message, instead of systemd's.
    await run('python3', [LOADER], HINT)
    throw new HostError(`${BANS_UNIT} does not start`, `see what journalctl -u ${BANS_UNIT} says`)
  })
}

/** The ban set that bans.conf on this server describes; null if the file does not exist. */
export const readBanSet = async (): Promise<BanSet | null> =>
  banSetOf((await readFileState('/', BANS_CONF))?.text)

const ALL_SETS: readonly BanSet[] = [
  { backend: 'ipset', target: 'DROP' },
  { backend: 'ipset', target: 'REJECT' },
  { backend: 'nft', target: 'DROP' },
  { backend: 'route', target: 'DROP' },
]

const remove = (what: string, sets: readonly BanSet[]): Promise<void> =>
  effect(`remove ${what}`, async () => {
    await run('sh', ['-c', ['set -e', ...sets.map(removalOf)].join('\n')], HINT)
  })

/** Removes every ban set that may exist, except those that consist of the same sets and rules as this one. Throws HostError. */
export const removeOtherBanSets = (kept: BanSet): Promise<void> =>
  remove(
    'the other ban sets',
    ALL_SETS.filter((set) => removalOf(set) !== removalOf(kept)),
  )

/**
 * Removes a ban set with all its bans; null: it is not known which one exists, so all of them. Parts whose names the rules of
 * the first version also use, which are in force with the backend `legacy`, are kept. Throws HostError.
 */
export const removeBanSet = (set: BanSet | null, legacy?: string): Promise<void> =>
  remove(
    `the ban set${set === null ? '' : ` of ${set.backend}`}`,
    besideLegacy(set === null ? ALL_SETS : [set], legacy),
  )

/** What a ban set leaves: the list of banned hosts that hosts.deny named, and what Python made of the action. */
const LEFTOVERS = [DENIED, `${dirname(LOADER)}/__pycache__`]

export const removeLeftovers = async (): Promise<void> => {
  for (const path of LEFTOVERS)
    await effect(`remove ${path}`, () => rm(path, { recursive: true, force: true }))
  // The first version keeps notes in it.
  await rmdir(dirname(DENIED)).catch(() => {})
}
