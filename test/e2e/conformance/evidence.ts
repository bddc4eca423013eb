import { formatAddress } from '../../../src/network.ts'

/** What a daemon, or the detector in its place, leaves behind about one host; times are blanked out. */
export interface Trace {
  log: string[]
  history: string[]
  blocked: string[]
  hostsDeny: string[]
  commands: string[]
}

export type Kind = keyof Trace

/** Host → what is left behind about it. The order between hosts is chance, that within one is not. */
export type Evidence = ReadonlyMap<string, Trace>

/** Raw lines, for `log` a list for each daemon. */
export interface Lines {
  readonly log: readonly (readonly string[])[]
  readonly history: readonly string[]
  readonly blocked: readonly string[]
  readonly hostsDeny: readonly string[]
  readonly commands: readonly string[]
}

const ADDRESS = /(?<![\w.:])(?:203\.0\.113\.\d+|2001:db8::[0-9a-f:]+)(?![\w.:])/

/** 1.2 and 2.x write their times in these forms; another form stays and makes a difference. */
const TIMES = [
  /^\d{10} - \d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d(?= Host: )/,
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}(?= Scan from: )/,
]

const blankTime = (line: string): string => TIMES.reduce((text, time) => text.replace(time, 'TIME'), line)

/** 2.x's blocked file as text: 2 bytes of the address family and an address, again and again. */
export const readRecords = (bytes: Uint8Array): string[] => {
  const records: string[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const end = offset + (bytes[offset] === 2 ? 6 : 18)
    records.push(formatAddress([...bytes.subarray(offset + 2, end)]))
    offset = end
  }
  return records
}

/** Stands for the host where a line names none. */
export const NO_HOST = 'no host'

/** 1.2 says what it leaves undone without naming the host again. */
const GOES_ON = /^attackalert: Ignoring (?:TCP|UDP) response per configuration file setting\.$/

/** Sorts lines by the host that they name. */
export const gather = (lines: Lines): Evidence => {
  const evidence = new Map<string, Trace>()
  const traceOf = (host: string): Trace => {
    const trace = evidence.get(host) ?? { log: [], history: [], blocked: [], hostsDeny: [], commands: [] }
    evidence.set(host, trace)
    return trace
  }
  const sort = (kind: Kind, list: readonly string[]): void => {
    let host = NO_HOST
    for (const line of list) {
      host = ADDRESS.exec(line)?.[0] ?? (GOES_ON.test(line) ? host : NO_HOST)
      traceOf(host)[kind].push(blankTime(line))
    }
  }
  for (const log of lines.log) sort('log', log)
  sort('history', lines.history)
  sort('blocked', lines.blocked)
  sort('hostsDeny', lines.hostsDeny)
  sort('commands', lines.commands)
  return evidence
}
