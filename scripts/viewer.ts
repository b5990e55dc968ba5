/** Makes the page of the collector one file: the client, bundled, and its style, inside of the HTML. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** The whole page. `folder` holds page.html, page.css and main.ts. */
export async function buildPage(folder: string): Promise<string> {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const options = { bundle: true, minify: true, write: false, logLevel: 'warning', target: 'es2022', legalComments: 'none' } as const
  const script = await build({ ...options, entryPoints: [join(folder, 'main.ts')], format: 'iife' })
  // Not minified by esbuild: it would rewrite light-dark() for old browsers.
  const style = read('page.css').replace(/\n\s*/g, '\n')
  // By functions: a `$&` in the script is none of ours.
  return read('page.html')
    .replace('/*STYLE*/', () => style)
    .replace('/*SCRIPT*/', () => script.outputFiles[0]!.text.trim().replaceAll('</script', '<\\/script'))
}
