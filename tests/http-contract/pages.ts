import { errorCatalogue } from '@holdfast/contracts'
import type { HttpResponse } from '@holdfast/testing/http'
import { describe, expect, test } from 'vitest'
import { app } from '../apps/contract.ts'
import { expectProblem } from '../support/expectations.ts'
import type { Contract } from './contract.ts'

/** What a person reads: the problem pages and the documentation. */
export function describePages({ serve }: Contract): void {
  describe('/problems/<code>', () => {
    test.each(Object.entries(errorCatalogue))('%s is explained on a page', async (code, entry) => {
      const { api } = await serve('standard')
      const response = await api.get(`/problems/${code}`)
      expect(response.status).toBe(200)
      expect(response.headers['content-type']).toBe('text/html; charset=utf-8')
      const text = textOf(response.body)
      for (const part of [code, entry.title, String(entry.status), entry.meaning, entry.action]) {
        expect(text).toContain(part.replaceAll('`', ''))
      }
      expectNothingExternal(response.body)
    })

    test.each([...app.refusals])('the application’s refusal %s too', async (code, entry) => {
      const { api } = await serve('standard')
      const response = await api.get(`/problems/${code}`)
      expect(response.status).toBe(200)
      const text = textOf(response.body)
      for (const part of [code, entry.title, entry.meaning, entry.action]) expect(text).toContain(part)
    })

    test.each(['toString', '__proto__', '<script>', 'a.b'])('%s is none', async (code) => {
      const { api } = await serve('standard')
      const response = await api.get(`/problems/${encodeURIComponent(code)}`)
      expectProblem(response, 'not-found')
      expect(response.body).not.toContain('<script>')
    })
  })

  describe('/docs', () => {
    test('is served with all its assets by the gateway itself; nothing is loaded from elsewhere', async () => {
      const { api } = await serve('standard')
      const page = await followed((path) => api.get(path), '/docs')
      expect(page.status).toBe(200)
      expect(page.headers['content-type']).toContain('text/html')
      expectNothingExternal(page.body)
      const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
      expect(assets.length).toBeGreaterThan(3)
      for (const asset of assets) {
        const { pathname } = new URL(asset, 'http://gateway/docs/')
        const response = await api.get(pathname)
        expect(response.status, pathname).toBe(200)
        expect(response.bytes.length, pathname).toBeGreaterThan(0)
        if (response.headers['content-type']?.includes('css') === true) {
          expect(response.body).not.toMatch(/@import|url\(\s*['"]?(?:https?:)?\/\//)
        }
      }
    })

    test('the browser is told to load nothing from elsewhere, and no validator is asked', async () => {
      const { api } = await serve('standard')
      const page = await followed((path) => api.get(path), '/docs')
      const policy = page.headers['content-security-policy'] ?? ''
      expect(policy).toContain("default-src 'self'")
      expect(policy).not.toMatch(/https?:|\w\.\w/)
      const initializer = await api.get('/docs/static/swagger-initializer.js')
      expect(initializer.status).toBe(200)
      expect(initializer.body).toMatch(/validatorUrl: null/)
      expect(initializer.body.replace(/\/\/ .*/g, '')).not.toMatch(/https?:\/\//)
    })

    test('shows the document of this application', async () => {
      const { api } = await serve('standard')
      const [document, shown] = [await api.get('/openapi.json'), await api.get('/docs/json')]
      expect(shown.status).toBe(200)
      expect(JSON.parse(shown.body)).toMatchObject({ info: { title: app.name } })
      expect(Object.keys((JSON.parse(shown.body) as { paths: object }).paths)).toEqual(
        Object.keys((JSON.parse(document.body) as { paths: object }).paths),
      )
    })
  })
}

async function followed(get: (path: string) => Promise<HttpResponse>, path: string): Promise<HttpResponse> {
  const response = await get(path)
  const location = response.headers['location']
  return response.status >= 300 && response.status < 400 && location !== undefined
    ? get(new URL(location, `http://gateway${path}`).pathname)
    : response
}

const entities: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' }
const textOf = (html: string): string =>
  html.replace(/<[^>]*>/g, '').replace(/&(?:lt|gt|quot|amp);/g, (entity) => entities[entity] ?? '')

/** Nothing that a browser would fetch by itself from another origin. */
function expectNothingExternal(html: string): void {
  expect(html).not.toMatch(/<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)="(?:https?:)?\/\//i)
  expect(html).not.toMatch(/@import|url\(\s*['"]?(?:https?:)?\/\//)
}
