import type { Desired } from '../policy/desired.ts'
import { type Facts, fileText } from '../policy/facts.ts'
import { outputIn, TIMERS, timerPaths } from '../policy/timers.ts'
import type { DiscardStep, EnableStep, RemoveStep, TimerStep, WriteStep } from './plan.ts'
import { CHANGES } from './services.ts'

const unitOf = ({ unit }: (typeof TIMERS)[number]): string => `${unit}.timer`

/** Timers that config.env no longer asks for: first of all, as systemd cannot disable a unit whose file is gone. */
export const planTimerStops = ({ timers }: Desired, { live, files }: Facts, all = TIMERS): EnableStep[] => {
  if (live === null || live.init !== 'systemd') return []
  return all
    .filter((timer) => !timers.has(unitOf(timer)))
    .filter((timer) => live.enabled.has(unitOf(timer)) || timerPaths(timer).some((path) => files.has(path)))
    .map((timer) => ({ kind: 'disable', unit: unitOf(timer) }))
}

/** Files that the timers wrote until now and will not write any more: stale numbers would be taken for true. */
export const planDiscards = ({ ownedFiles }: Desired, facts: Facts, all = TIMERS): DiscardStep[] => {
  if (facts.live === null) return []
  return all.flatMap((timer): DiscardStep[] => {
    const [service = ''] = timerPaths(timer)
    const [now, then] = [fileText(facts, service), ownedFiles.get(service)].map((text) =>
      outputIn(text ?? ''),
    )
    if (now === null || now === undefined || now === then) return []
    return [
      {
        kind: 'discard',
        unit: unitOf(timer),
        path: now,
        reasons: [`${timer.outputVariable} does not name it any more`],
      },
    ]
  })
}

/** Timers that are not started, or whose unit files change: after the daemons, of which their first run tells. */
export const planTimerStarts = (
  { timers }: Desired,
  { live }: Facts,
  changes: readonly (WriteStep | RemoveStep)[],
  all = TIMERS,
): TimerStep[] => {
  if (live === null) return []
  return all
    .filter((timer) => timers.has(unitOf(timer)))
    .flatMap((timer): TimerStep[] => {
      const unit = unitOf(timer)
      const written = changes.filter(({ path }) => timerPaths(timer).includes(path))
      const edited = written.filter((step) => step.kind === 'write' && step.before !== null)
      const isNew = written.length > edited.length
      const down = live.enabled.has(unit)
        ? live.timers.active.has(unit)
          ? []
          : ['it is not running']
        : ['it does not start at boot']
      const reasons = isNew
        ? [`${timers.get(unit)} asks for it`]
        : [...edited.map(({ path }) => path + CHANGES), ...down]
      return reasons.length === 0 ? [] : [{ kind: 'start-timer', unit, reasons }]
    })
}
