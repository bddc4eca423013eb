/** A program's output as JSON; null if it is not JSON, as with an old version or a missing program. */
export const readJson = <T>(text: string): T | null => {
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}
