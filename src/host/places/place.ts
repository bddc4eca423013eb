import type { PlacedBan, PlaceName, PlaceReading } from '../../policy/ban-view.ts'

/** What came of releasing hosts at one place. */
export interface Released {
  /** What an administrator has to know about it. */
  readonly remarks: readonly string[]
}

/** Somewhere that bans can be. The places do not know each other. */
export interface BanPlace {
  readonly name: PlaceName
  /** All its bans; never throws over what cannot be read, but says so in the reading. */
  readonly read: () => Promise<PlaceReading>
  /** Lets go of these hosts (canonical texts), whether or not it has them. Throws HostError. */
  readonly release: (hosts: ReadonlySet<string>) => Promise<Released>
}

export const NOTHING_TO_SAY: Released = { remarks: [] }

/** What a place reads as that could not be looked at, or (`isUnknown` false) that does not exist. */
export const unread = (place: PlaceName, remark: string, isUnknown = true): PlaceReading => ({
  place,
  bans: null,
  isUnknown,
  isExpected: false,
  remark,
})

/** A ban of which the place keeps the address alone. */
export const bareBan = (address: string, where: string): PlacedBan => ({
  address,
  where,
  sinceMs: null,
  untilMs: null,
  port: null,
  protocol: null,
  mode: null,
})
