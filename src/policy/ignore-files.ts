import { type IgnoreFile, ignoreEntries, ignoreFilePath, parseIgnoreFile } from '../documents/ignoreip.ts'
import { formatNetwork, isWithin, type Network, parseNetwork } from '../network.ts'
import { shortList } from '../phrases.ts'
import type { Problem } from '../problem.ts'
import type { Facts } from './facts.ts'
import { isFail2ban } from './fail2ban-version.ts'
import { type Effective, effective, enabledJails, type Fail2banView } from './fail2ban-view.ts'
import { FAIL2BAN_DIRECTORY, JAIL_PATH, viewWith } from './jail.ts'
import { type Release, sees } from './release.ts'

/** Files in ignoreip, which fail2ban reads since 1.1.1. What earlier ones do with such an entry was tried on 1.0.2 and 1.1.0. */
const FILE = /file:/

/** The files that ignoreip names in [DEFAULT] or in an enabled jail. */
export const namedIgnoreFiles = (facts: Pick<Facts, 'files'>): string[] => {
  const isNamed = [...facts.files].some(
    ([path, { text }]) => path.startsWith(`${FAIL2BAN_DIRECTORY}/`) && FILE.test(text),
  )
  if (!isNamed) return []
  const view = viewWith(facts)
  const lists = ['DEFAULT', ...enabledJails(view)].map(
    (jail) => effective(view, jail, 'ignoreip')?.value ?? '',
  )
  return [...new Set(lists.flatMap(ignoreEntries).flatMap((entry) => ignoreFilePath(entry) ?? []))]
}

/** The files by path; null if this fail2ban does not read any. */
export const readableIgnoreFiles = (facts: Facts): ReadonlyMap<string, IgnoreFile> | null =>
  isFail2ban(facts, 1, 1, 1) === false ? null : facts.ignoreFiles

const placeOf = ({ path, line }: Effective) => ({ path: `${FAIL2BAN_DIRECTORY}/${path}`, line })

const judgeEntry = (entry: string, path: string, value: Effective, facts: Facts): Problem[] => {
  const at = placeOf(value)
  const list = 'list the addresses themselves'
  if (isFail2ban(facts, 1, 1, 0) === false) {
    const message = `fail2ban does not start because of this: ignoreip has ${entry}, and only fail2ban 1.1.1 and later read files`
    return [{ severity: 'error', code: 'fail2ban-fault', message, hint: list, at }]
  }
  const warn = (message: string, hint: string): Problem[] => [
    { severity: 'warning', code: 'ignoreip-file', message, hint, at },
  ]
  if (isFail2ban(facts, 1, 1, 1) === false) {
    return warn(
      `this fail2ban takes ${entry} in ignoreip for the name of a host, so nothing in that file is exempt from bans`,
      `${list}, or install fail2ban 1.1.1`,
    )
  }
  const file = facts.ignoreFiles.get(path)
  return file !== undefined && 'reason' in file
    ? warn(
        `ignoreip names ${path}, which ${file.reason}: who is exempt by it was not checked`,
        'create the file, or remove the entry',
      )
    : []
}

/** What is wrong with files in the ignoreip of these jails. */
export const ignoreFileFaults = (view: Fail2banView, jails: readonly string[], facts: Facts): Problem[] =>
  jails.flatMap((jail) => {
    const value = effective(view, jail, 'ignoreip')
    if (value === undefined) return []
    return ignoreEntries(value.value).flatMap((entry) => {
      const path = ignoreFilePath(entry)
      return path === null ? [] : judgeEntry(entry, path, value, facts)
    })
  })

/**
 * Addresses that ignoreip in [DEFAULT] exempts in every jail, but the portsentry jail's own ignoreip, which replaces it, does
 * not. Host names are left out: they are not resolved here.
 */
export const lostIgnoreIps = (facts: Facts, release: Release, networks: readonly Network[]): Problem[] => {
  const others = new Map([...facts.files].filter(([path]) => path !== JAIL_PATH))
  const view = viewWith({ ...facts, files: others })
  const ignoreip = effective(view, 'DEFAULT', 'ignoreip')
  if (!ignoreip?.resolved) return []
  const lost = (entries: readonly string[]): string[] =>
    entries
      .flatMap((text) => parseNetwork(text) ?? [])
      .filter((given) => sees(release, given))
      .filter((given) => !isWithin(networks, given))
      .map(formatNetwork)
  const warn = (what: string, hint: string): Problem => ({
    severity: 'warning',
    code: 'ignoreip-lost',
    message: `exempts ${what} with [DEFAULT] ignoreip, which does not apply to the portsentry jail`,
    hint,
    at: placeOf(ignoreip),
  })
  const entries = ignoreEntries(ignoreip.value)
  const files = readableIgnoreFiles(facts)
  const inFiles = [...new Set(entries.flatMap((entry) => ignoreFilePath(entry) ?? []))].flatMap((path) => {
    const file = files?.get(path)
    const found = file === undefined || 'reason' in file ? [] : parseIgnoreFile(file.text)
    const addresses = [...new Set(lost(found.map(({ entry }) => entry)))]
    return addresses.length === 0
      ? []
      : [warn(`${shortList(addresses)} (in ${path})`, `add what is in ${path} to WHITELIST`)]
  })
  return [...lost(entries).map((given) => warn(given, `add ${given} to WHITELIST`)), ...inFiles]
}
