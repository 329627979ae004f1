import { describe, expect, test } from 'vitest'
import { app } from '../apps/contract.ts'
import type { Contract } from './contract.ts'

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: unknown
}
interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { schema: Schema }>> }
  readonly responses: Readonly<Record<string, { readonly description: string }>>
}
interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly exclusiveMinimum?: number
}
interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** `/openapi.json`: every command of the application, and nothing dangling. */
export function describeOpenApi({ serve }: Contract): void {
  describe('/openapi.json', () => {
    const load = async (): Promise<Document> => {
      const { api } = await serve('standard')
      const response = await api.get('/openapi.json')
      expect(response.status).toBe(200)
      expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
      return JSON.parse(response.body) as Document
    }

    test('is OpenAPI 3.1 of this application', async () => {
      const document = await load()
      expect(document.openapi).toMatch(/^3\.1\.\d+$/)
      expect(document.info.title).toBe(app.name)
    })

    test.each(app.commands.map((command) => [command.name, command] as const))(
      'lists %s: its parameters, its body, its answers',
      async (_name, command) => {
        const { paths } = await load()
        const operation = paths[command.route.path]?.[command.route.method.toLowerCase()]
        if (operation === undefined) throw new Error(`${command.name} is missing`)
        expect(operation.operationId).toBe(command.name)
        expect(operation.summary).not.toBe('')
        const inPath = operation.parameters.filter((parameter) => parameter.in === 'path')
        expect(inPath.map((parameter) => parameter.name)).toEqual(command.params)
        for (const parameter of inPath) expect(parameter.required).toBe(true)
        const inHeader = operation.parameters.filter((parameter) => parameter.in === 'header')
        const key = inHeader.find((parameter) => parameter.name.toLowerCase() === 'idempotency-key')
        if (command.identity === 'key') expect(key?.required).toBe(true)
        else expect(key?.required ?? false).toBe(false)
        const answers = Object.keys(operation.responses)
        const refusals = Object.values(command.refusals).map(({ status }) => String(status))
        expect(answers).toEqual(
          expect.arrayContaining([String(command.successStatus), '202', '400', '422', '500', '503', ...refusals]),
        )
        for (const answer of Object.values(operation.responses)) {
          expect(answer.description).not.toBe('')
          expect(answer.description, 'what only operators are told').not.toContain('operator-required')
        }
      },
    )

    test('describes the body of the article’s order as its schema does', async () => {
      const { paths } = await load()
      const body = paths['/api/order']?.['post']?.requestBody
      expect(body?.required).toBe(true)
      const schema = body?.content['application/json']?.schema
      expect(schema).toMatchObject({ type: 'object', additionalProperties: false })
      expect(schema?.required).toEqual(['product_id', 'quantity'])
      expect(schema?.properties?.['quantity']).toMatchObject({ type: 'integer', exclusiveMinimum: 0 })
    })

    test('every reference resolves, and every operation has a name of its own', async () => {
      const document = await load()
      const references = collectReferences(document)
      expect(references.length).toBeGreaterThan(0)
      for (const reference of references) expect(resolve(document, reference), reference).toBeTypeOf('object')
      const names = Object.values(document.paths).flatMap((path) => Object.values(path).map((one) => one.operationId))
      expect(new Set(names).size).toBe(names.length)
    })

    test('every parameter in a path is declared, and every path is served', async () => {
      const { api } = await serve('standard')
      const { paths } = await load()
      for (const [path, operations] of Object.entries(paths)) {
        const names = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1])
        for (const [method, operation] of Object.entries(operations)) {
          const declared = operation.parameters.filter((one) => one.in === 'path').map((one) => one.name)
          expect(declared.sort(), path).toEqual(names.sort())
          // A stream without an end is asked for what it refuses.
          const query = path === '/results' ? '?after=x' : ''
          const response = await api.call(method.toUpperCase(), path.replace(/\{[^}]+\}/g, 'x') + query)
          expect(response.body, `${method} ${path}`).not.toMatch(/"\/problems\/(not-found|method-not-allowed)"/)
        }
      }
    })
  })
}

function collectReferences(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) =>
    name === '$ref' && typeof member === 'string' ? [member] : collectReferences(member),
  )
}

function resolve(document: unknown, reference: string): unknown {
  expect(reference).toMatch(/^#\//)
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document)
}
