import type { Writable } from 'node:stream'

/** Where the line is drawn; null: nowhere. A process has one at most. */
let drawnOn: Writable | null = null

/** Erases the line, and what is below it: a terminal that became narrower has wrapped it. */
const ERASE = '\r\u001b[2K\u001b[J'

/**
 * Draws a line that is not there to stay in place of the last one. The cursor waits at its beginning: what else comes, such as
 * the `^C` of a terminal, overwrites it. Auto-wrap is off while it is written, for characters that are wider than others.
 */
export const drawStatus = (stream: Writable, line: string): void => {
  stream.write(`${ERASE}\u001b[?7l${line}\u001b[?7h\r`)
  drawnOn = stream
}

/** To be called before anything else is written to the terminal. */
export const eraseStatus = (): void => {
  drawnOn?.write(ERASE)
  drawnOn = null
}
