import { applyEdits } from '../documents/edit.ts'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { removeDenied } from '../documents/hosts-access-edit.ts'
import { canonical, deniedHost, HOSTS_DENY } from '../facts/hosts-deny.ts'
import { DENIED } from '../policy/ban-set.ts'
import { readFileState, replaceFile, rewriteGrowing } from '../system/files.ts'
import type { HostError } from '../system/host-error.ts'

/** Takes hosts out of that file. Throws HostError. */
const releaseFromFile = async (root: string, isReleased: (host: string) => boolean): Promise<void> => {
  const file = await readFileState(root, DENIED)
  if (file === null) return
  const lines = file.text.split('\n')
  const kept = lines.filter((line) => line === '' || !isReleased(deniedHost(line)))
  if (kept.length < lines.length) await replaceFile(root, DENIED, kept.join('\n'), 0o644)
}

/** Whether a text for hosts.deny has nothing but portsentry's own lines. */
export const isOnlyDenials = (text: string): boolean => {
  const edits = removeDenied(parseHostsAccess(text), () => true)
  return applyEdits(text, edits).trim() === ''
}

/** Takes these hosts (canonical texts) out: portsentry's lines, and lines of the file that is named. Throws HostError. */
export const releaseDenied = async (root: string, isReleased: (host: string) => boolean): Promise<void> => {
  const release = (text: string): string =>
    applyEdits(
      text,
      removeDenied(parseHostsAccess(text), (client) => isReleased(canonical(client))),
    )
  await rewriteGrowing(root, HOSTS_DENY, release, 0o644)
  await releaseFromFile(root, isReleased)
}

/**
 * Gives hosts.deny the bytes of a plan that was made when it had others. Hosts that portsentry has entered since then are kept
 * entered. Throws HostError where anything else has changed.
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
