import { readFileState } from '../system/files.ts'
import { STATE } from '../system/lock.ts'

/** The record of `portward refresh`; only root can read it. */
export const HEALTH_PATH = `${STATE}/names.json`

/** Its text and when refresh last looked, in ms since 1970; null: it has not run yet, or this is not root. */
export const readHealthRecord = async (): Promise<{
  readonly text: string
  readonly checkedMs: number
} | null> => {
  const file = await readFileState('/', HEALTH_PATH).catch(() => null)
  return file === null ? null : { text: file.text, checkedMs: file.modifiedMs }
}
