import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import '../fastifyTypes.ts'
import { NotFound } from '../../errors.ts'
import type { JsonSchema } from '../request/strictSchema.ts'
import { isSchema } from '../request/strictSchema.ts'
import { listTags, nameSchemas, onlyUsed, sorted } from './documentShape.ts'
import { describeRoute } from './operation.ts'
import { type PackedDocument, packDocument, sendPacked } from './packedDocument.ts'
import { nameSharedParts } from './sharedParts.ts'

/** Texts of the API reference besides the operations themselves. */
export interface Documentation {
  readonly title: string
  readonly description: string
  readonly version: string
  /** The parts of the program whose routes have a scope of the same name (see `openScope`). */
  readonly products: readonly DocumentedProduct[]
  /** Descriptions of the tags. */
  readonly tags?: Readonly<Record<string, string>>
}

interface DocumentedProduct {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Path to which Swagger UI's log-in form is sent; takes an OAuth2 password form. */
  readonly tokenUrl?: string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Texts of the API reference besides the operations. */
    documentation: Documentation
    /** Additional prefixes of all operations of a part, by the name of the part (see `openScope`). */
    basePrefixes: Map<string, readonly string[]>
  }
}

const thisServer = { url: '/', description: 'This server' }

/** The security schemes; the password form is that of the first product with a log-in. */
function securitySchemes(products: readonly DocumentedProduct[]) {
  const tokenUrl = products.find((product) => product.tokenUrl !== undefined)?.tokenUrl ?? '/'
  return {
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    password: { type: 'oauth2', flows: { password: { tokenUrl, scopes: {} } } },
  } as const
}

/** The part to which the kernel's own routes belong; they have no scope. */
const kernelPart: DocumentedProduct = {
  name: 'site',
  title: 'Site',
  description: 'Common to every installation, whatever products are switched on.',
}

/** The parts of the API with a document of their own: the products and the kernel's own routes. */
export function documentedParts({ products }: Documentation): readonly DocumentedProduct[] {
  return products.some(({ name }) => name === kernelPart.name) ? products : [...products, kernelPart]
}

/**
 * Serves the API reference: `/openapi.json` (everything), `/openapi/{part}.json` and Swagger UI at `/docs`. All of it
 * is public and needs nothing from another server.
 */
export async function documentApi(app: App, documentation: Documentation): Promise<void> {
  app.decorate('documentation', documentation)
  app.decorate('basePrefixes', new Map())
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: documentation.title,
        description: documentation.description,
        version: documentation.version,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [thisServer],
      components: { securitySchemes: securitySchemes(documentation.products) },
    },
    convertConstToEnum: false,
    stripBasePath: false,
    transform: ({ schema, url, route }) => ({
      schema: schema?.hide ? schema : describeRoute(schema ?? {}, route),
      url,
    }),
  })
  const published = new Map<string, Promise<PackedDocument>>()
  const serve = (part?: string) => async (request: FastifyRequest, reply: FastifyReply) => {
    const key = part ?? ''
    const packed = published.get(key) ?? packDocument(describe(app, part))
    published.set(key, packed)
    return sendPacked(await packed, request, reply)
  }
  const open = { schema: { hide: true }, config: { permission: 'public', limit: 'none' } } as const
  app.get('/openapi.json', open, serve())
  for (const { name } of documentedParts(documentation)) app.get(`/openapi/${name}.json`, open, serve(name))
  await serveReference(app, documentation)
}

async function serveReference(app: App, documentation: Documentation): Promise<void> {
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, permission: 'public', limit: 'none' }
    })
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      theme: { title: documentation.title },
      uiConfig: {
        persistAuthorization: true,
        displayRequestDuration: true,
        docExpansion: 'none',
        filter: true,
        urls: [
          { name: 'All', url: '/openapi.json' },
          ...documentedParts(documentation).map(({ name, title }) => ({ name: title, url: `/openapi/${name}.json` })),
        ],
      },
      initOAuth: { clientId: 'reference' },
    })
  })
}

/**
 * The OpenAPI 3.1 document of everything, or of one part. The same routes give the same bytes, so that it can be
 * committed and checked. The application must be ready.
 * @throws NotFound for a part without operations.
 */
export function describe(app: App, part?: string): JsonSchema {
  const whole: unknown = JSON.parse(JSON.stringify(app.swagger()))
  if (!isSchema(whole)) throw new Error('there is no OpenAPI document')
  const { documentation } = app
  const { tags = {} } = documentation
  if (part === undefined) return shape(whole, tags)
  const subject = documentedParts(documentation).find(({ name }) => name === part)
  const paths = pathsOf(whole.paths, part)
  if (!subject || Object.keys(paths).length === 0) throw new NotFound('not_found', 'There is no such API reference.')
  const info = { ...app.swagger().info, title: subject.title, description: subject.description }
  const components = {
    ...(isSchema(whole.components) && whole.components),
    securitySchemes: securitySchemes(subject.tokenUrl === undefined ? documentation.products : [subject]),
  }
  const servers = [thisServer, ...prefixedServers(app.basePrefixes.get(part) ?? [])]
  return shape({ ...whole, info, servers, paths, components }, tags)
}

function prefixedServers(prefixes: readonly string[]) {
  return prefixes.map((url) => ({ url, description: 'The same, for clients that were built with this prefix' }))
}

function shape(document: JsonSchema, tags: Readonly<Record<string, string>>): JsonSchema {
  return listTags(onlyUsed(nameSharedParts(sorted(nameSchemas(document)))), tags)
}

function pathsOf(paths: unknown, part: string): JsonSchema {
  if (!isSchema(paths)) return {}
  const kept = Object.entries(paths).flatMap(([path, operations]) => {
    if (!isSchema(operations)) return []
    const own = Object.entries(operations).filter(([, one]) => isSchema(one) && partOf(one) === part)
    return own.length === 0 ? [] : [[path, Object.fromEntries(own)] as const]
  })
  return Object.fromEntries(kept)
}

function partOf(operation: JsonSchema): unknown {
  return operation['x-product'] ?? kernelPart.name
}
