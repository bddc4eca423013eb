import { readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'

/** Names by port: `22/tcp` → `ssh`. Of several names the first one counts, as for getservbyport(). */
export const parseServices = (text: string): Map<string, string> => {
  const names = new Map<string, string>()
  for (const [, name = '', port = ''] of text.matchAll(/^([\w.+-]{1,32})[ \t]+(\d{1,5}\/(?:tcp|udp))\b/gm))
    if (!names.has(port)) names.set(port, name)
  return names
}

/** The names in /etc/services below `root`; none where the file is missing, as on a minimal system, or cannot be read. */
export const readServices = async (root: string): Promise<Map<string, string>> => {
  try {
    return parseServices((await readFileState(root, '/etc/services'))?.text ?? '')
  } catch (error) {
    if (error instanceof HostError) return new Map()
    throw error
  }
}
