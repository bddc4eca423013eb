/** Names, separated by commas, on lines of their own where they do not fit on one. */
export const wrap = (names: readonly string[], width: number): string[] => {
  const lines: string[] = []
  for (const [index, name] of names.entries()) {
    const text = index < names.length - 1 ? `${name},` : name
    const last = lines.at(-1)
    if (last !== undefined && last.length + text.length < width) lines[lines.length - 1] = `${last} ${text}`
    else lines.push(text)
  }
  return lines
}

/** Rows of cells as lines, each column as wide as its widest cell. */
export const align = (lines: readonly (readonly string[])[]): string[] => {
  const widths = lines[0]?.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0))) ?? []
  return lines.map((line) =>
    widths
      .map((width, index) => (line[index] ?? '').padEnd(width))
      .join('  ')
      .trimEnd(),
  )
}
