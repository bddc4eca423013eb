import { readFileSync } from 'node:fs'

/** Ticks of the kernel's clock a second, as /proc gives times (USER_HZ, the same on every architecture of Linux). */
const TICKS = 100

/** Seconds of processor time of this process and of all that it has waited for: proc(5), fields 14 to 17. */
export const processorSeconds = () => {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS
}
