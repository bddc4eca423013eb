import { isUtf8 } from '../styled.ts'
import { monotonicMs } from '../system/clock.ts'
import { type Advance, type Task, underWay, type Watcher } from '../system/progress.ts'
import { SIGNALS } from '../system/signals.ts'
import { formatTimestamp } from '../system/timestamps.ts'
import { type GlobalOptions, openOutput, screenOf } from './output.ts'
import { logAdvance, logBegun, logEnded, renderEnded, renderUnderWay, renderWait } from './progress-lines.ts'
import { eraseStatus } from './status-line.ts'

/** Shows what is under way until it is closed. */
export interface Display extends Watcher {
  readonly close: () => void
}

/** Calls `tick` regularly while anything is under way. */
const whileBusy = (ms: number, tick: () => void) => {
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    clearInterval(timer)
    timer = undefined
  }
  const check = (): void => {
    if (underWay().length === 0) stop()
    else timer ??= setInterval(tick, ms)
  }
  return { check, stop }
}

/** The line must not outlive this process: a shell would write its prompt over it. Returns a function that ends that. */
const erasingAtEnd = (): (() => void) => {
  const onSignal = (signal: NodeJS.Signals): void => {
    eraseStatus()
    if (process.listenerCount(signal) > 1) return
    stop()
    process.kill(process.pid, signal)
  }
  const stop = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal)
    process.off('exit', eraseStatus)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('exit', eraseStatus)
  return stop
}

const REDRAW_MS = 200

/** On a terminal: a line for each step that has ended, and one below that is redrawn. */
const openLive = (options: GlobalOptions): Display => {
  const { stderr, env } = options.terminal
  const output = openOutput(options)
  const columns = (): number => screenOf(stderr, env).columns
  /** In ASCII an ellipsis, of which the line has two at most, takes two columns more. */
  const room = (): number => columns() - (isUtf8(env) ? 1 : 5)
  let advance: Advance | null = null
  let frame = 0
  const draw = (): void => {
    const line = renderUnderWay(underWay(), advance, monotonicMs(), room(), frame)
    frame += 1
    if (line === null) eraseStatus()
    else output.status(line)
  }
  const busy = whileBusy(REDRAW_MS, draw)
  const stopErasing = erasingAtEnd()
  stderr.on('resize', draw)
  busy.check()
  return {
    began: ({ kind }) => {
      if (kind === 'step') advance = null
      busy.check()
    },
    ended: (task, ending) => {
      if (task.kind === 'step') {
        advance = null
        output.complain(renderEnded(task, ending, monotonicMs() - task.beganMs, columns()))
      }
      busy.check()
      if (underWay().length === 0) eraseStatus()
    },
    advanced: (how) => {
      advance = how
    },
    remarked: (text) => {
      // Over the `^C` of the terminal.
      draw()
      output.complain(text)
    },
    close: () => {
      busy.stop()
      stderr.off('resize', draw)
      eraseStatus()
      stopErasing()
    },
  }
}

/** A wait that takes longer than this is reported. */
const SILENCE_MS = 5000

/** Where there is no terminal: lines with the time. */
const openLog = (options: GlobalOptions): Display => {
  const { note } = openOutput(options)
  const log = (text: string): void => note(`${formatTimestamp(Date.now())} ${text}`)
  const reported = new WeakSet<Task>()
  let advance: Advance | null = null
  const busy = whileBusy(1000, () => {
    const long = underWay().filter(
      ({ kind, beganMs }) => kind === 'wait' && monotonicMs() - beganMs >= SILENCE_MS,
    )
    for (const wait of long) {
      if (!reported.has(wait)) note(renderWait(wait))
      reported.add(wait)
    }
  })
  busy.check()
  return {
    began: (task) => {
      if (task.kind === 'step') {
        advance = null
        log(logBegun(task))
      }
      busy.check()
    },
    ended: (task, ending) => {
      if (task.kind === 'step') log(logEnded(task, ending, monotonicMs() - task.beganMs))
      busy.check()
    },
    advanced: (how) => {
      const line = logAdvance(advance, how)
      if (line !== null) log(line)
      advance = how
    },
    remarked: log,
    close: busy.stop,
  }
}

export const openDisplay = (options: GlobalOptions): Display => {
  const { stderr, env } = options.terminal
  return stderr.isTTY === true && env['TERM'] !== 'dumb' ? openLive(options) : openLog(options)
}
