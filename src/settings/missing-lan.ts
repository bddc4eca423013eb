import type { ConfigLines } from './config-lines.ts'
import type { Complaint } from './lan.ts'
import { nearMiss } from './near-miss.ts'

const PAIR = ['LAN_IP', 'LAN_NM']

/** Whether the file tries to set one of the pair: in a quoted text, or by a name such as LANIP or LAN_NETMASK. */
const isMeant = ({ assignments, swallowed }: ConfigLines): boolean =>
  PAIR.some((name) => swallowed.has(name)) ||
  assignments.some(({ name }) => /^lan/i.test(name) && PAIR.includes(nearMiss(name, new Set()) ?? ''))

/** LAN_IP and LAN_NM must both be set, or neither on a server without a LAN. `set`: names that have a value. */
export const findMissingLan = (lines: ConfigLines, set: ReadonlySet<string>): Complaint[] => {
  const missing = PAIR.filter((name) => !set.has(name))
  if (missing.length === PAIR.length && !isMeant(lines)) return []
  return missing.map((name) => {
    const opened = lines.swallowed.get(name)
    const hint =
      opened !== undefined
        ? `close the quote that opens on line ${opened}`
        : missing.length === PAIR.length
          ? `add ${name}=… to the file`
          : `add ${name}=… to the file, or leave out both LAN_IP and LAN_NM on a server without a LAN`
    return { name, code: 'missing', message: 'is not set', hint }
  })
}
