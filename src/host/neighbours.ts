import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Neighbours, readUfw, UFW_FILES } from '../policy/neighbours.ts'

/** Whether the file is in one of these places: links of an enabled unit, control groups of a running one, sockets. */
const isAnyThere = (...paths: readonly string[]): boolean => paths.some((path) => existsSync(path))

/** Which other tools rule this server's firewall, by the files that they keep. Runs nothing. */
export const readNeighbours = async (packages: ReadonlyMap<string, string>): Promise<Neighbours> => {
  const [conf = '', defaults = ''] = await Promise.all(
    UFW_FILES.map((path) => readFile(path, 'latin1').catch(() => '')),
  )
  return {
    // Its files stay where the package was removed without being purged.
    ufw: packages.has('ufw') ? readUfw(conf, defaults) : null,
    firewalld:
      packages.has('firewalld') &&
      isAnyThere(
        '/etc/systemd/system/multi-user.target.wants/firewalld.service',
        '/sys/fs/cgroup/system.slice/firewalld.service',
        '/sys/fs/cgroup/systemd/system.slice/firewalld.service',
      ),
    docker: isAnyThere('/run/docker.sock'),
  }
}
