import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { App } from '../app.ts'
import '../fastifyTypes.ts'
import { NotFound } from '../../errors.ts'
import type { JsonSchema } from '../request/strictSchema.ts'
import { isSchema } from '../request/strictSchema.ts'
import { listTags, nameSchemas, onlyUsed, sorted } from './documentShape.ts'
import { describeRoute } from './operation.ts'

/** What the API reference says besides the operations themselves. */
export interface Documentation {
  readonly title: string
  readonly description: string
  readonly version: string
  readonly products: readonly DocumentedProduct[]
  /** What each tag is about. */
  readonly tags?: Readonly<Record<string, string>>
}

interface DocumentedProduct {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Where Swagger UI's log-in form is sent; takes an OAuth2 password form. */
  readonly tokenUrl?: string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What the API reference says besides the operations. */
    documentation: Documentation
  }
}

/** How to log in, as the first of the products that has a log-in says. */
function securitySchemes(products: readonly DocumentedProduct[]) {
  const tokenUrl = products.find((product) => product.tokenUrl !== undefined)?.tokenUrl ?? '/'
  return {
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    password: { type: 'oauth2', flows: { password: { tokenUrl, scopes: {} } } },
  } as const
}

/**
 * Serves the API reference: `/openapi.json` (everything), `/openapi/{product}.json` and Swagger UI at `/docs`, all without log-in and
 * without anything from another server.
 */
export async function documentApi(app: App, documentation: Documentation): Promise<void> {
  app.decorate('documentation', documentation)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: documentation.title,
        description: documentation.description,
        version: documentation.version,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'This server' }],
      components: { securitySchemes: securitySchemes(documentation.products) },
    },
    convertConstToEnum: false,
    stripBasePath: false,
    transform: ({ schema, url, route }) => ({ schema: describeRoute(schema ?? {}, route), url }),
  })
  const documents = new Map<string, JsonSchema>()
  const documentOf = (product?: string): JsonSchema => {
    const known = documents.get(product ?? '')
    if (known) return known
    const document = describe(app, product)
    documents.set(product ?? '', document)
    return document
  }
  const open = { schema: { hide: true }, config: { permission: 'public', limit: 'none' } } as const
  app.get('/openapi.json', open, () => documentOf())
  for (const { name } of documentation.products) app.get(`/openapi/${name}.json`, open, () => documentOf(name))
  await serveReference(app, documentation)
}

async function serveReference(app: App, { title, products }: Documentation): Promise<void> {
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, permission: 'public', limit: 'none' }
    })
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      theme: { title },
      uiConfig: {
        persistAuthorization: true,
        displayRequestDuration: true,
        docExpansion: 'none',
        filter: true,
        urls: [
          { name: 'All', url: '/openapi.json' },
          ...products.map((product) => ({ name: product.title, url: `/openapi/${product.name}.json` })),
        ],
      },
      initOAuth: { clientId: 'reference' },
    })
  })
}

/**
 * The OpenAPI 3.1 document of everything, or of one product. The same routes give the same bytes, so that it can be committed and checked.
 * The application must be ready. Throws NotFound for a product without operations.
 */
export function describe(app: App, product?: string): JsonSchema {
  const whole: unknown = JSON.parse(JSON.stringify(app.swagger()))
  if (!isSchema(whole)) throw new Error('there is no OpenAPI document')
  const { products, tags = {} } = app.documentation
  const subject = products.find(({ name }) => name === product)
  if (product === undefined) return shape(whole, tags)
  const paths = pathsOf(whole.paths, product)
  if (!subject || Object.keys(paths).length === 0) throw new NotFound('not_found', 'There is no such API reference.')
  const info = { ...app.swagger().info, title: subject.title, description: subject.description }
  const components = {
    ...(isSchema(whole.components) && whole.components),
    securitySchemes: securitySchemes([subject]),
  }
  return shape({ ...whole, info, paths, components }, tags)
}

function shape(document: JsonSchema, tags: Readonly<Record<string, string>>): JsonSchema {
  return sorted(listTags(onlyUsed(nameSchemas(document)), tags))
}

function pathsOf(paths: unknown, product: string): JsonSchema {
  if (!isSchema(paths)) return {}
  const kept = Object.entries(paths).flatMap(([path, operations]) => {
    if (!isSchema(operations)) return []
    const own = Object.entries(operations).filter(([, one]) => isSchema(one) && one['x-product'] === product)
    return own.length === 0 ? [] : [[path, Object.fromEntries(own)] as const]
  })
  return Object.fromEntries(kept)
}
