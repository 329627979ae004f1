import type { ProjectionFailure } from '@holdfast/core'

/** A failure as text for its column: JSON does not carry its position. */
export function failureText({ position, ...rest }: ProjectionFailure): string {
  return JSON.stringify({ position: String(position), ...rest })
}

export function parseFailure(text: string): ProjectionFailure {
  const { position, ...rest } = JSON.parse(text) as Omit<ProjectionFailure, 'position'> & { readonly position: string }
  return { position: BigInt(position), ...rest }
}
