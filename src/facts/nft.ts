import { canonicalNetwork } from '../network.ts'
import { readJson } from '../read-json.ts'
import type { SetMember } from './ban.ts'

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

/** The members of portward's sets, in what `nft -j list table inet portward` prints. */
export const parseNftSets = (text: string): SetMember[] =>
  (readJson<{ readonly nftables?: readonly { readonly set?: NftSet }[] }>(text)?.nftables ?? [])
    .flatMap(({ set }) =>
      set !== undefined && /^(?:hosts4|hosts6|networks6)$/.test(set.name ?? '') ? [set] : [],
    )
    .flatMap(({ name = '', elem = [] }) =>
      elem.flatMap((element): SetMember[] => {
        const { val, expires } =
          typeof element === 'object' && 'elem' in element
            ? element.elem
            : { val: element as NftValue, expires: undefined }
        const address = canonicalNetwork(
          typeof val === 'string' ? val : `${val.prefix.addr}/${val.prefix.len}`,
        )
        if (address === null) return []
        const undo = ['nft', 'delete', 'element', 'inet', 'portward', name, '{', address, '}']
        return [{ address, secondsLeft: expires ?? null, undo }]
      }),
    )
