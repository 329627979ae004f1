/**
 * Colours that can be read on a light and on a dark ground: charts have no ground of their own, so that a page, or a
 * Markdown viewer in dark mode, may show its own behind them.
 */
export const colours = {
  text: '#7d8590',
  line: '#7d859066',
  good: '#2da44e',
  bad: '#e5534b',
  warn: '#c69026',
  muted: '#8b949e',
} as const

/** Of series without a colour of their own, in this order. */
export const seriesColours = [
  '#3f8ae0',
  '#e8833a',
  '#2da46f',
  '#b86bd6',
  '#d4a72c',
  '#e5534b',
  '#39b0b8',
  '#8b949e',
] as const

/** A colour by what it says, or any CSS colour. */
export type Colour = keyof typeof colours | `#${string}`

export const colourOf = (colour: Colour): string =>
  colour in colours ? colours[colour as keyof typeof colours] : colour
