import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../checkout.ts'
import { temporaryDirectory } from '../tree.ts'

export const source = join(checkout, 'ansible')

/** A copy of the collection where Ansible looks for it, and the environment to run it in. */
export const installCollection = (home = temporaryDirectory()) => {
  const collection = join(home, 'ansible_collections/portward/portward')
  cpSync(source, collection, { recursive: true })
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    ANSIBLE_COLLECTIONS_PATH: home,
    ANSIBLE_LOCALHOST_WARNING: 'false',
    ANSIBLE_NOCOLOR: 'true',
  }
  return { home, collection, env }
}
