/** An effect on the system that failed: which one, and what to do. The cause keeps the details. */
export class HostError extends Error {
  readonly hint: string

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'HostError'
    this.hint = hint
  }
}

/** What a failure says of itself. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The errno name (`ENOSPC`) of a failed system call, or undefined. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
