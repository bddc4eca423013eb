import { columnsOf, cut, styled, wrap } from '../styled.ts'
import type { Advance, Ending, Task } from '../system/progress.ts'
import { formatDuration } from '../time.ts'

/** `0.1 s`, `12 s`, `4m 12s`. */
export const formatElapsed = (ms: number): string => {
  const tenths = Math.round(ms / 100) / 10
  if (tenths < 10) return `${tenths.toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000)
}

const nameOf = ({ position, what }: Task): string => (position === '' ? what : `[${position}] ${what}`)

/** `waiting for fail2ban to answer, up to 1m`. What does not fit is cut from what is waited for: its limit stays. */
export const renderWait = ({ what, limitMs }: Task, columns = Number.POSITIVE_INFINITY): string => {
  const limit = limitMs === null ? '' : `, up to ${formatDuration(limitMs)}`
  return cut(`${cut(`waiting for ${what}`, Math.max(1, columns - limit.length))}${limit}`, columns)
}

const MARKS: Readonly<Record<Ending['result'], string>> = {
  done: styled('green', '✔'),
  warned: styled('yellow', '⚠'),
  failed: styled('red', '✗'),
}

/** By so much Output indents all lines of a message but its first one. */
const INDENT = 4

/** A step that has ended, as the message that stays on the terminal. A time that is not worth a word is left out. */
export const renderEnded = (task: Task, { result, outcome }: Ending, ms: number, columns: number): string => {
  const text = wrap(`${MARKS[result]} ${outcome || task.what}`, columns - INDENT)
  if (ms < 50) return text
  const time = `  ${styled('dim', formatElapsed(ms))}`
  const isRoom = columnsOf(`${text.split('\n').at(-1)}${time}`) <= columns - INDENT
  return isRoom ? text + time : `${text}\n${time.trimStart()}`
}

const renderAdvance = ({ part, percent, text }: Advance): string =>
  `${part === 'download' ? 'downloading ' : ''}${Math.floor(percent)} %: ${text}`

/** A wait that is over sooner is not worth a word. */
const BRIEF_MS = 300

const SPINNER = ['|', '/', '-', '\\']

/**
 * What is under way, in one line: the latest step or activity, how far it is or what it has been waiting for the longest, and
 * since when. `frame` counts the lines that were drawn. Null: nothing is.
 */
export const renderUnderWay = (
  tasks: readonly Task[],
  advance: Advance | null,
  nowMs: number,
  columns: number,
  frame: number,
): string | null => {
  const wait = tasks.find(({ kind, beganMs }) => kind === 'wait' && nowMs - beganMs >= BRIEF_MS)
  const shown = tasks.findLast(({ kind }) => kind !== 'wait') ?? wait
  if (shown === undefined) return null
  const elapsedMs = nowMs - shown.beganMs
  const elapsed =
    elapsedMs < 1000
      ? ''
      : styled('dim', `  ${formatElapsed(Math.floor(elapsedMs / 1000) * 1000).replace('.0', '')}`)
  const room = columns - columnsOf(elapsed) - 2
  const name = shown.kind === 'wait' ? renderWait(shown, room) : nameOf(shown)
  // The advance of a step has half of the line at least; a wait, which may be long, all but the first words of its step.
  const besides = (part: number): number => Math.max(Math.floor(room * part), room - columnsOf(name)) - 3
  const detail =
    advance !== null
      ? cut(renderAdvance(advance), besides(1 / 2))
      : wait === undefined || wait === shown
        ? ''
        : renderWait(wait, besides(4 / 5))
  const tail = detail === '' ? '' : ` · ${detail}`
  return `${styled('cyan', SPINNER[frame % SPINNER.length] ?? '')} ${cut(name, room - columnsOf(tail))}${tail}${elapsed}`
}

/** Where nobody watches: the line when a step begins. */
export const logBegun = (task: Task): string => nameOf(task)

/** Where nobody watches: the line when a step has ended. */
export const logEnded = (task: Task, { result, outcome }: Ending, ms: number): string => {
  const time = formatElapsed(ms)
  if (outcome !== '') return `${outcome} (${time})`
  const end = result === 'failed' ? `failed after ${time}` : `done in ${time}`
  return task.position === '' ? `${task.what}: ${end}` : `[${task.position}] ${end}`
}

/** Where nobody watches: apt's progress in a few lines, at each quarter and when everything is downloaded. */
export const logAdvance = (before: Advance | null, now: Advance): string | null => {
  if (before?.part === 'download' && now.part === 'change') return 'apt: downloaded'
  const quarter = ({ percent }: Advance): number => Math.floor(percent / 25)
  const reached = before?.part === now.part ? quarter(before) : 0
  return quarter(now) > reached && now.percent < 100 ? `apt: ${renderAdvance(now)}` : null
}
