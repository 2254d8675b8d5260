// A clinician's journeys: find a person, and read what is shown of them.
import { join } from 'node:path'
import assert from 'node:assert/strict'
import {
  CHARTED, CHARTED_TEST, DECIDED, FAILING, NAME, NUMBER, OTHER, accessible,
  anew, base, claim, find, journey, mayRead, open, opened, out, read, shot, signIn,
} from './walk.mjs'

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with script' : 'without script'
  const label = javaScriptEnabled ? 'script' : 'plain'

  await journey(`a general practitioner signs in, finds, claims and reads, ${how}`, async () => {
    const { page, done } = await opened({ javaScriptEnabled })
    await page.goto(`${base}/viewer`)
    await shot(page, `${label}-1-sign-in`)
    await signIn(page, 'General practitioner')
    await shot(page, `${label}-2-find`, true)
    await open(page, NUMBER)
    // Found is not read: the ways to it name the person and what is overridden.
    await page.getByRole('heading', { name: 'This record cannot be shown to you now' }).waitFor()
    await page.getByRole('heading', { name: `Emergency access to the record of ${NAME}` }).waitFor()
    await shot(page, `${label}-3-refused`, true)
    await claim(page)
    const banner = page.getByRole('region', { name: 'Patient' })
    const said = (await banner.innerText()).replace(/\s+/g, ' ')
    for (const wanted of [NAME, 'Born 11-Mar-1948', 'Gender Female', 'NHS No. 999 000 0018', 'Known allergies', 'The list may be incomplete']) {
      assert.ok(said.includes(wanted), `${wanted}: ${said}`)
    }
    await shot(page, `${label}-4-record`)
    await shot(page, `${label}-5-record-whole`, true)
    // Which source did not answer.
    await page.getByRole('heading', { name: /^Answered in full: 7 of 8 sources/ }).waitFor()
    assert.ok((await page.locator('.sv-strip').innerText()).includes(`${FAILING}: answered with an error, or could not be reached`))
    await page.getByText('Every source: what it said, and when').click()
    await page.getByRole('rowheader', { name: new RegExp(FAILING) }).waitFor()
    await shot(page, `${label}-6-sources`)
    // Which says that she is allergic to penicillin, and which disagrees.
    const differ = page.getByRole('region', { name: /^Sources differ in.*penicillin/i })
    const sides = await differ.getByRole('listitem').filter({ hasText: 'Said by' }).allInnerTexts()
    assert.ok(sides.length >= 2 && sides[0].includes('Confirmed') && sides.at(-1).includes('Refuted'), sides.join('\n'))
    await differ.scrollIntoViewIfNeeded()
    await shot(page, `${label}-7-conflict`)
    // A cluster, opened: every member, and why.
    const cluster = page.locator('#problems details').first()
    await cluster.locator('summary').click()
    assert.ok((await cluster.innerText()).match(/one identifier|word for word|Probably the same/))
    await shot(page, `${label}-8-cluster`)
    // The banner stays in sight.
    await page.locator('#documents').scrollIntoViewIfNeeded()
    const box = await banner.boundingBox()
    assert.ok(box.y >= -1 && box.y < 5, `the banner is at ${box.y}`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    await page.goBack()
    await page.goto(`${base}/viewer`)
    assert.equal(new URL(page.url()).pathname, '/viewer/sign-in')
    await done()
  })

  await journey(`what binds whoever acts next is read first, each with who says so and when, ${how}`, async () => {
    const { page, done } = await opened({ javaScriptEnabled })
    await read(page, 'Consultant', DECIDED)
    const summary = page.getByRole('region', { name: 'What matters first' })
    const said = (await summary.innerText()).replace(/\s+/g, ' ')
    for (const wanted of ['Not for', '17-Feb-2026', 'Mrs Jean Cotterill', 'University Hospitals Birmingham', 'Sources differ about this', 'Not known, for not everybody could be asked']) {
      assert.ok(said.includes(wanted), `${wanted}: ${said}`)
    }
    const heading = await page.locator('h2').first().innerText()
    assert.equal(heading, 'What matters first')
    await shot(page, `${label}-10-critical`)
    await summary.getByRole('link', { name: 'In its place' }).first().click()
    if (javaScriptEnabled) await accessible(page, 'what matters first')
    await done()
  })

  await journey(`results are read by test, and charted with one unit and each laboratory's own ranges, ${how}`, async () => {
    const { page, done } = await opened({ javaScriptEnabled })
    await read(page, 'Consultant', CHARTED)
    await page.getByRole('link', { name: 'Results and charts' }).click()
    const test = page.getByRole('region', { name: CHARTED_TEST, exact: true })
    const chart = test.getByRole('img').first()
    assert.ok((await chart.locator('desc').textContent()).match(/^\d+ values from .* by .*\. Lowest .*, highest .*\./))
    assert.ok(await chart.locator('.sv-mark').count() > 1)
    assert.ok(await test.getByRole('row').count() > await chart.locator('.sv-mark').count())
    await test.scrollIntoViewIfNeeded()
    await shot(page, `${label}-11-results`)
    if (javaScriptEnabled) await accessible(page, 'results')
    await done()
  })

  await journey(`medicines stand beside each other, and what only one side has is said, ${how}`, async () => {
    const { page, done } = await opened({ javaScriptEnabled })
    await read(page, 'Consultant')
    await page.getByRole('link', { name: /^Reconcile:/ }).click()
    const table = page.getByRole('table', { name: 'Medicines, by product and by who says so' })
    const row = async (name) => (await table.getByRole('row').filter({ hasText: name }).first().innerText()).replace(/\s+/g, ' ')
    const [ramipril, metformin] = [await row('Ramipril 10mg capsules'), await row('Metformin 500mg tablets')]
    assert.ok(ramipril.includes('Active by the word of the GP practice; ended by that of the hospital.'), ramipril)
    assert.ok(/Last issued: 20-Oct-2026/.test(metformin) && /Last dispensed: 22-Oct-2026/.test(metformin), metformin)
    await shot(page, `${label}-12-medicines`, true)
    if (javaScriptEnabled) await accessible(page, 'medicines')
    await page.emulateMedia({ media: 'print' })
    const print = await page.evaluate(() => ['.sv-banner', '.sv-foot'].map((one) => getComputedStyle(document.querySelector(one)).display))
    assert.deepEqual(print, ['table-header-group', 'table-footer-group'])
    await page.emulateMedia({ media: null })
    await page.setViewportSize({ width: 320, height: 640 })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok(wide <= 0, `${wide} pixels wider than the page`)
    await shot(page, `${label}-12-medicines-narrow`)
    await done()
  })

  await journey(`a letter is opened in its place, ${how}`, async () => {
    const { page, done } = await opened({ javaScriptEnabled })
    await read(page, 'Consultant')
    await page.getByRole('link', { name: 'Open: Outcome of penicillin allergy testing' }).first().click()
    await page.getByText('We consider that she is not allergic to penicillin.').waitFor()
    assert.ok((await page.getByRole('region', { name: 'Patient' }).innerText()).includes(NAME))
    await shot(page, `${label}-13-document`)
    if (javaScriptEnabled) await accessible(page, 'document')
    await done()
  })

  await journey(`a paramedic breaks the glass, and ends it, ${how}`, async () => {
    const { page, done } = await opened({ javaScriptEnabled })
    await signIn(page, 'Paramedic')
    await open(page, NUMBER)
    await page.getByRole('combobox', { name: 'What makes it an emergency' }).selectOption({ label: 'The person is unconscious' })
    await page.getByRole('textbox', { name: 'In words: why you need this record now' }).fill('Unconscious on the pavement')
    await page.getByRole('button', { name: `Emergency: open the record of ${NAME}` }).click()
    const emergency = page.getByRole('region', { name: /^Emergency access, recorded, until/ })
    await emergency.waitFor()
    assert.ok((await emergency.innerText()).includes('Overridden: that you have no relationship with this person here.'))
    if (javaScriptEnabled) assert.match(await emergency.getByRole('timer').innerText(), /in 3 h|in 4 h/)
    await shot(page, `${label}-9-emergency`)
    await emergency.getByRole('button').click()
    await page.getByRole('heading', { name: 'This record cannot be shown to you now' }).waitFor()
    await done()
  })

  await anew()
}

await journey('axe-core finds no violation on any page, in either colour scheme', async () => {
  const { page, done } = await opened()
  await page.goto(`${base}/viewer`)
  await accessible(page, 'sign in')
  await signIn(page, 'Social worker')
  await accessible(page, 'find')
  await find(page, NUMBER)
  await accessible(page, 'found')
  await page.getByRole('link', { name: /^Open the record of/ }).click()
  await accessible(page, 'refused')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await read(page, 'Consultant')
  await accessible(page, 'record')
  for (const details of await page.locator('details').all()) await details.evaluate((one) => { one.open = true })
  await accessible(page, 'record, everything opened')
  await done()
})

await journey('a page is read at 320 pixels, which is 400 % of a common screen, without scrolling sideways', async () => {
  const { page, done } = await opened({ viewport: { width: 320, height: 640 } })
  const narrow = async (what) => {
    const wide = await page.evaluate(() => {
      const most = document.documentElement.clientWidth
      const over = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > most + 1 && getComputedStyle(one).position !== 'absolute')
      return { wide: document.documentElement.scrollWidth - most, over: over.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)) }
    })
    assert.ok(wide.wide <= 0, `${what}: ${JSON.stringify(wide)}`)
  }
  await page.goto(`${base}/viewer`)
  await narrow('sign in')
  await signIn(page, 'Community pharmacist')
  await narrow('find')
  await open(page, NUMBER)
  await narrow('refused')
  await shot(page, 'narrow-refused')
  await mayRead(page)
  for (const details of await page.locator('details').all()) await details.evaluate((one) => { one.open = true })
  await narrow('record')
  await shot(page, 'narrow-record')
  await page.locator('#results').scrollIntoViewIfNeeded()
  await shot(page, 'narrow-results')
  await accessible(page, 'record at 320 pixels')
  // The banner leaves room to read.
  const box = await page.getByRole('region', { name: 'Patient' }).boundingBox()
  assert.ok(box.height < 640 * 0.5, `the banner is ${box.height} high`)
  await done()
})

await journey('everything is reached by keyboard, focus is seen, and nothing is behind the banner', async () => {
  const { page, done } = await opened()
  await page.goto(`${base}/viewer`)
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to main content')
  await signIn(page, 'General practitioner')
  await page.getByRole('textbox', { name: 'NHS number' }).focus()
  await page.keyboard.type(NUMBER)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: /^Open the record of/ }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('textbox', { name: 'In words: why you need this record', exact: true }).focus()
  await page.keyboard.type('Admitted to my ward this morning')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const banner = page.getByRole('region', { name: 'Patient' })
  await banner.waitFor()
  const stops = new Set()
  for (let at = 0; at < 90; at += 1) {
    await page.keyboard.press('Tab')
    const stop = await page.evaluate(() => {
      const own = document.activeElement
      if (own === document.body) return null
      const style = getComputedStyle(own)
      const box = own.getBoundingClientRect()
      const banner = document.querySelector('.sv-banner').getBoundingClientRect()
      const inside = own.closest('.sv-banner') !== null || own.closest('.sv-top') !== null || own.classList.contains('nhsuk-skip-link')
      return { what: own.outerHTML.slice(0, 100), seen: parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== 'none' || style.boxShadow !== 'none', behind: !inside && box.bottom <= banner.bottom && box.height > 0, box: [box.top, box.bottom, banner.bottom] }
    })
    if (stop === null) break
    assert.ok(stop.seen, `focus is not seen: ${stop.what}`)
    assert.ok(!stop.behind, `behind the banner: ${JSON.stringify(stop)}`)
    stops.add(stop.what)
  }
  assert.ok(stops.size > 30, `${stops.size} stops`)
  await shot(page, 'keyboard')
  // A section is led to, and is not hidden by the banner.
  await page.evaluate(() => { location.hash = '#documents' })
  await page.waitForTimeout(200)
  const tops = await page.evaluate(() => [document.querySelector('#documents').getBoundingClientRect().top, document.querySelector('.sv-banner').getBoundingClientRect().bottom])
  assert.ok(tops[0] >= tops[1] - 1, `a section is behind the banner: ${tops}`)
  await done()
})

await journey('forced colours keep what colours said', async () => {
  const { page, done } = await opened({ forcedColors: 'active' })
  await read(page, 'Hospital doctor')
  await shot(page, 'forced-colours')
  await done()
})

await journey('two tabs, two people, fifty switches: no page has one under the other', async () => {
  const { page, context, done } = await opened()
  await read(page, 'Hospital doctor')
  const first = page.url()
  await open(page, OTHER)
  await mayRead(page)
  const second = page.url()
  assert.notEqual(first, second)
  const other = await context.newPage()
  const tabs = [page, other]
  const numbers = { [first]: '999 000 0018', [second]: '999 000 0026' }
  for (let turn = 0; turn < 25; turn += 1) {
    const urls = turn % 2 ? [first, second] : [second, first]
    await Promise.all(tabs.map((tab, at) => tab.goto(urls[at])))
    for (const [at, tab] of tabs.entries()) {
      const whole = await tab.locator('html').innerText()
      const [own, strange] = [numbers[urls[at]], numbers[urls[1 - at]]]
      assert.ok(whole.includes(own) && !whole.includes(strange), `turn ${turn}`)
    }
  }
  await done()
})

await journey('a printed record says on every page whose it is, who answered and who read', async () => {
  const { page, done } = await opened()
  await read(page, 'Hospital doctor')
  await page.pdf({ path: join(out, 'record.pdf'), format: 'A4' })
  await page.emulateMedia({ media: 'print' })
  const print = await page.evaluate(() => ['.sv-banner', '.sv-foot'].map((one) => getComputedStyle(document.querySelector(one)).display))
  assert.deepEqual(print, ['table-header-group', 'table-footer-group'])
  const foot = await page.locator('.sv-foot').innerText()
  for (const wanted of [NAME, '999 000 0018', 'by Dr A Example', 'Answered in full: 7 of 8 sources', FAILING]) assert.ok(foot.includes(wanted), `${wanted}: ${foot}`)
  assert.equal(await page.locator('.sv-top').isVisible(), false)
  await done()
})
