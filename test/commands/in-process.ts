import { vi } from 'vitest'

export interface Result {
  readonly status: number
  /** Decoded as latin1, since a diff quotes the files' bytes. */
  readonly stdout: string
  readonly stderr: string
}

/** Has what is written to a stream kept, which is no terminal meanwhile, until the function is called that it returns. */
const capture = (stream: NodeJS.WriteStream): (() => Buffer) => {
  const chunks: Buffer[] = []
  const { isTTY } = stream
  const listeners = stream.listeners('error')
  stream.isTTY = false
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk, encoding?: unknown) => {
    const charset = encoding === 'latin1' ? 'latin1' : 'utf8'
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, charset) : Buffer.from(chunk))
    return true
  })
  return () => {
    spy.mockRestore()
    stream.isTTY = isTTY
    stream.removeAllListeners('error')
    for (const listener of listeners) stream.on('error', listener as () => void)
    return Buffer.concat(chunks)
  }
}

let count = 0

/**
 * Runs portward's command line in this process. For whatever is not about the process itself: to start node takes as long as
 * a plan.
 */
export const portward = async (...args: string[]): Promise<Result> => {
  const { argv, exitCode } = process
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)]
  process.argv = [process.execPath, 'portward', ...args]
  process.exitCode = 0
  count += 1
  const result = { status: 0, stdout: '', stderr: '' }
  try {
    // It is run by its import, each time by another name.
    await import(/* @vite-ignore */ `../../src/cli.ts?${count}`)
    result.status = Number(process.exitCode)
  } finally {
    process.argv = argv
    process.exitCode = exitCode
    result.stdout = stdout().toString('latin1')
    result.stderr = stderr().toString()
  }
  return result
}
