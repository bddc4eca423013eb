import type { Facts } from './facts.ts'

/** [1, 1, 1] for 1.1.1-2; null if the package's version is unknown. */
const versionOf = ({
  packages,
  installs,
}: Pick<Facts, 'packages' | 'installs'>): readonly number[] | null => {
  const text = packages.get('fail2ban') ?? installs?.find(({ name }) => name === 'fail2ban')?.version ?? ''
  const match = /^(?:\d+:)?(\d+)\.(\d+)\.(\d+)/.exec(text)
  return match?.slice(1).map(Number) ?? null
}

/** Whether fail2ban is this version or a later one; null if its version is unknown. */
export const isFail2ban = (
  facts: Pick<Facts, 'packages' | 'installs'>,
  ...wanted: readonly [number, number, number]
): boolean | null => {
  const version = versionOf(facts)
  if (version === null) return null
  const at = wanted.findIndex((part, index) => part !== version[index])
  return at === -1 || (version[at] ?? 0) > (wanted[at] ?? 0)
}
