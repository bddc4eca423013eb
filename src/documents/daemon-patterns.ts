import { globMatches, isAnything, isWord, splitAt, splitExcept } from './wrapper-tokens.ts'

/** A daemon by the name that it passes to libwrap, such as `sshd`; null: any daemon, whatever its name. */
export type Daemon = string | null

/** string_match() in hosts_access.c. */
const nameMatches = (pattern: string, daemon: string): boolean => {
  if (/[*?]/.test(pattern)) return globMatches(pattern, daemon.toLowerCase())
  const [token, name] = [pattern.toLowerCase(), daemon.toLowerCase()]
  if (token.startsWith('.')) return name !== token && name.endsWith(token)
  if (isWord(pattern, 'ALL') || isWord(pattern, 'KNOWN')) return true
  return token.endsWith('.') ? name.startsWith(token) : name === token
}

/** `daemon@host` is for one of the server's addresses: it may match, but not always. */
const isForOneAddress = (pattern: string): boolean => splitAt(pattern, '@', 1)[1] !== null

/** Whether a rule for these daemons always applies to this one, exceptions included. */
export const daemonsCover = (list: readonly string[], daemon: Daemon): boolean => {
  const [some, except] = splitExcept(list)
  if (daemon === null) return some.some(isAnything) && except.length === 0
  const covers = (pattern: string) => !isForOneAddress(pattern) && nameMatches(pattern, daemon)
  return some.some(covers) && !daemonsMeet(except, daemon)
}

/** Whether it may apply. For any daemon (null), rules for single daemons are not considered. */
export const daemonsMeet = (list: readonly string[], daemon: Daemon): boolean => {
  const [some, except] = splitExcept(list)
  if (daemon === null) return daemonsCover(list, daemon)
  return some.some((it) => nameMatches(splitAt(it, '@', 1)[0], daemon)) && !daemonsCover(except, daemon)
}
