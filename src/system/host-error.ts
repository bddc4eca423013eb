/** An effect on the system that failed: which one, and what to do. The cause has the details. */
export class HostError extends Error {
  readonly hint: string

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'HostError'
    this.hint = hint
  }
}

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The errno name (`ENOSPC`) of a failed system call, or undefined. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** Whether a system call failed because its path does not exist. */
export const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'run portward as root',
  EPERM: 'run portward as root, and see whether the file is immutable (lsattr)',
  EROFS: 'remount the file system read-write',
  ENOSPC: 'free some space on the file system',
  EDQUOT: 'free some space within the quota',
  EISDIR: 'see what is there',
  ENOTDIR: 'see what is there',
}

/** A system call on a path that failed: `cannot read /etc/x: EACCES`, with what helps against that. */
export const failedTo = (action: string, path: string, error: unknown): HostError => {
  const code = errnoOf(error)
  const message = `cannot ${action} ${path}: ${code ?? 'unknown error'}`
  return new HostError(message, HINTS[code ?? ''] ?? 'see the system log', { cause: error })
}
