/** One value of a metric, with its labels. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with its values. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly samples: readonly Sample[]
}

/** Both formats escape these in the value of a label, and in no other way. */
const escapeLabel = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const renderLabels = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/**
 * Text that is OpenMetrics 1.0 and, at the same time, the older format of Prometheus (0.0.4), which is all that node_exporter's textfile
 * collector reads. So all metrics are gauges: the two formats name the family of a counter differently. `# EOF`, which only OpenMetrics
 * has, is a comment in the older one. Without timestamps, for which the collector refuses a file. A metric without samples is left out.
 */
export const renderMetrics = (families: readonly Family[]): string =>
  [
    ...families
      .filter(({ samples }) => samples.length > 0)
      .flatMap(({ name, help, samples }) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} gauge`,
        ...samples.map(({ labels = {}, value }) => `${name}${renderLabels(labels)} ${value}`),
      ]),
    '# EOF\n',
  ].join('\n')
