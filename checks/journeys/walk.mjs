// What every journey is walked with: a demo, a browser that nobody here wrote, and the steps that all take.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import assert from 'node:assert/strict'
import { AxeBuilder } from '@axe-core/playwright'
import { HtmlValidate } from 'html-validate'
import { chromium } from 'playwright-core'

export const [severn, out] = process.argv.slice(2)
mkdirSync(out, { recursive: true })
export const NUMBER = '9990000018'
export const OTHER = '9990000026'
// Somebody who decided how she is to be treated.
export const DECIDED = '9990000050'
// Somebody of whom two laboratories measured one thing, again and again.
export const CHARTED = '9990000433'
export const CHARTED_TEST = 'Serum creatinine'
export const NAME = 'HARTLEY, Margaret Anne'
export const FAILING = "Birmingham City Council adult and children's social care"

/** Starts the demo; answers with its address and how it is ended. */
async function demo() {
  const process = spawn(severn, ['demo', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let region
  for await (const line of createInterface({ input: process.stdout })) {
    region ??= line.match(/^Faults: curl -X PUT (http:\/\/[^/]+)\//)?.[1]
    const found = line.match(/^Read as somebody: (http:\/\/\S+)\/viewer/)
    if (found) {
      process.stdout.resume()
      return { base: found[1], region, stop: () => new Promise((done) => process.once('exit', done).kill('SIGINT')) }
    }
  }
  throw new Error('the demo ended before it said where it is')
}

const results = []
/** One journey: it is told whether it went as it must. */
export async function journey(name, walk) {
  const begun = Date.now()
  try {
    await walk()
    results.push([name, true])
    console.log(`ok    ${name} (${Date.now() - begun} ms)`)
  } catch (error) {
    results.push([name, false])
    console.log(`WRONG ${name}\n${error.stack}`)
  }
}

export let { base, region, stop } = await demo()

/** Another demo. What is claimed, and what is learnt of whom, stays: whoever must be refused first has a demo of their own. */
export async function anew() {
  await stop();
  ({ base, region, stop } = await demo())
}

/** What goes wrong at a supplier from now on, whatever did before. */
export async function fail(supplier, ...faults) {
  const set = await fetch(`${region}/faults/${supplier}`, { method: 'PUT', body: JSON.stringify(faults) })
  assert.ok(set.ok, `${supplier}: ${await set.text()}`)
}

const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const browser = await chromium.launch({ executablePath: process.env.SEVERN_CHROMIUM ?? '/usr/bin/chromium', args: quiet })

const standard = new HtmlValidate({ extends: ['html-validate:standard'] })
const validated = new Set()

/** What the HTML standard says against a page, as the server sent it. */
async function invalid(response, html) {
  validated.add(html)
  const { results } = await standard.validateString(html)
  const told = ({ ruleId, message, line, column }) => `${new URL(response.url()).pathname}: ${ruleId}: ${message}: ${html.split('\n')[line - 1].slice(Math.max(0, column - 60), column + 60)}`
  return results.flatMap((one) => one.messages).map(told)
}

/** A browser of somebody's: nothing is asked of another address, nothing is forbidden by the page's own policy, every page is HTML by
 * its standard, nothing fails. */
export async function opened(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const wrong = []
  context.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1') wrong.push(`asks ${request.url()}`)
  })
  context.on('console', (message) => {
    // A refusal is a page like any other; the browser says so in its console.
    const told = /status of (40[03]|502)/.test(message.text()) || message.location().url.endsWith('/favicon.ico')
    if (message.type() === 'error' && !told) wrong.push(`${message.text()} ${message.location().url}`)
  })
  const pages = []
  context.on('response', (response) => {
    const own = response.url().startsWith(base) && response.headers()['content-type']?.startsWith('text/html')
    // What leads on has no page, and of what was left before it came there is nothing to read.
    if (own && response.status() !== 303) pages.push(response.text().then((html) => html && invalid(response, html), () => []))
  })
  context.on('weberror', (error) => wrong.push(String(error.error())))
  const page = await context.newPage()
  return { page, context, done: async () => {
    wrong.push(...(await Promise.all(pages)).flat())
    await context.close()
    assert.deepEqual([...new Set(wrong)], [])
  } }
}

export async function signIn(page, job) {
  await page.goto(`${base}/viewer`)
  assert.equal(new URL(page.url()).pathname, '/viewer/sign-in')
  await page.getByRole('link', { name: /^Sign in with/ }).click()
  await page.getByRole('button', { name: new RegExp(`^${job}:`) }).click()
  await page.getByRole('heading', { name: 'Find a person' }).waitFor()
  assert.equal(page.url(), `${base}/viewer`)
}

export async function find(page, number) {
  await page.goto(`${base}/viewer`)
  await page.getByRole('textbox', { name: 'NHS number' }).fill(number)
  await page.getByRole('button', { name: 'Find by NHS number' }).click()
  await page.getByRole('link', { name: /^Open the record of/ }).waitFor()
  assert.ok(!page.url().includes(number), 'a number stands in no address')
}

export async function open(page, number) {
  await find(page, number)
  await page.getByRole('link', { name: /^Open the record of/ }).click()
}

export async function claim(page) {
  await page.getByRole('textbox', { name: 'In words: why you need this record', exact: true }).fill('Admitted to my ward this morning')
  await page.getByRole('button', { name: /^I care for/ }).click()
}

export async function read(page, job, number = NUMBER) {
  await signIn(page, job)
  await open(page, number)
  await mayRead(page)
}

/** Claims, unless somebody who works there did before. */
export async function mayRead(page) {
  const [banner, refused] = [page.getByRole('region', { name: 'Patient' }), page.getByRole('heading', { name: 'This record cannot be shown to you now' })]
  await banner.or(refused).first().waitFor()
  if (await refused.count()) await claim(page)
  await banner.waitFor()
}

/** No violation of what axe-core knows of WCAG and good practice, in either colour scheme. */
export async function accessible(page, what) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    const { violations } = await new AxeBuilder({ page }).analyze()
    const told = violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`).join(' | ')}`)
    assert.deepEqual(told, [], `${what}, ${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: null })
}

/** At 320 pixels, which is 400 % of a common screen, nothing is reached by scrolling sideways. */
export async function narrow(page, what) {
  const size = page.viewportSize()
  await page.setViewportSize({ width: 320, height: 640 })
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.ok(wide <= 0, `${what}: ${wide} pixels wider than the page`)
  await page.setViewportSize(size)
}

export const shot = (page, name, fullPage = false) => page.screenshot({ path: join(out, `${name}.png`), fullPage })

/** Ends it all, and tells how it went: how many journeys went wrong. */
export async function ended() {
  await browser.close()
  await stop()
  const failed = results.filter(([, fine]) => !fine).length
  console.log(`${validated.size} pages are looked at by the HTML standard`)
  console.log(`screenshots: ${out}`)
  console.log(`${results.length - failed} passed, ${failed} failed`)
  return failed
}
