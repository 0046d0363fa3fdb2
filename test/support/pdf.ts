import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs'

/** The texts of each page of a PDF, in the order in which they are drawn. */
export async function pdfTexts(file: Uint8Array): Promise<string[][]> {
  const task = getDocument({ data: new Uint8Array(file), verbosity: 0 })
  const document = await task.promise
  const pages: string[][] = []
  for (let number = 1; number <= document.numPages; number += 1) {
    const { items } = await (await document.getPage(number)).getTextContent()
    pages.push(items.flatMap((item) => ('str' in item && item.str !== '' ? [item.str] : [])))
  }
  await task.destroy()
  return pages
}
