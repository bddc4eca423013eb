/**
 * One captured frame: the bytes from `start` to `end`. The reader overwrites it when it reads on, and the bytes may be those of
 * the chunk that was pushed. `originalLength` is what was on the wire, never less than what was captured.
 */
export interface Frame {
  /** Whole milliseconds since the epoch, rounded down. */
  readonly timeMs: number
  /** LINKTYPE_ number as tcpdump.org registers it. */
  readonly linkType: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly originalLength: number
}

/** The link type of a unit that has no frame. */
export const NO_FRAME = -1

/**
 * Reads the unit (a header, a record or a block) at `start`. Returns its size in bytes, 0 if it is not complete yet, and writes
 * the frame in it, if any, to `frame`, whose link type is NO_FRAME before. Throws BadCapture.
 */
export type UnitReader = (
  bytes: Uint8Array,
  start: number,
  frame: { -readonly [key in keyof Frame]: Frame[key] },
) => number

export class BadCapture extends Error {}

/** More than libpcap ever captures of one frame (its MAXIMUM_SNAPLEN). */
export const MAX_CAPTURED = 262_144
