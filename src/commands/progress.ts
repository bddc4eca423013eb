import { type Task, watchedBy } from '../system/progress.ts'
import type { Display } from './display.ts'
import type { GlobalOptions } from './output.ts'

/** What takes less time needs no words; most commands end sooner, and load nothing for them. */
const PATIENCE_MS = 300

/** Shows what is under way while the work is done, on stderr; with --quiet and --json nothing. */
export const showingProgress = async <T>(options: GlobalOptions, work: () => Promise<T>): Promise<T> => {
  if (options.quiet || options.json) return work()
  let display: Display | undefined
  let opening: Promise<void> | undefined
  let patience: NodeJS.Timeout | undefined
  let isOver = false
  const open = async (): Promise<void> => {
    const { openDisplay } = await import('./display.ts')
    if (!isOver) display = openDisplay(options)
  }
  const openOnce = (): Promise<void> => {
    // The work matters more than that it is shown.
    opening ??= open().catch(() => undefined)
    return opening
  }
  const began = (task: Task): void | Promise<void> => {
    if (display !== undefined) return display.began(task)
    if (task.kind === 'step') return openOnce().then(() => display?.began(task))
    patience ??= setTimeout(openOnce, PATIENCE_MS)
  }
  try {
    return await watchedBy(
      {
        began,
        ended: (task, ending) => display?.ended(task, ending),
        advanced: (how) => display?.advanced(how),
        remarked: (text) => display?.remarked(text),
      },
      work,
    )
  } finally {
    isOver = true
    clearTimeout(patience)
    display?.close()
  }
}
