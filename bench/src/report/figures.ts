import type { Figure } from '../part.ts'
import { ratio, table } from './format.ts'

/** A ratio that must be at least, or at most, so much. */
export function ratioFigure(
  what: string,
  bound: { readonly min: number } | { readonly max: number },
  measured: number,
): Figure {
  return 'min' in bound
    ? { what, target: `≥ ${bound.min} ×`, measured: ratio(measured), reached: measured >= bound.min }
    : { what, target: `≤ ${bound.max} ×`, measured: ratio(measured), reached: measured <= bound.max }
}

/** The table at the top of the report. */
export function figuresText(figures: readonly Figure[]): readonly string[] {
  return table(
    ['figure', 'target', 'measured', ''],
    figures.map(({ what, target, measured, reached }) => [
      what,
      target,
      measured ?? '',
      measured === undefined ? '**not measured**' : reached ? 'reached' : '**missed**',
    ]),
  )
}
