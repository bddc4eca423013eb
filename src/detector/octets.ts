// Only for what reads captures: the build puts what several parts use into a file of its own, where each call takes longer, and
// these are called some twenty times for a packet.

/** Unsigned numbers in network order. Missing bytes count as 0. */
export const uint16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

/** The same in little-endian order, as in captures. */
export const uint16Little = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)

export const uint32Little = (bytes: Uint8Array, at: number): number =>
  uint16Little(bytes, at) + uint16Little(bytes, at + 2) * 65536
