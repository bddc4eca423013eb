import { type HistoryEvent, parseHistory } from '../detector/history-reader.ts'
import { readHistoryTail } from './history-tail.ts'
import { HostError } from './host-error.ts'
import { anyConfiguration, type Vantage } from './places/vantage.ts'

export interface History {
  /** Null: there is none, or it cannot be read, and `remark` says why. */
  readonly events: readonly HistoryEvent[] | null
  readonly remark: string
}

/** The end of what portsentry has written down, in the file's order. */
export const readHistory = async (vantage: Vantage): Promise<History> => {
  const path = anyConfiguration(vantage)?.historyFile ?? null
  if (path === null) return { events: null, remark: vantage.remark || 'there is no HISTORY_FILE' }
  try {
    return { events: parseHistory(await readHistoryTail(vantage.root, path)), remark: '' }
  } catch (error) {
    if (error instanceof HostError) return { events: null, remark: error.message }
    throw error
  }
}

/**
 * Hosts that a running 2.x keeps in mind as blocked: it empties its history when it starts, so whoever is blocked there
 * is so in its memory, whatever became of its blocked file. 1.2 keeps nothing in mind.
 */
export const rememberedHosts = ({ release, modes }: Vantage, { events }: History): Set<string> =>
  new Set(
    release?.dialect === '2.x' && modes.length > 0
      ? (events ?? []).filter(({ isBlocked }) => isBlocked).map(({ host }) => host)
      : [],
  )
