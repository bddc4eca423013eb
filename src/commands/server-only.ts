import { HostError } from '../host/host-error.ts'
import type { GlobalOptions } from './output.ts'

/** A tree has no generations: those of this very server must not be taken for its own. Throws HostError. */
export const expectServer = ({ root }: Pick<GlobalOptions, 'root'>): void => {
  if (root === '/') return
  throw new HostError(
    'generations are kept of a running server, not of a tree',
    "leave --root out, or look into the tree's own history",
  )
}
