import type { Consequences } from '../generations/consequences.ts'
import type { Restoration, RestoredFile } from '../generations/merge.ts'
import type { Generation, ServiceRecord } from '../generations/record.ts'
import { isPending } from '../generations/unfinished.ts'
import { counted } from '../phrases.ts'
import { styled } from '../styled.ts'
import { formatTimestamp } from '../system/timestamps.ts'

const name = (generation: Generation): string => {
  const applied = formatTimestamp(Date.parse(generation.started))
  return `${generation.number} (applied ${applied}${isPending(generation) ? ', not confirmed' : ''})`
}

/** What a rollback would do, or is about to do where nobody is asked. `consequences`: null if they are not known. Pure. */
export const renderRollback = (
  generations: readonly Generation[],
  { files, packages, releases }: Pick<Restoration, 'files' | 'packages' | 'releases'>,
  consequences: Consequences | null,
  isAsked: boolean,
): string => {
  const pathsOf = (isRemoved: boolean) =>
    files.filter(({ copy }) => (copy === null) === isRemoved).map(({ path }) => path)
  const list = (title: string, items: readonly string[]): string[] =>
    items.length === 0 ? [] : [`${title}: ${items.join(', ')}`]
  const section = (title: string, paths: readonly string[]): string[] =>
    paths.length === 0 ? [] : [title, ...paths.map((path) => `  ${path}`)]
  const lines = [
    ...section('files restored:', pathsOf(false)),
    ...section('files removed, which did not exist before:', pathsOf(true)),
    ...list('packages removed', packages),
    ...list('daemons stopped', consequences?.stopped ?? []),
    ...list('daemons started', consequences?.started ?? []),
    ...list('no longer started at boot', consequences?.disabled ?? []),
    ...list('started at boot again', consequences?.enabled ?? []),
    ...(consequences?.released ? [`bans released: ${counted(consequences.released, 'host')}`] : []),
    ...list(
      'banned again, as before',
      releases.map(({ address }) => address),
    ),
    ...(consequences?.isUnprotected
      ? [styled('yellow', 'afterwards portward does not protect this server')]
      : []),
  ]
  const head = `${isAsked ? 'this would roll back' : 'rolling back'} generation ${generations.map(name).join(', ')}:`
  return [head, ...lines.map((line) => `  ${line}`)].map((line) => `${line}\n`).join('')
}

/** How to look at a file that others have changed; `kept`: where the version to be restored is. Pure. */
export const renderForeign = ({ path, real }: RestoredFile, kept: string | null): string =>
  kept === null
    ? `${path}: it did not exist before, and would be removed`
    : `${path}: see diff -u ${kept} ${real}`

const describeService = ([service, units]: ServiceRecord['active'][number]): string =>
  `${service} is ${units.length === 0 ? 'not running' : `running${units.join() === service ? '' : ` (${units.join(', ')})`}`}`

/** In which state a rollback left the server, and what comes next. Pure. */
export const renderAfterwards = (earliest: number, now: ServiceRecord, isUnprotected: boolean): string => {
  const protection = isUnprotected ? '; portward does not protect this server' : ''
  return [
    `the files are as before generation ${earliest}; ${now.active.map(describeService).join(', ')}${protection}\n`,
    `next: ${styled('bold', 'portward plan')} shows what an apply would change\n`,
  ].join('')
}
