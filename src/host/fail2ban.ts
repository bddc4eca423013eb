import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { replaceFile } from './files.ts'
import { HostError } from './host-error.ts'
import { run, tryRun } from './process.ts'

const client = (...args: string[]) => tryRun('fail2ban-client', args, { timeoutMs: 30_000 })

/** Jails that the running server has loaded; null where it does not answer. */
export const readJails = async (): Promise<string[] | null> => {
  const { exitCode, stdout } = await client('status')
  if (exitCode !== 0) return null
  const list = /Jail list:\s*(.*)$/m.exec(stdout)?.[1] ?? ''
  return list.split(/[,\s]+/).filter(Boolean)
}

/** Addresses that a jail holds; none where the server or the jail does not answer. */
export const readBanned = async (jail: string): Promise<string[]> => {
  const { stdout } = await client('status', jail)
  const list = /Banned IP list:\s*(.*)$/m.exec(stdout)?.[1] ?? ''
  return list.split(/\s+/).filter(Boolean)
}

/** What the running server says of one option of a jail; null where it does not answer. */
export const readOption = async (jail: string, option: string): Promise<string | null> => {
  const { exitCode, stdout } = await client('get', jail, option)
  return exitCode === 0 ? stdout : null
}

export const unban = async (jail: string, address: string): Promise<void> => {
  await run('fail2ban-client', ['set', jail, 'unbanip', address], `see fail2ban-client status ${jail}`)
}

const HINT = 'mend what fail2ban says; nothing of the running configuration was changed'

/**
 * Lets fail2ban itself judge a configuration before any daemon sees it: a private copy of the configuration
 * directory with some files replaced, tested and dumped. Both are needed: `-t` passes over bad times, `-d` over
 * files that cannot be read. Returns the dump's lines. Throws HostError where fail2ban refuses.
 */
export const dumpStaged = async (
  directory: string,
  files: readonly { readonly path: string; readonly text: string }[],
): Promise<string[]> => {
  const staging = await mkdtemp(join(tmpdir(), 'portward-'))
  try {
    const copy = join(staging, 'fail2ban')
    await run('cp', ['--archive', '--', directory, copy], HINT)
    for (const { path, text } of files) await replaceFile(copy, relative(directory, path), text, 0o644)
    await run('fail2ban-client', ['-c', copy, '-t'], HINT)
    const dump = await run('fail2ban-client', ['-c', copy, '-d'], HINT)
    return dump.split('\n').filter(Boolean)
  } catch (error) {
    if (error instanceof HostError) {
      throw new HostError(`fail2ban refuses the new configuration: ${error.message}`, HINT, { cause: error })
    }
    throw error
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}
