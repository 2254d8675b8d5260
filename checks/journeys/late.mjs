// A source that answers late: what is read meanwhile stays where it is, and what comes is told.
import assert from 'node:assert/strict'
import { NUMBER, accessible, anew, fail, journey, mayRead, open, opened, read, shot, signIn } from './walk.mjs'

const LATE = 'mh'

/** Times as the reader has them, and how far anything moved that was already shown. */
const measure = (page) => page.addInitScript(() => {
  window.moved = []
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved.push({ value: entry.value, what: entry.sources.map((one) => one.node?.outerHTML?.slice(0, 100)) })
  }).observe({ type: 'layout-shift', buffered: true })
})

async function timed(page) {
  return page.evaluate(() => {
    const [navigation] = performance.getEntriesByType('navigation')
    const [paint] = performance.getEntriesByName('first-contentful-paint')
    return { answered: Math.round(navigation.responseStart), painted: Math.round(paint.startTime), loaded: Math.round(navigation.loadEventEnd), bytes: navigation.decodedBodySize }
  })
}

const times = {}

async function reading(page) {
  await measure(page)
  await read(page, 'Hospital doctor')
  await page.reload()
  await page.getByRole('region', { name: 'Patient' }).waitFor()
}

await anew()
await journey('all sources are quick: the page is whole at once', async () => {
  const { page, done } = await opened()
  await reading(page)
  assert.equal(await page.locator('[data-more]').count(), 0)
  times.quick = await timed(page)
  await done()
})

await anew()
await fail(LATE, { fault: 'slow', ms: 3000 })
await journey('a source is three seconds late: first sections come at once, nothing moves, and the late part is told', async () => {
  const { page, done } = await opened()
  await reading(page)
  const late = page.locator('[data-more]')
  const strip = page.locator('#completeness')
  assert.ok((await strip.innerText()).includes('not answered yet'), await strip.innerText())
  times.late = await timed(page)
  await shot(page, 'late-1-before')
  // Somebody reads in the middle of it.
  await page.evaluate(() => document.querySelector('#results').scrollIntoView())
  const where = () => page.evaluate(() => document.querySelector('#results h2').getBoundingClientRect().top)
  const before = await where()
  const lines = await page.locator('main .sv-line').count()
  await late.getByText('No more is waited for.').waitFor({ timeout: 15000 })
  times.complete = await page.evaluate(() => Math.round(performance.now()))
  assert.equal(await where(), before)
  assert.equal(await page.locator('main .sv-line').count(), lines, 'nothing is added before it is asked for')
  assert.match(await late.innerText(), /more\./)
  await shot(page, 'late-2-told')
  await accessible(page, 'a late part is told')
  const moved = await page.evaluate(() => window.moved)
  assert.deepEqual(moved, [], 'something moved')
  await page.getByRole('button', { name: 'Show what came' }).click()
  assert.ok(await page.getByText('Came late').count() > 0)
  assert.ok(await page.locator('main .sv-line').count() > lines)
  assert.ok(!(await strip.innerText()).includes('not answered yet'))
  assert.ok(Math.abs(await where() - before) < 2, 'what was read is where it was')
  await shot(page, 'late-3-shown')
  await accessible(page, 'a late part is shown')
  await done()
})

await journey('without script the page waits, and is whole', async () => {
  const { page, done } = await opened({ javaScriptEnabled: false })
  await signIn(page, 'Hospital doctor')
  await open(page, NUMBER)
  await mayRead(page)
  assert.equal(await page.locator('[data-more]').count(), 0)
  assert.ok(!(await page.locator('#completeness').innerText()).includes('not answered yet'))
  await done()
})

console.log(`times in ms, all quick: ${JSON.stringify(times.quick)}; one source 3 s a request late: ${JSON.stringify(times.late)}, all of it after ${times.complete}`)
await anew()
