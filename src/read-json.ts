/** What a program printed as JSON; null where it is none, which an old version or a missing program may give. */
export const readJson = <T>(text: string): T | null => {
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}
