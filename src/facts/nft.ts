import { canonicalNetwork } from '../network.ts'
import { readJson } from '../read-json.ts'
import type { Ban } from './ban.ts'

export const LIST_NFT_SETS = ['nft', '-j', 'list', 'table', 'inet', 'portward'] as const

interface NftPrefix {
  readonly prefix: { readonly addr: string; readonly len: number }
}
type NftValue = string | NftPrefix
type NftElement =
  | NftValue
  | { readonly elem: { readonly val: NftValue; readonly timeout?: number; readonly expires?: number } }
interface NftSet {
  readonly name?: string
  readonly elem?: readonly NftElement[]
}

/** The members of portward's sets, in what `nft -j list table inet portward` prints at a time in ms since 1970. */
export const parseNftSets = (text: string, nowMs: number): Ban[] => {
  const bans: Ban[] = []
  for (const { set } of readJson<{ readonly nftables?: readonly { readonly set?: NftSet }[] }>(text)
    ?.nftables ?? []) {
    const { name = '', elem = [] } = set ?? {}
    if (!/^(?:hosts4|hosts6|networks6)$/.test(name)) continue
    for (const element of elem) {
      const isTimed = typeof element === 'object' && 'elem' in element
      const { val, expires } = isTimed ? element.elem : { val: element, expires: undefined }
      const address = canonicalNetwork(typeof val === 'string' ? val : `${val.prefix.addr}/${val.prefix.len}`)
      if (address === null) continue
      const untilMs = expires === undefined ? null : nowMs + expires * 1000
      const undo = ['nft', 'delete', 'element', 'inet', 'portward', name, '{', address, '}']
      bans.push({ address, where: 'nft inet portward', isOwn: true, untilMs, undo })
    }
  }
  return bans
}
