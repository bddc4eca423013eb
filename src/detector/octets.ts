/** Unsigned numbers in network order. What lies beyond the bytes counts as 0. */
export const uint16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

export const uint32 = (bytes: Uint8Array, at: number): number =>
  uint16(bytes, at) * 65536 + uint16(bytes, at + 2)

const uint16Little = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)

const uint32Little = (bytes: Uint8Array, at: number): number =>
  uint16Little(bytes, at) + uint16Little(bytes, at + 2) * 65536

/** Two halves of 32 bits as one number. */
export const joined64 = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low)

/** How the machine that wrote a capture orders the bytes of its numbers. */
export interface ByteOrder {
  readonly uint16: (bytes: Uint8Array, at: number) => number
  readonly uint32: (bytes: Uint8Array, at: number) => number
  readonly uint64: (bytes: Uint8Array, at: number) => bigint
}

export const BIG_ENDIAN: ByteOrder = {
  uint16,
  uint32,
  uint64: (bytes, at) => joined64(uint32(bytes, at), uint32(bytes, at + 4)),
}

export const LITTLE_ENDIAN: ByteOrder = {
  uint16: uint16Little,
  uint32: uint32Little,
  uint64: (bytes, at) => joined64(uint32Little(bytes, at + 4), uint32Little(bytes, at)),
}
