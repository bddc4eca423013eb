import { join } from 'node:path'

/** The directory of the project. */
export const checkout = join(import.meta.dirname, '..')
