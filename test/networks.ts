import { type Network, parseNetwork } from '../src/network.ts'

/** Networks of texts that must be right. */
export const hostsOf = (...texts: string[]): Network[] =>
  texts.map((text) => {
    const network = parseNetwork(text)
    if (network === null) throw new Error(`no network: ${text}`)
    return network
  })
