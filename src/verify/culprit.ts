import type { MetRule } from '../host/lab/report.ts'
import { parseNetwork } from '../network.ts'
import { parseIptables } from '../policy/iptables-filter.ts'

/** Somebody who should have been cut off, and a port that answers all the same. */
interface Through {
  readonly address: string
  readonly port: string
}

/** `22`, `22,443`, `1000:2000`, as iptables-save prints them. */
const includesPort = (ports: string, port: number): boolean =>
  ports.split(',').some((item) => {
    const [first = 0, last = first] = item.split(':').map(Number)
    return first <= port && port <= last
  })

/** How well a rule fits: null where it cannot have let this one in. */
const fitOf = ({ program, rule }: MetRule, { address, port }: Through): number | null => {
  const source = parseNetwork(address)
  if (source === null || (program === 'ip6tables') !== address.includes(':')) return null
  const [parsed] = [...parseIptables(program, rule).chains.values()].flat()
  if (parsed === undefined || parsed.reach(source) === 'none') return null
  if (/(?<!! )-p (?!tcp |6 |all )/.test(rule)) return null
  const ports = /(?<!! )--dports? (\S+)/.exec(rule)?.[1]
  if (ports === undefined) return 0
  return includesPort(ports, Number(port)) ? 1 : null
}

/**
 * Of the rules that accepted connections, the one that has let these in ahead of their ban: others belong to
 * loopback, to connections that were there already, to other sources and to other ports. Rules for the very port first.
 */
export const acceptingRule = (
  accepting: readonly MetRule[],
  through: readonly Through[],
): MetRule | undefined => {
  const fits = through.flatMap((host) =>
    accepting.flatMap((rule) => {
      const fit = fitOf(rule, host)
      return fit === null ? [] : [{ rule, fit }]
    }),
  )
  return (fits.find(({ fit }) => fit === 1) ?? fits[0])?.rule
}
