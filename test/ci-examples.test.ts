import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkout } from './checkout.ts'
import { fixtures, temporaryDirectory } from './tree.ts'

const example = (name: string) => parse(readFileSync(join(checkout, 'examples/ci', name), 'utf8'))
const PATH = `${join(checkout, 'bin')}:${process.env['PATH']}`

/** The files of a server that are as its config.env wants them. */
const server = mkdtempSync(join(tmpdir(), 'portward-server-'))

beforeAll(() => {
  cpSync(join(fixtures, 'sample-server/etc'), join(server, 'etc'), { recursive: true })
  cpSync(join(fixtures, 'sample-server/root/config.env'), join(server, 'config.env'))
  chmodSync(join(server, 'config.env'), 0o600)
  writeFileSync(join(server, 'etc/debian_version'), '12.11\n')
  const args = ['apply', '--yes', '--root', server, '--config', join(server, 'config.env')]
  execFileSync(join(checkout, 'bin/portward'), args, { env: { PATH }, stdio: 'pipe' })
  // As the runner of GitLab leaves what it checks out.
  chmodSync(join(server, 'config.env'), 0o666)
})
afterAll(() => rmSync(server, { recursive: true, force: true }))

/** A repository that the examples are made for, with that server. */
const repository = (): string => {
  const directory = temporaryDirectory()
  cpSync(server, join(directory, 'servers/web1'), { recursive: true, verbatimSymlinks: true })
  return directory
}

interface Drift {
  readonly path: string
  /** From 1, counted in the file. */
  readonly line: number
}

/** Changes the one line of a file that starts so. */
const drift = (directory: string, path: string, start: string, line: string): Drift => {
  const lines = readFileSync(join(directory, path), 'latin1').split('\n')
  const index = lines.findIndex((each) => each.startsWith(start))
  expect(index, `${path} has no line ${start}`).toBeGreaterThanOrEqual(0)
  writeFileSync(join(directory, path), lines.with(index, line).join('\n'), 'latin1')
  return { path, line: index + 1 }
}

const driftAway = (directory: string): Drift[] => [
  drift(directory, 'servers/web1/etc/portsentry/portsentry.conf', 'BLOCK_TCP=', 'BLOCK_TCP="0"'),
  drift(directory, 'servers/web1/etc/fail2ban/jail.d/portsentry.conf', 'bantime =', 'bantime = 1m'),
]

/** Runs a script as a runner does: with bash, which ends at the first command that fails. */
const run = (directory: string, script: string, environment: Record<string, string>) =>
  spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
    cwd: directory,
    env: { PATH, ...environment },
    encoding: 'utf8',
  })

interface GithubStep {
  readonly id?: string
  readonly name?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly run?: string
}

const ACTION = '.github/actions/plan'
const { inputs, runs } = parse(readFileSync(join(checkout, ACTION, 'action.yml'), 'utf8')) as {
  inputs: Readonly<Record<string, { required?: boolean; default?: string }>>
  runs: { steps: readonly GithubStep[] }
}
const { steps: workflow } = example('github-workflow.yml').jobs.plan as { steps: readonly GithubStep[] }

/** A step of the action with these inputs, as GitHub's runner runs it: its script and its environment. */
const actionStep = (name: string, given: Readonly<Record<string, string>>) => {
  const { env = {}, run: script = '' } = runs.steps.find((step) => step.name === name) ?? {}
  const inputOf = (input = '') => given[input] ?? inputs[input]?.default ?? ''
  const entries = Object.entries(env).map(([variable, expression]) => [
    variable,
    inputOf(/^\$\{\{ inputs\.(\w+) \}\}$/.exec(expression)?.[1]),
  ])
  return { script, environment: Object.fromEntries(entries) as Record<string, string> }
}

/** As GitHub's runner, which is not root: there the modes of what was checked out do not matter. */
const runGithub = (directory: string, given = workflow.find(({ id }) => id === 'plan')?.with ?? {}) => {
  chmodSync(join(directory, 'servers/web1/config.env'), 0o644)
  const summary = join(directory, 'summary.md')
  const { script, environment } = actionStep('Plan', given)
  const plan = run(directory, script, {
    ...environment,
    GITHUB_STEP_SUMMARY: summary,
    RUNNER_TEMP: directory,
  })
  const comment = readFileSync(join(directory, 'portward-plan.md'), 'utf8')
  expect(readFileSync(summary, 'utf8')).toBe(comment)
  return { plan, comment }
}

it('github: the example uses the action of the portward that it checks out, with inputs that it has', () => {
  const { uses, with: given = {} } = workflow.find(({ id }) => id === 'plan') ?? {}
  const path = workflow.find((step) => step.with?.['repository'] !== undefined)?.with?.['path']
  expect(uses).toBe(`./${path}/${ACTION}`)
  const needed = Object.keys(inputs).filter((name) => inputs[name]?.required)
  expect(Object.keys(given)).toEqual(expect.arrayContaining(needed))
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)))
})

it('github: nothing of an input becomes part of a script', () => {
  for (const { run: script = '' } of runs.steps) expect(script).not.toContain('${{')
  const { plan } = runGithub(repository(), { root: 'servers/web1', release: '$(touch evil)' })
  expect([plan.status, plan.stderr]).toEqual([64, expect.stringContaining('$(touch evil)')])
})

it('github: the other inputs of the action are options of plan', () => {
  const directory = repository()
  cpSync(join(directory, 'servers/web1/config.env'), join(directory, 'web 1.env'))
  chmodSync(join(directory, 'web 1.env'), 0o644)
  rmSync(join(directory, 'servers/web1/etc/debian_version'))
  const given = { root: 'servers/web1', config: 'web 1.env', release: 'sysv-1.2' }
  expect(runGithub(directory, given).plan).toMatchObject({ status: 0, stderr: '' })
})

it('github: the action takes portward from the npm registry, or builds the one that it is a part of', () => {
  const directory = temporaryDirectory()
  const programs = join(directory, 'programs')
  mkdirSync(programs)
  writeFileSync(join(programs, 'npm'), '#!/bin/sh\necho "$PWD: npm $*"\n', { mode: 0o755 })
  const provide = (version: string) => {
    const { script, environment } = actionStep('Provide portward', { version })
    const paths = join(directory, `path${version}`)
    const { status, stdout } = run(directory, script, {
      ...environment,
      PATH: `${programs}:${PATH}`,
      GITHUB_PATH: paths,
      GITHUB_ACTION_PATH: join(checkout, ACTION),
      RUNNER_TEMP: directory,
    })
    expect(status).toBe(0)
    return { stdout, path: readFileSync(paths, 'utf8') }
  }
  expect(provide('0.1.0')).toEqual({
    stdout: expect.stringMatching(/^\S+: npm install .*--prefix \S+\/portward portward@0\.1\.0\n$/),
    path: `${directory}/portward/node_modules/.bin\n`,
  })
  expect(provide('')).toEqual({
    stdout: expect.stringMatching(new RegExp(`^${checkout}: npm install .*\n${checkout}: npm run build\n$`)),
    path: `${checkout}/bin\n`,
  })
})

it('github: drift fails the job, with an annotation at each line, a summary and a comment', () => {
  const directory = repository()
  const drifts = driftAway(directory)
  const { plan, comment } = runGithub(directory)
  expect(plan.status).toBe(2)
  const annotations = plan.stdout.split('\n').slice(0, -1)
  expect(annotations).toHaveLength(drifts.length)
  for (const { path, line } of drifts) {
    const start = `::warning file=${path},line=${line},endLine=${line},title=portward%3A pending-write::`
    expect(annotations.filter((annotation) => annotation.startsWith(start))).toHaveLength(1)
  }
  expect(comment).toMatch(/^### portward: 2 changes pending\n.*\n-BLOCK_TCP="0"\n\+BLOCK_TCP="1"\n/s)
})

it('github: in sync', () => {
  const { plan, comment } = runGithub(repository())
  expect([plan.status, plan.stdout, plan.stderr]).toEqual([0, '', ''])
  expect(comment).toMatch(/^### portward: in sync\n/)
})

it('github: a wrong config.env fails the job, with an annotation at its line', () => {
  const directory = repository()
  const { path, line } = drift(directory, 'servers/web1/config.env', 'LAN_NM=', 'LAN_NM=abc')
  const { plan, comment } = runGithub(directory)
  expect(plan.status).toBe(78)
  expect(plan.stdout).toMatch(new RegExp(`^::error file=${path},line=${line},endLine=${line},.*\n$`))
  expect(comment).toMatch(/^### portward: wrong configuration\n/)
})

it('github: the comment is the plan that the action wrote', () => {
  expect(workflow.find(({ name }) => name === 'Comment')?.run).toMatch(
    /--body-file "\$RUNNER_TEMP\/portward-plan\.md"( |$)/,
  )
})

const runGitlab = (directory: string) => {
  const { script, variables, artifacts } = example('gitlab-ci.yml').portward as {
    script: readonly string[]
    variables: Record<string, string>
    artifacts: { reports: { codequality: string }; paths: readonly string[] }
  }
  const job = run(directory, script.join('\n'), variables)
  const artifact = (path: string) => readFileSync(join(directory, path), 'utf8')
  return {
    job,
    report: JSON.parse(artifact(artifacts.reports.codequality)),
    comments: artifacts.paths.map(artifact),
  }
}

it('gitlab: drift fails the job, with a report that names each line', () => {
  const directory = repository()
  const drifts = driftAway(directory)
  const { job, report, comments } = runGitlab(directory)
  expect(job.status).toBe(2)
  expect(job.stdout).toMatch(/ -BLOCK_TCP="0"\n +\d+ \+BLOCK_TCP="1"\n/)
  expect(report.map(({ location }: { location: object }) => location)).toEqual(
    drifts.map(({ path, line }) => ({ path, lines: { begin: line } })),
  )
  expect(comments).toEqual([expect.stringMatching(/^### portward: 2 changes pending\n/)])
})

it('gitlab: in sync', () => {
  const { job, report, comments } = runGitlab(repository())
  expect([job.status, report]).toEqual([0, []])
  expect(comments).toEqual([expect.stringMatching(/^### portward: in sync\n/)])
})

it('gitlab: a wrong config.env fails the job, with a report that names its line', () => {
  const directory = repository()
  const { path, line } = drift(directory, 'servers/web1/config.env', 'LAN_NM=', 'LAN_NM=abc')
  const { job, report } = runGitlab(directory)
  expect(job.status).toBe(78)
  expect(report).toMatchObject([{ severity: 'critical', location: { path, lines: { begin: line } } }])
})
