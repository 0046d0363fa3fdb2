import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

/** The districts of a product: each folder in them is a feature. All features may use `core/`. */
const DISTRICTS = ['places', 'visits', 'people', 'figures', 'campaigns', 'conversations']

/** A product and the feature that a file belongs to: `places/slots`, `core`, or null for a file above the features. */
function placeOf(file: string): { readonly product: string; readonly feature: string | null } {
  const [, product = '', district = '', ...rest] = file.split('/')
  if (district === 'core') return { product, feature: 'core' }
  // A file directly in a district, such as `places/routes.ts`, belongs to no feature.
  const feature = DISTRICTS.includes(district) && rest.length > 1 ? `${district}/${rest[0]}` : null
  return { product, feature }
}

const source = (file: string) => readFileSync(file, 'utf8')
const importsOf = (file: string) =>
  [...source(file).matchAll(/(?:from|import\(?)\s*'(\.[^']+)'/g)].map(([, path = '']) => join(dirname(file), path))

/** Imports of a product that lead from one feature to another, or from `core/` to a feature. */
function sidewaysImports(product: string): string[] {
  const files = globSync(`src/${product}/**/*.ts`).filter((file) => !file.endsWith('.test.ts'))
  return files.flatMap((file) => {
    const { feature } = placeOf(file)
    if (feature === null) return []
    return importsOf(file)
      .filter((target) => {
        const to = placeOf(target)
        return to.product === product && to.feature !== null && to.feature !== 'core' && to.feature !== feature
      })
      .map((target) => `${file} → ${target}`)
  })
}

const products = ['venue', 'room', 'clinic', 'crm'].filter((product) => existsSync(`src/${product}`))

it.each(products)('the features of %s import core, but not each other, and core imports no feature', (product) => {
  expect(globSync(`src/${product}/core/**/*.ts`)).not.toEqual([])
  expect(sidewaysImports(product)).toEqual([])
})
