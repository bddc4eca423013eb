/**
 * One captured frame. `bytes` is what was captured of it, and may be a view of the chunk that was pushed: keep a copy.
 * `originalLength` is what was on the wire, never less than `bytes`.
 */
export interface Frame {
  /** Whole milliseconds since the epoch, rounded down. */
  readonly timeMs: number
  /** LINKTYPE_ number as tcpdump.org registers it. */
  readonly linkType: number
  readonly bytes: Uint8Array
  readonly originalLength: number
}

/** A header, a record or a block: its size in bytes, and the frame in it, if any. */
interface Unit {
  readonly length: number
  readonly frame: Frame | null
}

/** Reads the unit at the start of the bytes; null if it is not complete yet. Throws BadCapture. */
export type UnitReader = (bytes: Uint8Array) => Unit | null

export class BadCapture extends Error {}

/** More than libpcap ever captures of one frame (its MAXIMUM_SNAPLEN). */
export const MAX_CAPTURED = 262_144
