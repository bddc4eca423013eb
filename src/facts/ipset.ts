import { canonicalNetwork } from '../network.ts'
import type { SetMember } from './ban.ts'

export const LIST_IPSETS = ['ipset', 'save'] as const

/** The members of portward's sets, in what `ipset save` prints. */
export const parseIpsets = (text: string): SetMember[] =>
  [...text.matchAll(/^add (portward-(?:hosts4|hosts6|networks6)) (\S+)(?: timeout (\d+))?/gm)].flatMap(
    ([, set = '', element = '', seconds = '0']): SetMember[] => {
      const address = canonicalNetwork(element)
      if (address === null) return []
      return [{ address, secondsLeft: Number(seconds) || null, undo: ['ipset', 'del', set, address] }]
    },
  )
