import { pendingAsJson, pendingProblem } from '../policy/confirmation.ts'
import { assess } from './assess.ts'
import { protectionOf, readBanState, viewState } from './ban-state.ts'
import { banAsJson, placesAsJson, remarksOn, renderBanTable } from './ban-table.ts'
import { EXIT, type GlobalOptions, openOutput, problemAsJson } from './output.ts'

/** `portward bans`: everybody who is banned, with who noticed it, since when, until when, and where. */
export const bansCommand = async (options: GlobalOptions): Promise<number> => {
  const output = openOutput(options)
  const assessment = await assess(options)
  const [state, protection] = [await readBanState(assessment), protectionOf(assessment)]
  const rows = viewState(state, protection.of)
  const { history, readings } = state
  const remarks = [
    ...remarksOn(readings),
    ...(history.remark === '' ? [] : [`the history was not read: ${history.remark}`]),
    ...(protection.unknown === null
      ? []
      : [`who is protected by config.env is not known: ${protection.unknown}`]),
  ]
  const { pending } = assessment
  if (pending !== null) output.problems([pendingProblem(pending)])
  output.text(renderBanTable(rows, readings))
  for (const remark of remarks) output.note(remark)
  output.document('bans', {
    root: options.root,
    bans: rows.map(banAsJson),
    places: placesAsJson(readings),
    remarks,
    confirmation: pendingAsJson(pending),
    problems: (assessment.settings === null ? assessment.problems : []).map(problemAsJson),
  })
  return EXIT.ok
}
