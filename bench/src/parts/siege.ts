import { runSiege, type SiegeResult } from '@holdfast/siege'
import { z } from 'zod'
import { definePart, type Section, type Setting } from '../part.ts'
import { count, table } from '../report/format.ts'
import { holdfastDistributed } from '../systems/distributed.ts'
import { contenders, withSystems, type Running } from '../systems/index.ts'
import { crashAndRestart, failingBody, orderBody, refusedBody, tenants } from '../systems/system.ts'

/** A siege of one system takes no longer. */
const siegeTimeMs = 90_000
/** A siege that hangs all the same is given up after this. */
const giveUpMs = siegeTimeMs + 60_000

const verdict = z.enum(['pass', 'fail', 'skipped', 'inconclusive'])

const result = z.object({
  systems: z.array(
    z.object({
      title: z.string(),
      attempts: z.number(),
      seconds: z.number(),
      scenarios: z.array(
        z.object({
          id: z.string(),
          title: z.string(),
          verdict,
          /** What is wrong, or why it was not looked for. */
          reasons: z.array(z.string()),
        }),
      ),
    }),
  ),
  skipped: z.array(z.object({ title: z.string(), reason: z.string() })),
})

type Result = z.infer<typeof result>
type Besieged = Result['systems'][number]

async function measureAll(setting: Setting): Promise<Result> {
  const systems: Besieged[] = []
  const skipped: Result['skipped'] = []
  // One after the other: a verdict must not depend on what another system does meanwhile.
  for (const contender of [...contenders.filter(({ keepsKeys }) => keepsKeys), holdfastDistributed]) {
    const line = await withSystems({ chosen: [contender], besieged: true }, async ({ running, skipped: missing }) => {
      const [one] = running
      return { missing, besieged: one === undefined ? undefined : await besiege(one, setting) }
    })
    skipped.push(...line.missing)
    if (line.besieged === undefined) continue
    systems.push(line.besieged)
    const failed = line.besieged.scenarios.filter((each) => each.verdict === 'fail').length
    console.log(`${contender.title}: ${failed} scenarios failed, ${line.besieged.seconds.toFixed(0)} s`)
  }
  return { systems, skipped }
}

async function besiege({ contender, system }: Running, setting: Setting): Promise<Besieged> {
  const { plain, 'one step': oneStep, 'three steps': threeSteps } = system.paths
  const path = plain ?? oneStep ?? ''
  const otherPath = [system.otherPath, oneStep, threeSteps].find((other) => other !== undefined && other !== path)
  const found = await runSiege({
    url: `${system.url}${path}`,
    headers: tenants.one,
    otherTenant: tenants.two,
    body: orderBody,
    refusalBody: refusedBody,
    failureBody: failingBody,
    otherBody: orderBody.replace('2', '3'),
    ...(otherPath !== undefined && { otherRoute: { method: 'POST', path: otherPath } }),
    // A key is the caller's choice there, by design.
    keyOptional: contender.id === 'restate',
    ...(system.effects !== undefined && { ledger: system.effects }),
    restart: () => crashAndRestart(system),
    requests: setting.quick ? 20 : 200,
    maxTimeMs: siegeTimeMs,
    seed: 7,
    signal: AbortSignal.timeout(giveUpMs),
  })
  return besiegedOf(contender.title, found)
}

function besiegedOf(title: string, { scenarios, traffic, durationMs }: SiegeResult): Besieged {
  return {
    title,
    attempts: traffic.attempts,
    seconds: durationMs / 1000,
    scenarios: scenarios.map(({ id, title: name, verdict: word, findings, notes }) => ({
      id,
      title: name,
      verdict: word,
      reasons: [...(word === 'fail' ? findings : notes)],
    })),
  }
}

const words = { pass: 'pass', fail: '**fail**', skipped: '–', inconclusive: '?' } as const

function report({ systems, skipped }: Result): Section {
  const rows = systems[0]?.scenarios ?? []
  return {
    markdown: [
      '`holdfast siege` against each of them, one after the other, with a ledger of the orders that were really placed. For the restart',
      'all of a system is killed and started again on its data; of the distributed installation gateway and handler are.',
      'An order of more than 1,000 pieces is refused everywhere with a 409, before any work. An order of 666 pieces fails for good behind its',
      'work (in the recipes behind the effect, in Restate and DBOS behind the durable step; the effect of a pure command of Holdfast is its',
      'event, which a failed one does not write). Two tenants differ in their `Authorization`.',
      '`–`: not looked for; `?`: cannot be told.',
      '',
      ...table(
        ['scenario', ...systems.map(({ title }) => title)],
        [
          ...rows.map(({ id, title }) => [
            title,
            ...systems.map(({ scenarios }) => {
              const found = scenarios.find((each) => each.id === id)
              return found === undefined ? '' : words[found.verdict]
            }),
          ]),
          ['requests sent', ...systems.map(({ attempts }) => count(attempts))],
        ],
      ),
      ...systems.flatMap(({ title, scenarios }) => {
        const failed = scenarios.filter((each) => each.verdict === 'fail')
        return failed.length === 0
          ? []
          : [
              '',
              `What failed with **${title}**:`,
              '',
              ...failed.map((each) => `- ${each.title}: ${each.reasons.join('; ')}`),
            ]
      }),
      ...reasonsNotLooked(systems),
      ...skipped.flatMap(({ title, reason }) => ['', `**${title} was not besieged**: ${reason}.`]),
    ],
  }
}

/** Why something has no verdict, once for all systems that share the reason. */
function reasonsNotLooked(systems: readonly Besieged[]): readonly string[] {
  const reasons = new Map<string, string[]>()
  for (const { title, scenarios } of systems)
    for (const each of scenarios) {
      if (each.verdict !== 'skipped' && each.verdict !== 'inconclusive') continue
      const reason = `${each.title}: ${each.reasons.join('; ')}`
      reasons.set(reason, [...(reasons.get(reason) ?? []), title])
    }
  if (reasons.size === 0) return []
  return [
    '',
    'Without a verdict:',
    '',
    ...[...reasons].map(
      ([reason, titles]) => `- ${reason} (${titles.length === systems.length ? 'all' : titles.join(', ')})`,
    ),
  ]
}

export const siege = definePart({
  name: 'siege',
  title: "Siege's verdicts",
  timeoutMs: 12 * 60_000,
  result,
  measure: measureAll,
  report,
})
