import { applyEdits } from '../documents/edit.ts'
import { eachRule } from '../documents/hosts-access.ts'
import { removeDenied } from '../documents/hosts-access-edit.ts'
import { canonical, deniedHost, HOSTS_DENY } from '../facts/hosts-deny.ts'
import { DENIED } from '../policy/ban-set.ts'
import { readFileState, replaceFile, rewriteGrowing } from '../system/files.ts'
import type { HostError } from '../system/host-error.ts'

/** Removes hosts from the list that hosts.deny names. Throws HostError. */
const releaseFromFile = async (root: string, isReleased: (host: string) => boolean): Promise<void> => {
  const file = await readFileState(root, DENIED)
  if (file === null) return
  const lines = file.text.split('\n')
  const kept = lines.filter((line) => line === '' || !isReleased(deniedHost(line)))
  if (kept.length < lines.length) await replaceFile(root, DENIED, kept.join('\n'), 0o644)
}

/** Whether a text for hosts.deny has only lines that portsentry wrote. */
export const isOnlyDenials = (text: string): boolean => {
  const edits = removeDenied({ text, rules: eachRule(text) }, () => true)
  return applyEdits(text, edits).trim() === ''
}

/** Removes these hosts (canonical texts) from portsentry's lines, and from the list that hosts.deny names. Throws HostError. */
export const releaseDenied = async (root: string, isReleased: (host: string) => boolean): Promise<void> => {
  const release = (text: string): string =>
    applyEdits(
      text,
      removeDenied({ text, rules: eachRule(text) }, (client) => isReleased(canonical(client))),
    )
  await rewriteGrowing(root, HOSTS_DENY, release, 0o644)
  await releaseFromFile(root, isReleased)
}

/**
 * Writes the planned bytes of hosts.deny, and after them the lines that portsentry has added since the plan was made. Throws
 * the HostError of `changed` if anything else has changed.
 */
export const writeDenied = async (
  root: string,
  planned: { readonly before: string; readonly after: string },
  changed: () => HostError,
): Promise<void> => {
  const write = (text: string): string => {
    const added = text.slice(planned.before.length)
    if (!text.startsWith(planned.before) || !isOnlyDenials(added)) throw changed()
    return planned.after + added
  }
  await rewriteGrowing(root, HOSTS_DENY, write, 0o644)
}
