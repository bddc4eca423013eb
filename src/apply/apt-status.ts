import type { Advance } from '../system/progress.ts'

const PARTS = { dlstatus: 'download', pmstatus: 'change' } as const

/** `pmstatus:fail2ban:40.9091:Unpacking fail2ban (all)`, as apt writes to its APT::Status-Fd; null: it tells something else. */
const parseLine = (line: string): Advance | null => {
  const [, kind, percent, text = ''] = /^(dlstatus|pmstatus):.*?:(\d+(?:\.\d+)?):(.*)$/.exec(line) ?? []
  if (kind === undefined) return null
  return {
    part: PARTS[kind as keyof typeof PARTS],
    percent: Math.min(100, Number(percent)),
    text: text.trim(),
  }
}

/** How far apt is by the last line that says so, and the beginning of a line that is not complete yet. */
export const parseAptStatus = (text: string): { readonly latest: Advance | null; readonly rest: string } => {
  const lines = text.split('\n')
  const rest = lines.pop() ?? ''
  return { latest: lines.map(parseLine).findLast((advance) => advance !== null) ?? null, rest }
}
