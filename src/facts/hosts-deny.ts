import { eachRule, parseHostsAccess } from '../documents/hosts-access.ts'
import { deniedAddresses } from '../documents/hosts-access-edit.ts'
import { notWithin } from '../documents/other-addresses.ts'
import { canonicalAddress } from '../network.ts'
import { readFileState } from '../system/files.ts'

export const HOSTS_DENY = '/etc/hosts.deny'

/** An address in canonical form; anything else as it is. */
export const canonical = (text: string): string => canonicalAddress(text) ?? text

/** The host of a line of the list that hosts.deny names, in canonical form: IPv6 addresses are in brackets there. */
export const deniedHost = (line: string): string => canonical(line.replace(/^\[(.*)\]$/, '$1'))

/** Hosts that hosts.deny bans, in canonical form. The admin's own lines are not bans. */
export interface Denied {
  /** The hosts that portsentry has entered, each once. */
  readonly entered: readonly string[]
  /** The hosts in the list; null if hosts.deny does not name it. */
  readonly listed: readonly string[] | null
}

/**
 * `listPath` is the list of banned hosts that hosts.deny may name; `known` is the text of hosts.deny, where it has been
 * read already. Throws HostError.
 */
export const readDenied = async (root: string, listPath: string, known?: string): Promise<Denied> => {
  const text = known ?? (await readFileState(root, HOSTS_DENY))?.text ?? ''
  const entered = [...new Set(deniedAddresses({ text, rules: eachRule(text) }).map(canonical))]
  const { rules } = parseHostsAccess(text, notWithin([]))
  if (!rules.some(({ clients }) => clients.includes(listPath))) return { entered, listed: null }
  const list = (await readFileState(root, listPath))?.text ?? ''
  return { entered, listed: list.split('\n').filter(Boolean).map(deniedHost) }
}
