import { canonicalNetwork } from '../network.ts'
import type { Ban } from './ban.ts'

export const LIST_IPSETS = ['ipset', 'save'] as const

const MEMBER = /^add (portward-(?:hosts4|hosts6|networks6)) (\S+)(?: timeout (\d+))?/gm

/** The members of portward's sets, in what `ipset save` prints at a time in ms since 1970. */
export const parseIpsets = (text: string, nowMs: number): Ban[] => {
  const bans: Ban[] = []
  for (const [, set = '', element = '', seconds = '0'] of text.matchAll(MEMBER)) {
    const address = canonicalNetwork(element)
    if (address === null) continue
    const untilMs = Number(seconds) === 0 ? null : nowMs + Number(seconds) * 1000
    bans.push({
      address,
      where: 'ipset portward',
      isOwn: true,
      untilMs,
      undo: ['ipset', 'del', set, address],
    })
  }
  return bans
}
