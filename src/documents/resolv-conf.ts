import { splitLines } from './lines.ts'

/** glibc asks no more than this many (MAXNS of resolv.h). */
const MAX_SERVERS = 3

/** The name servers of resolv.conf as glibc's res_init() reads it, without an interface (`fe80::1%eth0`). */
export const readNameServers = (text: string): string[] =>
  splitLines(text)
    .flatMap((line) => /^nameserver[ \t]+([^ \t%]+)/.exec(line.text)?.[1] ?? [])
    .slice(0, MAX_SERVERS)
