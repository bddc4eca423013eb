import { dirname, resolve } from 'node:path'
import { assess } from '../assessment/assess.ts'
import { renderMetrics } from '../metrics/format.ts'
import { familiesOf } from '../metrics/metrics.ts'
import { isError } from '../problem.ts'
import { replaceFile } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { isDirectory } from '../system/paths.ts'
import { observe } from './observe.ts'
import { EXIT, type GlobalOptions, openOutput } from './output.ts'

export interface MetricsOptions extends GlobalOptions {
  /** A file for the metrics. */
  readonly output?: string
}

/** node_exporter runs as a user of its own. */
const MODE = 0o644

/** Replaces the file as a whole: a scrape sees the old metrics or the new ones. Throws HostError. */
const writeMetrics = async (file: string, text: string): Promise<void> => {
  const path = resolve(file)
  if (!isDirectory(dirname(path)))
    throw new HostError(
      `${dirname(path)} is not a directory`,
      "make it, or name the one that node_exporter's --collector.textfile.directory names",
    )
  // The directory may belong to the user that node_exporter runs as.
  await replaceFile('/', path, text, MODE, 'new')
}

/**
 * `portward metrics`: the state of the server as numbers, for Prometheus. Changes nothing but the file that it is told to write. What is
 * wrong on the server is in the numbers, so it succeeds all the same.
 */
export const metricsCommand = async (options: MetricsOptions): Promise<number> => {
  const output = openOutput(options)
  const assessment = await assess(options)
  // A timer that repeats each warning would fill the journal.
  output.problems(assessment.problems.filter(isError))
  const text = renderMetrics(familiesOf(await observe(assessment, Date.now())))
  if (options.output === undefined) output.result(text)
  else await writeMetrics(options.output, text)
  return EXIT.ok
}
