import { describe, expect, test } from 'vitest'
import { definitions, loadSettings, SettingsError, unknownSettings } from './load.ts'

const faultOf = (environment: Record<string, string>): string => {
  try {
    loadSettings(environment)
  } catch (error) {
    if (error instanceof SettingsError) return error.message
  }
  return 'no fault'
}

describe('settings', () => {
  test('every default is allowed', () => {
    const settings = loadSettings({})
    expect(settings.PORT).toBe(8080)
    expect(settings.HOST).toBe('127.0.0.1')
    expect(settings.API_KEYS.size).toBe(0)
    expect(settings.KAFKA_BROKERS).toEqual(['127.0.0.1:9092'])
  })

  test('an argument wins over the environment, that over the default; empty counts as absent', () => {
    expect(loadSettings({ HOLDFAST_PORT: '1' }, { PORT: '2' }).PORT).toBe(2)
    expect(loadSettings({ HOLDFAST_PORT: '1' }).PORT).toBe(1)
    expect(loadSettings({ HOLDFAST_PORT: '' }).PORT).toBe(8080)
  })

  test.each([
    ['HOLDFAST_PORT', 'abc', '0 to 65535'],
    ['HOLDFAST_PORT', '65536', '0 to 65535'],
    ['HOLDFAST_PORT', '1e3', '0 to 65535'],
    ['HOLDFAST_LOG_LEVEL', 'loud', 'one of fatal'],
    ['HOLDFAST_WAIT_MS', '-1', '0 to 60000'],
    ['HOLDFAST_KAFKA_BROKERS', 'localhost', '<host>:<port>'],
    ['HOLDFAST_EVENTSTORE_URL', 'http://x', 'esdb://'],
    ['HOLDFAST_CORS_ORIGINS', 'app.example', 'origins'],
    ['HOLDFAST_CORS_ORIGINS', 'https://app.example/', 'without a path'],
    ['HOLDFAST_CORS_ORIGINS', '*,https://app.example', 'origins'],
  ])('%s=%s names the variable, the value and what is allowed', (name, value, allowed) => {
    const fault = faultOf({ [name]: value })
    expect(fault).toContain(name)
    expect(fault).toContain(JSON.stringify(value))
    expect(fault).toContain(allowed)
  })

  test('all bad variables are named at once', () => {
    expect(faultOf({ HOLDFAST_PORT: 'x', HOLDFAST_WAIT_MS: 'y' }).split('\n')).toHaveLength(2)
  })

  test('API keys are read by key, and never printed', () => {
    const settings = loadSettings({ HOLDFAST_API_KEYS: 'acme=0123456789abcdef, globex=fedcba9876543210' })
    expect(settings.API_KEYS.get('0123456789abcdef')).toBe('acme')
    const fault = faultOf({ HOLDFAST_API_KEYS: 'acme=short' })
    expect(fault).toContain('HOLDFAST_API_KEYS')
    expect(fault).not.toContain('short')
    expect(faultOf({ HOLDFAST_API_KEYS: 'a=0123456789abcdef,b=0123456789abcdef' })).toContain('no key twice')
  })

  test('origins are read as browsers send them', () => {
    const { CORS_ORIGINS } = loadSettings({ HOLDFAST_CORS_ORIGINS: 'https://app.example, http://localhost:5173' })
    expect([...CORS_ORIGINS]).toEqual(['https://app.example', 'http://localhost:5173'])
    expect([...loadSettings({ HOLDFAST_CORS_ORIGINS: '*' }).CORS_ORIGINS]).toEqual(['*'])
    expect(loadSettings({}).CORS_ORIGINS.size).toBe(0)
  })

  test('slips of the pen are found', () => {
    expect(unknownSettings({ HOLDFAST_PROT: '1', HOLDFAST_PORT: '1', PATH: '' })).toEqual(['HOLDFAST_PROT'])
  })

  test('every setting says what it does and what it takes', () => {
    for (const [name, setting] of definitions()) {
      expect(setting.description, name).not.toBe('')
      expect(setting.allowed, name).not.toBe('')
    }
  })
})
