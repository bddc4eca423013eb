import { join } from 'node:path'
import { type PortsentryConf, parsePortsentryConf } from '../documents/portsentry-conf.ts'
import type { Release } from '../policy/release.ts'
import { readFileState } from './files.ts'
import { HostError } from './host-error.ts'

/** portsentry.conf as it is now. Throws HostError where there is none. */
export const readConf = async (root: string, { confPath, dialect }: Release): Promise<PortsentryConf> => {
  const file = await readFileState(root, confPath)
  if (file === null) throw new HostError(`${join(root, confPath)} does not exist`, 'install portsentry there')
  return parsePortsentryConf(file.text, dialect)
}
