import { monotonicMs } from './clock.ts'

/**
 * Something under way. A `step` is a change of the server, or a part of its proof, that gets a line of its own; an `activity`
 * is only of interest while it lasts; a `wait` is for somebody else.
 */
export interface Task {
  readonly kind: 'step' | 'activity' | 'wait'
  /** What is done; of a wait, what is waited for. */
  readonly what: string
  /** Which of how many: `3/14`; '' if nobody counts. */
  readonly position: string
  /** Of a wait: how long it may take. */
  readonly limitMs: number | null
  /** On the monotonic clock. */
  readonly beganMs: number
}

/** How a task ended. */
export interface Ending {
  readonly result: 'done' | 'warned' | 'failed'
  /** What came of it; '' if its end says all. */
  readonly outcome: string
}

/** How far the program of a step is. */
export interface Advance {
  readonly part: 'download' | 'change'
  /** Of this part, 0 to 100. */
  readonly percent: number
  /** In the program's own words. */
  readonly text: string
}

/** Hears what is under way. */
export interface Watcher {
  /** A step waits for the promise before its work. */
  readonly began: (task: Task) => void | Promise<void>
  readonly ended: (task: Task, ending: Ending) => void
  readonly advanced: (advance: Advance) => void
  /** Something to tell now. */
  readonly remarked: (text: string) => void
}

const running = new Set<Task>()

/** Everything under way, the latest last. */
export const underWay = (): readonly Task[] => [...running]

/** Of the works that are watched, the latest last: its watcher hears. */
const watchers = new Set<Watcher>()

const watcher = (): Watcher | undefined => [...watchers].at(-1)

/** While `work` is done, the watcher hears what is under way; outside of such work nobody does. */
export const watchedBy = async <T>(watching: Watcher, work: () => Promise<T>): Promise<T> => {
  watchers.add(watching)
  try {
    return await work()
  } finally {
    watchers.delete(watching)
  }
}

const DONE: Ending = { result: 'done', outcome: '' }

const perform = async <T>(
  given: Omit<Task, 'beganMs'>,
  work: () => Promise<T>,
  judge: (result: T) => Ending,
): Promise<T> => {
  const task: Task = { ...given, beganMs: monotonicMs() }
  running.add(task)
  let ending: Ending = { result: 'failed', outcome: '' }
  try {
    const begun = watcher()?.began(task)
    if (task.kind === 'step') await begun
    const result = await work()
    ending = judge(result)
    return result
  } finally {
    running.delete(task)
    watcher()?.ended(task, ending)
  }
}

/** Does a step; `judge` says what came of it. */
export const step = <T>(
  what: string,
  work: () => Promise<T>,
  {
    position = '',
    judge = () => DONE,
  }: Pick<Partial<Task>, 'position'> & { judge?: (result: T) => Ending } = {},
): Promise<T> => perform({ kind: 'step', what, position, limitMs: null }, work, judge)

/** Does something that a user at the terminal should know about while it lasts. */
export const activity = <T>(what: string, work: () => Promise<T>): Promise<T> =>
  perform({ kind: 'activity', what, position: '', limitMs: null }, work, () => DONE)

/** How many wait for the same: it is one task. */
const pending = new Map<string, number>()

/** Waits for what `what` names, for `limitMs` at most: whoever does the work sees to that. */
export const waitingFor = async <T>(what: string, limitMs: number, work: () => Promise<T>): Promise<T> => {
  const isFirst = !pending.has(what)
  pending.set(what, (pending.get(what) ?? 0) + 1)
  try {
    return await (isFirst ? perform({ kind: 'wait', what, position: '', limitMs }, work, () => DONE) : work())
  } finally {
    const others = (pending.get(what) ?? 1) - 1
    if (others === 0) pending.delete(what)
    else pending.set(what, others)
  }
}

/** Tells how far the program that the latest step runs is. */
export const advance = (how: Advance): void => watcher()?.advanced(how)

/** Tells something at once. */
export const remark = (text: string): void => watcher()?.remarked(text)
