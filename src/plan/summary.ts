import { counted, listed } from '../phrases.ts'
import { sizeInWords } from './phrases.ts'
import type { InstallStep, Plan, Step } from './plan.ts'

/** A plan in numbers, as in its JSON document. */
export interface Summary {
  /** The number of steps. */
  readonly changes: number
  readonly files: { readonly created: number; readonly edited: number; readonly removed: number }
  /** What apt installs, dependencies included; `download` in bytes. */
  readonly packages: { readonly count: number; readonly download: number }
  readonly restarts: readonly string[]
  readonly reloads: readonly string[]
}

const ofKind = <Kind extends Step['kind']>(steps: readonly Step[], kind: Kind) =>
  steps.filter((step): step is Extract<Step, { kind: Kind }> => step.kind === kind)

/** How many bytes apt has to download. */
const downloadOf = ({ packages }: InstallStep): number =>
  packages.reduce((sum, { download }) => sum + download, 0)

/** `24 packages, 31 MB to download`; of the size nothing if apt has all of them in its cache. */
export const installationInWords = (step: InstallStep): string => {
  const download = downloadOf(step)
  return `${counted(step.packages.length, 'package')}${download === 0 ? '' : `, ${sizeInWords(download)} to download`}`
}

export const summarize = ({ steps }: Pick<Plan, 'steps'>): Summary => {
  const written = ofKind(steps, 'write')
  const created = written.filter(({ before }) => before === null).length
  const installs = ofKind(steps, 'install')
  return {
    changes: steps.length,
    files: {
      created: created + ofKind(steps, 'touch').length,
      edited: written.length - created,
      removed: ofKind(steps, 'remove').length,
    },
    packages: {
      count: installs.reduce((sum, { packages }) => sum + packages.length, 0),
      download: installs.reduce((sum, step) => sum + downloadOf(step), 0),
    },
    restarts: ofKind(steps, 'restart').map(({ service }) => service),
    reloads: ofKind(steps, 'reload').map(({ service }) => service),
  }
}

const unitsInWords = (units: readonly string[]): string =>
  units.length === 1 ? listed(units) : counted(units.length, 'unit')

/** A plan in a sentence: `14 changes: 9 new files, 5 edited; 24 packages, 31 MB to download; restarts portsentry`. */
export const summaryInWords = ({ steps }: Pick<Plan, 'steps'>): string => {
  const { changes, files, restarts, reloads } = summarize({ steps })
  const { created, edited, removed } = files
  const fates = [
    ...(created > 0 ? [counted(created, 'new file')] : []),
    ...(edited > 0 ? [created > 0 ? `${edited} edited` : counted(edited, 'edited file')] : []),
    ...(removed > 0 ? [created + edited > 0 ? `${removed} removed` : counted(removed, 'removed file')] : []),
  ]
  const enabled = ofKind(steps, 'enable').map(({ unit }) => unit)
  const timers = ofKind(steps, 'start-timer').map(({ unit }) => unit)
  const disabled = ofKind(steps, 'disable').map(({ unit }) => unit)
  const released = ofKind(steps, 'release').map(({ address }) => address)
  const parts = [
    ...(fates.length > 0 ? [fates.join(', ')] : []),
    ...ofKind(steps, 'install').map(installationInWords),
    ...(enabled.length > 0 ? [`starts ${unitsInWords(enabled)} at boot`] : []),
    ...(timers.length > 0
      ? [`starts ${timers.length === 1 ? listed(timers) : counted(timers.length, 'timer')}`]
      : []),
    ...(disabled.length > 0 ? [`stops ${unitsInWords(disabled)}`] : []),
    ...(ofKind(steps, 'load-bans').length > 0 ? ['loads the bans'] : []),
    ...(ofKind(steps, 'remove-bans').some(({ isLast }) => isLast) ? ['removes all bans'] : []),
    ...(released.length > 0
      ? [`releases ${released.length === 1 ? listed(released) : counted(released.length, 'host')}`]
      : []),
    ...(restarts.length > 0 ? [`restarts ${listed(restarts)}`] : []),
    ...(reloads.length > 0 ? [`reloads ${listed(reloads)}`] : []),
  ]
  return `${counted(changes, 'change')}: ${parts.join('; ')}`
}
