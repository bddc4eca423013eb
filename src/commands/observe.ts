import type { Assessment } from '../assessment/assess.ts'
import { instanceOf } from '../bans/portsentry-instance.ts'
import type { HistoryRead } from '../bans/read-bans.ts'
import type { HistoryEvent } from '../detector/history-reader.ts'
import type { Activity, Observation, Source } from '../metrics/metrics.ts'
import type { StoreReading } from '../policy/banned.ts'
import type { Sources } from '../report/report.ts'
import { createTally, type Tally } from '../report/tally.ts'
import { localTime } from '../system/clock.ts'
import { readLastVerify } from '../verify/last-verify.ts'
import { type Bans, bansOf } from './bans.ts'
import { isWorking, judgeHealth, lookAt } from './health.ts'
import { readSources } from './report-sources.ts'
import { judgeServices } from './service-status.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** As many events tell why a host was banned: more than the end of the history has that other commands read. */
const MOST_EVENTS = 20_000

/** Counts what happened in the time up to `untilMs`. */
const createWindow = (lengthMs: number, untilMs: number) => {
  const sinceMs = untilMs - lengthMs
  const create = () =>
    createTally({
      ...{ sinceMs, untilMs, local: localTime, serviceOf: () => null },
      seed: Math.floor(Math.random() * 2 ** 31),
    })
  const tallies = { tcp: create(), udp: create() }
  let bans = 0
  return {
    addRecord: (event: HistoryEvent): void => tallies[event.protocol].addRecord(event),
    addBan: (beginMs: number): void => {
      if (beginMs >= sinceMs && beginMs < untilMs) bans += 1
    },
    finish: ({ history, database }: Sources): Activity & { readonly lastMs: number | null } => {
      const totals = { tcp: tallies.tcp.finish().totals, udp: tallies.udp.finish().totals }
      const last = Math.max(totals.tcp.lastMs ?? 0, totals.udp.lastMs ?? 0)
      return {
        scans: isRead(history.state) ? totals : null,
        // A record that fail2ban has removed would be missing.
        newBans: database.state === 'read' && database.keepsMs >= lengthMs ? bans : null,
        lastMs: last === 0 ? null : last,
      }
    },
  }
}

/** portsentry makes its history with the first scan. */
const isRead = (state: Sources['history']['state']): boolean => state === 'read' || state === 'absent'

/** Reads the history and the bans of the last day, and what the history tells of the bans. */
const readActivity = async (assessment: Assessment, nowMs: number) => {
  const [hour, day] = [createWindow(HOUR_MS, nowMs), createWindow(DAY_MS, nowMs)]
  const events: HistoryEvent[] = []
  const sink: Pick<Tally, 'addRecord' | 'addBan'> = {
    addRecord: (event) => {
      hour.addRecord(event)
      day.addRecord(event)
      events.push(event)
      if (events.length > 2 * MOST_EVENTS) events.splice(0, MOST_EVENTS)
    },
    addBan: ({ sinceMs }) => {
      hour.addBan(sinceMs)
      day.addBan(sinceMs)
    },
  }
  const sources = await readSources(assessment, sink, nowMs - DAY_MS)
  const note = sources.history.files.find((file) => file.note !== '')?.note ?? sources.history.note
  const history: HistoryRead = isRead(sources.history.state)
    ? { history: events, historyUnread: '' }
    : { history: null, historyUnread: note }
  const { lastMs, ...lastDay } = day.finish(sources)
  return { sources, history, lastHour: hour.finish(sources), lastDay, lastMs }
}

const countHosts = ({ bans }: StoreReading): number => new Set(bans.map(({ address }) => address)).size

/** The bans, as far as they were read: a number of hosts only of a running server of which every store was. */
const summarizeBans = ({ rows, stores, instance }: Bans, isHistoryRead: boolean) => {
  const isWhole = instance.isLive && stores.every(({ state }) => state !== 'incomplete')
  const present = stores.filter(({ state }) => state !== 'absent')
  return {
    sources: present.map(({ store, state }) => [store, state === 'read'] as const),
    banned: isWhole ? rows.length : null,
    partlyBanned: isWhole && isHistoryRead ? rows.filter(({ missing }) => missing.length > 0).length : null,
    stores: new Map(
      present
        .filter(({ state }) => state === 'read')
        .map((reading) => [reading.store, countHosts(reading)] as const),
    ),
  }
}

/** What the health and the daemons are; nothing where config.env or the release leave open what they should be. */
const judgeDaemons = (assessment: Assessment, bans: Bans): Pick<Observation, 'health' | 'daemons'> => {
  const { facts, release, settings } = assessment
  if (settings === null || release === null) return { health: null, daemons: [] }
  const services = judgeServices(facts, release, settings)
  const unread = bans.stores.filter(({ state }) => state === 'incomplete').map(({ store }) => store)
  const looked = lookAt(assessment, services, {
    banned: bans.rows.length,
    incomplete: bans.rows.filter(({ missing }) => missing.length > 0).length,
    unread,
  })
  return {
    health: judgeHealth(looked).state,
    daemons: services.map((service) => {
      const { name, running } = service
      return { name, running, working: isWorking(service, looked) }
    }),
  }
}

/** Reads all that the metrics of an assessed server or tree need. */
export const observe = async (assessment: Assessment, nowMs: number): Promise<Observation> => {
  const { facts, plan, settings } = assessment
  const isLive = facts.live !== null
  const { sources, history, lastHour, lastDay, lastMs } = await readActivity(assessment, nowMs)
  const bans = await bansOf(assessment, { history })
  const { isRead: isVerifyRead, last } = isLive ? await readLastVerify() : { isRead: false, last: null }
  const isPlanned = plan !== null && plan.inexact.length === 0
  const { database } = sources
  const isHistoryKnown = instanceOf(assessment).configuration?.historyFile !== undefined
  const { sources: storesRead, ...banned } = summarizeBans(bans, history.history !== null)
  const { health, daemons } = judgeDaemons(assessment, bans)
  return {
    ...{ version: PORTWARD_VERSION, nowMs, health, daemons, lastHour, lastDay, ...banned },
    isConfigValid: settings !== null && !assessment.isConfigurationWrong,
    lastScanMs: history.history === null ? null : lastMs,
    pendingChanges: isPlanned ? plan.steps.length : null,
    lastVerify: last,
    sources: new Map<Source, boolean>([
      ['config', assessment.configText !== null],
      ...(isLive ? [['daemons', facts.live.asRoot && daemons.length > 0] as const] : []),
      ['plan', isPlanned],
      ...storesRead,
      ...(isHistoryKnown ? [['history', history.history !== null] as const] : []),
      ...(database.state === 'absent' ? [] : [['ban-records', database.state === 'read'] as const]),
      ...(isLive ? [['last-verify', isVerifyRead] as const] : []),
    ]),
  }
}
