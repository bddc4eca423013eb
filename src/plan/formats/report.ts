import { isAbsolute, relative } from 'node:path'
import type { Problem } from '../../problem.ts'
import type { Plan } from '../plan.ts'

/** What a format shows: a plan, or why there is none. */
export interface Report {
  /** Null where the problems keep it from being made. */
  readonly plan: Plan | null
  readonly problems: readonly Problem[]
  /** Whether config.env is what is wrong, where there is no plan. */
  readonly isConfigurationWrong: boolean
  /** Absolute path of config.env: the place of what belongs to no other file. */
  readonly configPath: string
  /** The directory that paths are told from: the checkout's own, in CI. */
  readonly directory: string
}

/** A path as CI wants it: relative, where it lies below the directory. */
export const shownPath = ({ directory }: Pick<Report, 'directory'>, path: string): string => {
  if (!isAbsolute(path)) return path
  const below = relative(directory, path)
  return below === '..' || below.startsWith('../') ? path : below || '.'
}
