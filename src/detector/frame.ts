/**
 * One captured frame. `bytes` is what was captured of it, and may be a view of the chunk that was pushed:
 * whoever keeps it for longer copies it. `originalLength` is what was on the wire, never less than `bytes`.
 */
export interface Frame {
  /** Whole milliseconds since the epoch, rounded down. */
  readonly timeMs: number
  /** LINKTYPE_ number as tcpdump.org registers it. */
  readonly linkType: number
  readonly bytes: Uint8Array
  readonly originalLength: number
}

/** More than libpcap ever captures of one frame (its MAXIMUM_SNAPLEN). */
export const MAX_CAPTURED = 262_144

/**
 * A kind of capture file, as the units that it is made of: a header, a record, a block. `measure` and `read`
 * answer with a text where the unit is nonsense; what it says is for whoever reads the error.
 */
export interface CaptureFormat {
  /** What a unit is called in messages: `record`, `block`. */
  readonly unit: string
  /** How many bytes of the next unit `measure` has to see. */
  headLength(): number
  /** How many bytes the unit has. */
  measure(head: Uint8Array): number | string
  /** The frame in a unit; null where it holds none. */
  read(unit: Uint8Array): Frame | string | null
}
