import { keyEventTypes, keyMetadata, type RecordedEvent } from '@holdfast/core'

const maxLength = 100

/** An event of a key's stream in a few words. */
export function whatHappened(event: RecordedEvent): string {
  const { data } = event
  const { outcome } = keyMetadata(event)
  const outcomeText = outcome === undefined ? '' : `${outcome.kind}, ${outcome.response.status}`
  const text = (name: string): string => shown(data[name])
  switch (event.type) {
    case keyEventTypes.accepted:
      return 'the command is durable'
    case keyEventTypes.attemptFailed:
      return `try ${text('attempt')} failed: ${text('error')}`
    case keyEventTypes.stepStarted:
      return `step ${text('step')} begins`
    case keyEventTypes.stepCompleted:
      return `step ${text('step')}: ${text('result')}`
    case keyEventTypes.stepUndone:
      return `step ${text('step')} was taken back`
    case keyEventTypes.compensationStarted:
      return `the steps are taken back: it will be ${text('kind')}`
    case keyEventTypes.rejected:
      return `${outcomeText}: ${text('code')}`
    case keyEventTypes.failed:
      return `${outcomeText}: ${text('reason')}`
    case keyEventTypes.released:
      return `released by ${text('by')}: ${text('reason')}`
    default:
      return clip([outcomeText, JSON.stringify(data)].filter((part) => part !== '').join(' '))
  }
}

const shown = (value: unknown): string =>
  value === undefined ? '-' : clip(typeof value === 'string' ? value : JSON.stringify(value))

const clip = (text: string): string => (text.length > maxLength ? `${text.slice(0, maxLength)}…` : text)
