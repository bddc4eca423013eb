import { isAbsolute, relative } from 'node:path'
import type { Problem } from '../../problem.ts'
import type { Plan } from '../plan.ts'

/** How `portward plan` can print a plan. */
export const FORMATS = ['text', 'json', 'diff', 'github', 'gitlab', 'markdown'] as const

export type Format = (typeof FORMATS)[number]

/**
 * Which files the text shows with their changed lines: all, none, or `folded`: not those that portward writes as a whole,
 * unless they exist and few of their lines change.
 */
export const DIFFS = ['full', 'folded', 'none'] as const

export type DiffChoice = (typeof DIFFS)[number]

/** What a format shows: a plan, or why there is none. */
export interface Report {
  /** Null if there is none because of problems. */
  readonly plan: Plan | null
  readonly problems: readonly Problem[]
  /** Whether there is no plan because config.env is wrong. */
  readonly isConfigurationWrong: boolean
  /** Absolute path of config.env: the location of findings that do not belong to another file. */
  readonly configPath: string
  /** The directory that paths are relative to: in CI the checkout. */
  readonly directory: string
}

/** A path as CI expects it: relative, if it is below the directory. */
export const shownPath = ({ directory }: Pick<Report, 'directory'>, path: string): string => {
  if (!isAbsolute(path)) return path
  const below = relative(directory, path)
  return below === '..' || below.startsWith('../') ? path : below || '.'
}
