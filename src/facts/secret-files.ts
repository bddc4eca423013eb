import { existsSync } from 'node:fs'
import { readAttributes, readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'

/** A file that holds a secret. Its content goes nowhere. */
export interface SecretFile {
  readonly mode: number
  readonly uid: number
  /** `word`: one word of letters and digits on one line; null: it cannot be read. */
  readonly content: 'empty' | 'word' | 'other' | null
}

const describeContent = (text: string): SecretFile['content'] => {
  if (text.trim() === '') return 'empty'
  return /^[A-Za-z0-9]{20,200}\n?$/.test(text) ? 'word' : 'other'
}

const readSecretFile = async (path: string): Promise<SecretFile | null> => {
  try {
    const state = await readFileState('/', path)
    return state && { mode: state.mode, uid: state.uid, content: describeContent(state.text) }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const attributes = await readAttributes('/', path)
    return attributes && { mode: attributes.mode, uid: attributes.uid, content: null }
  }
}

/** Attributes of files with secrets, by path; null: no such file. Those that cannot be looked at are left out. */
export const readSecretFiles = async (
  paths: readonly string[],
): Promise<ReadonlyMap<string, SecretFile | null>> => {
  const found = new Map<string, SecretFile | null>()
  for (const path of paths) {
    const file = await readSecretFile(path).catch((error: unknown) => {
      if (error instanceof HostError) return undefined
      throw error
    })
    if (file !== undefined) found.set(path, file)
  }
  return found
}

/** Whether there is a program to send mail with, as every MTA of Debian provides it. */
export const sendsMail = (): boolean => existsSync('/usr/sbin/sendmail')
