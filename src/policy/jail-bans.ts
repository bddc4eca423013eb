import { formatAddress, parseAddress } from '../network.ts'

/** One address that a jail holds. */
export interface JailBan {
  readonly address: string
  /** When the ban began: year, month (1 to 12), day, hour, minute, second on the server's clock. */
  readonly since: readonly [number, number, number, number, number, number]
  /** Seconds; null: for ever. */
  readonly lasts: number | null
}

const LINE = /^(\S+)\s+(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) \+ (-?\d+) = /

/** What `fail2ban-client get JAIL banip --with-time` prints (fail2ban 1.0 to 1.1). */
export const parseJailBans = (text: string): JailBan[] =>
  text.split('\n').flatMap((line) => {
    const [, host = '', ...numbers] = LINE.exec(line) ?? []
    const address = parseAddress(host)
    if (address === null) return []
    const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, lasts = 0] = numbers.map(Number)
    const since = [year, month, day, hour, minute, second] as const
    return [{ address: formatAddress(address), since, lasts: lasts < 0 ? null : lasts }]
  })
